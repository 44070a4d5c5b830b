package require

import (
	"errors"
	"os"
	"testing"
)

// TestKernelAnswers fails where the kernel is demanded and loading a program
// never ends. Tests that need the kernel can't be run there.
func TestKernelAnswers(t *testing.T) {
	if why := os.Getenv("EBTOOLS_NO_KERNEL"); why != "" {
		t.Skipf("skipped: EBTOOLS_NO_KERNEL says: %s", why)
	}
	err := probe()
	if errors.Is(err, errHangs) {
		Missing(t, "kernel", "%v", err)
	}
	t.Logf("loading a program: %v", err)
}
