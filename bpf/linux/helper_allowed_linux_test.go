package linux_test

import (
	"strings"
	"testing"

	"ebtools/bpf/linux"
)

// dependsOnKernel has the helpers that a kernel built without error injection, or
// locked down, does not have.
var dependsOnKernel = map[linux.HelperID]bool{linux.FnOverrideReturn: true, linux.FnProbeWriteUser: true}

// TestHelpersAllowedInKernel has programs in every place call every helper.
func TestHelpersAllowedInKernel(t *testing.T) {
	p := newProber(t)
	compared, allowed := 0, 0
	for _, at := range append(p.places(), p.loadable(targets)...) {
		for _, h := range linux.Helpers() {
			if dependsOnKernel[h.ID] {
				continue
			}
			got := p.load(at, "GPL", call(h.ID))
			refused := strings.Contains(got.log, "program of this type cannot use helper") || strings.Contains(got.log, "unknown func") ||
				strings.Contains(got.log, "not supported for program type") || strings.Contains(got.log, "supported only for fentry") || strings.Contains(got.log, "helper call is not allowed in probe")
			compared++
			if !refused {
				allowed++
			}
			if want := h.AllowedIn(at.t, at.a); want == refused {
				t.Errorf("%v %v: %v here, %v in the kernel: %s", at, h.Name, want, !refused, got.reason())
			}
		}
	}
	t.Logf("%d helpers of places compared, %d of them allowed", compared, allowed)
}
