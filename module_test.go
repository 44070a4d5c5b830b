package ebtools_test

import (
	"os/exec"
	"testing"
)

// TestOtherModule: another module uses this one by a replace directive, as the
// README says.
func TestOtherModule(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: the go command is not on PATH")
	}
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = "testdata/module"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", cmd, err, out)
	}
}
