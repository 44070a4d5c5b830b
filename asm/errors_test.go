package asm

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ebtools/bpf"
)

var update = flag.Bool("update", false, "write what is said now into the golden files")

// TestErrors assembles the sources in testdata/errors and compares all that is
// said about each, as it is shown, with what stands behind it.
func TestErrors(t *testing.T) {
	for _, path := range glob(t, "testdata/errors/*.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			src, want := archive.Files[i], &archive.Files[i+1]
			name := strings.TrimSuffix(filepath.Base(path), ".txtar") + "/" + strings.TrimSuffix(src.Name, ".s")
			if want.Name != strings.TrimSuffix(src.Name, ".s")+".txt" {
				t.Fatalf("%s: %s is followed by %s", path, src.Name, want.Name)
			}
			t.Run(name, func(t *testing.T) {
				img, diags := Assemble(src.Name, src.Data, Options{})
				if (img == nil) != (diags.Err() != nil) {
					t.Errorf("image %v with %v", img, diags)
				}
				got := rendered(t, diags)
				if *update {
					want.Data = []byte(got)
					return
				}
				if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func rendered(t testing.TB, diags bpf.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	for _, d := range diags {
		if err := d.Render(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
