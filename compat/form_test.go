package compat

import (
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Every form of an instruction has a release: that of a feature, the first with
// BPF, or none because no kernel runs it.
func TestForms(t *testing.T) {
	counts := map[linux.Feature]int{}
	every, none := 0, 0
	for i := range bpf.Forms() {
		f := &bpf.Forms()[i]
		feature, ok, known := formFeature(f)
		switch {
		case !known:
			none++
			if f.Group != bpf.LLVM {
				t.Errorf("%s is said to run on no kernel", f.Syntax)
			}
		case !ok:
			every++
			if f.Since != bpf.V1 {
				t.Errorf("%s of %v is said to run on every kernel", f.Syntax, f.Since)
			}
		default:
			counts[feature]++
			if f.Since > bpf.V1 && feature.Since().Less(linux.FeatureJumpLess.Since()) {
				t.Errorf("%s of %v needs %v, of %v", f.Syntax, f.Since, feature, feature.Since())
			}
		}
	}
	t.Logf("%d forms on every kernel, %d on none, others %v", every, none, counts)
	for feature, want := range map[linux.Feature]int{
		linux.FeatureMayGoto: 1, linux.FeatureAddrSpaceCast: 1, linux.FeatureLoadAcquire: 8, linux.FeatureArsh32: 2,
		linux.FeatureJump32: 22, linux.FeatureJumpLess: 8, linux.FeatureCalls: 1, linux.FeatureKfuncs: 2,
		linux.FeatureGlobalData: 2, linux.FeatureKsyms: 1, linux.FeatureFuncPointers: 1,
	} {
		if counts[feature] != want {
			t.Errorf("%d forms need %v, want %d", counts[feature], feature, want)
		}
	}
	if none != 1 || counts[linux.FeatureISAv4] < 15 || counts[linux.FeatureAtomics] < 18 {
		t.Errorf("%d forms run nowhere, %d are v4, %d atomics", none, counts[linux.FeatureISAv4], counts[linux.FeatureAtomics])
	}
}
