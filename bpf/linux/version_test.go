package linux

import "testing"

func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		v    Version
		want string
	}{
		{Version{}, "unknown"},
		{Version{5, 10}, "5.10"},
		{Version{6, 0}, "6.0"},
	} {
		if got := tt.v.String(); got != tt.want {
			t.Errorf("%#v.String() = %q, want %q", tt.v, got, tt.want)
		}
	}
	ascending := []Version{{}, {3, 19}, {4, 1}, {4, 20}, {5, 0}, {6, 18}, {7, 0}}
	for i, v := range ascending {
		for j, w := range ascending {
			if got, want := v.Less(w), i < j; got != want {
				t.Errorf("%v.Less(%v) = %v, want %v", v, w, got, want)
			}
		}
	}
}
