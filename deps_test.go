package ebtools

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// house says which packages of ours each package may import, tests aside. A
// package stands above all that it imports; what is not said is not allowed.
var house = map[string]string{
	"bpf/linux": "",
	"bpf":       "bpf/linux",
	"elf/core":  "bpf",
	"elf":       "bpf bpf/linux elf/core",
	"asm":       "bpf bpf/linux elf",
	"compat":    "bpf bpf/linux",
	"verifier":  "bpf bpf/linux",
	"vm":        "bpf bpf/linux",
	"seccomp":   "bpf bpf/linux",
	"replay":    "bpf bpf/linux vm seccomp",
	"loader":    "bpf bpf/linux elf vm seccomp",

	"verifier/scalar": "bpf",

	"internal/require": "",
	"internal/show":    "bpf bpf/linux",
	"internal/cli":     "bpf internal/show",
	"internal/ctype":   "",
	"internal/preset":  "bpf internal/show",
	"internal/flow":    "bpf",
	"internal/kernel":  "bpf bpf/linux",
	"bench":            ". bpf bpf/linux vm replay internal/kernel",
	"internal/against": "bpf bpf/linux vm internal/kernel internal/show",

	"internal/cli/clitest": "internal/cli",                   // for tests
	"internal/generate":    "bpf bpf/linux",                  // for tests
	"internal/libbpf":      "bpf bpf/linux internal/require", // for tests

	".":          "bpf bpf/linux asm elf elf/core verifier vm seccomp replay",
	"cmd/ebas":   commands,
	"cmd/ebdump": commands,
	"cmd/ebrun":  commands,
}

// commands may import everything.
const commands = ". bpf bpf/linux asm elf verifier vm seccomp replay loader compat internal/cli internal/show internal/ctype internal/flow internal/preset internal/against internal/kernel"

// outside says which packages may import what is neither ours nor the standard
// library's; an import is governed by its longest prefix here.
var outside = map[string]func(pkg string) bool{
	"github.com/cilium/ebpf/btf":      func(pkg string) bool { return pkg != "bpf/linux" && pkg != "seccomp" },
	"github.com/cilium/ebpf":          oneOf("loader", "cmd/ebload"),
	"github.com/gopacket/gopacket":    oneOf("replay"),
	"github.com/spf13/pflag":          func(pkg string) bool { return pkg == "internal/cli" || strings.HasPrefix(pkg, "cmd/") },
	"golang.org/x/sys":                oneOf("loader", "internal/kernel", "internal/require", "cmd/ebload"),
	"github.com/rogpeppe/go-internal": oneOf("internal/cli/clitest"), // and tests
	"github.com/google/go-cmp":        oneOf(),
	"golang.org/x/net":                oneOf(),
}

func oneOf(pkgs ...string) func(string) bool {
	return func(pkg string) bool { return slices.Contains(pkgs, pkg) }
}

func TestImports(t *testing.T) {
	imports := readImports(t)
	for pkg, list := range imports {
		ours, known := house[pkg]
		if !known {
			t.Errorf("package %s has no line in the house: say what it may import", pkg)
			continue
		}
		for _, imp := range list {
			if inner, is := strings.CutPrefix(imp+"/", "ebtools/"); is { // "ebtools" itself is "."
				inner = path.Clean(inner)
				if !slices.Contains(strings.Fields(ours), inner) {
					t.Errorf("%s imports %s, which the house does not allow", pkg, inner)
				}
				continue
			}
			if !strings.Contains(strings.Split(imp, "/")[0], ".") {
				continue // standard library
			}
			if rule := outsideRule(imp); rule == nil || !rule(pkg) {
				t.Errorf("%s imports %s, which it may not", pkg, imp)
			}
		}
	}
	for pkg := range house {
		if imports[pkg] == nil {
			t.Errorf("the house has a room for %s, which is not there", pkg)
		}
	}
}

func outsideRule(imp string) func(string) bool {
	for prefix := imp; prefix != "."; prefix = path.Dir(prefix) {
		if rule := outside[prefix]; rule != nil {
			return rule
		}
	}
	return nil
}

// readImports gives the imports of each package by its folder, from all files
// that are no tests, whatever system they are for.
func readImports(t *testing.T) map[string][]string {
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		if imports[pkg] == nil {
			imports[pkg] = []string{}
		}
		for _, imp := range f.Imports {
			imports[pkg] = append(imports[pkg], strings.Trim(imp.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}
