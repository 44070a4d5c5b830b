package linux

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		e           Errno
		name, error string
	}{
		{ENOENT, "ENOENT", "ENOENT: no such entry"},
		{EPERM, "EPERM", "EPERM: operation not permitted"},
		{ENOTSUPP, "ENOTSUPP", "ENOTSUPP: not supported"},
		{0, "", "errno 0"},
		{41, "", "errno 41"},
		{999, "", "errno 999"},
		{-2, "", "errno -2"},
	} {
		if tt.e.Name() != tt.name || tt.e.Error() != tt.error {
			t.Errorf("Errno(%d) is %q, %q; want %q, %q", int32(tt.e), tt.e.Name(), tt.e.Error(), tt.name, tt.error)
		}
	}
	if err := fmt.Errorf("update: %w", EEXIST); !errors.Is(err, EEXIST) || errors.Is(err, ENOENT) {
		t.Errorf("%v is not EEXIST, or ENOENT too", err)
	}
}

func TestErrnoTable(t *testing.T) {
	names, texts := map[string]int{}, map[string]int{}
	for number, row := range errnoTable {
		if row.name == "" {
			if number != 0 && number != 41 && number != 58 && (number < 134 || number >= 524) {
				t.Errorf("no error has the number %d", number)
			}
			continue
		}
		if other, ok := names[row.name]; ok {
			t.Errorf("errors %d and %d are both called %s", other, number, row.name)
		}
		if other, ok := texts[row.text]; ok || row.text == "" {
			t.Errorf("errors %d and %d both mean %q", other, number, row.text)
		}
		names[row.name], texts[row.text] = number, number
		if value, ok := Constant(row.name); !ok || value != int64(number) {
			t.Errorf("Constant(%q) = %d, %v; want %d", row.name, value, ok, number)
		}
	}
}
