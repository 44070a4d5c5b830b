package elf

import (
	"path/filepath"
	"testing"
)

// checkedIn lists the objects in testdata.
func checkedIn(t testing.TB) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"testdata/*.o", "testdata/core/*.o"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, list...)
	}
	return paths
}
