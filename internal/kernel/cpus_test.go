package kernel

import "testing"

func TestLastCPU(t *testing.T) {
	for list, want := range map[string]int{"0\n": 1, "0-3\n": 4, "0,2-5": 6, "0-1,8": 9, "": 0, "x": 0} {
		if n, err := lastCPU(list); n != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", list, n, err)
		}
	}
}
