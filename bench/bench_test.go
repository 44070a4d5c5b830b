package main

import (
	"testing"

	"ebtools/internal/kernel"
	"ebtools/internal/require"
	"ebtools/vm"
)

// TestWorkloads: what is compared does the same on both sides.
func TestWorkloads(t *testing.T) {
	require.Kernel(t)
	all, err := open()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		w := &all[i]
		if w.kernel == nil {
			if w.name != "collatz" {
				t.Errorf("%s: %s", w.name, w.why)
			}
			continue
		}
		for _, p := range w.packets {
			want, err := w.kernel.Run(kernel.Input{Data: p})
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.program.RunXDP(&vm.Frame{Data: p})
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != want.Return {
				t.Errorf("%s: %#x here, %#x in the kernel, on %x", w.name, got.Verdict, want.Return, p)
			}
		}
	}
}

// TestNoAllocations: runs, lookups and calls allocate nothing.
func TestNoAllocations(t *testing.T) {
	t.Setenv("EBTOOLS_NO_KERNEL", "not needed")
	all, err := open()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		w := &all[i]
		var frame vm.Frame
		allocs := testing.AllocsPerRun(2, func() {
			for _, p := range w.packets {
				frame.Data = p
				if _, err := w.program.RunXDP(&frame); err != nil {
					t.Fatalf("%s: %v", w.name, err)
				}
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", w.name, allocs)
		}
	}
}
