package elf

import (
	"path/filepath"
	"testing"
)

// checkedIn lists the objects in testdata.
func checkedIn(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.o")
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
