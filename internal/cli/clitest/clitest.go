// Package clitest runs a command's test scripts.
package clitest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ebtools/internal/cli"
)

// Main is what a command's TestMain calls: scripts may then run the command
// that make returns under its name.
func Main(m *testing.M, make func() *cli.Command) {
	testscript.Main(m, map[string]func(){make().Name: func() { cli.Main(make()) }})
}

// Run runs the scripts testdata/*.txtar. In them, $ROOT is the repository. With
// UPDATE_SCRIPTS set in the environment, files that cmp finds different are
// written anew.
func Run(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			return nil
		},
	})
}
