//go:build !linux

package require

import (
	"runtime"
	"testing"
)

// Kernel skips t: only Linux has the kernel to compare with.
func Kernel(t testing.TB) {
	t.Helper()
	Missing(t, "kernel", "this is %s, not Linux", runtime.GOOS)
}
