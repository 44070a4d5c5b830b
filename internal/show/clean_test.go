package show

import (
	"bytes"
	"testing"
)

func TestNamesThatHoldAnything(t *testing.T) {
	for _, test := range []struct{ in, name, line string }{
		{"xdp_drop", "xdp_drop", "xdp_drop"},
		{"größe µs 世界", "größe µs 世界", "größe µs 世界"},
		{"", "", ""},
		{"\x1b[31mred", `"\x1b[31mred"`, `\x1b[31mred`},
		{"\tif (x)", `"\tif (x)"`, "    if (x)"},
		{"a\u202eb", `"a\u202eb"`, `a\u202eb`},
		{"c1 \u009b csi", `"c1 \u009b csi"`, `c1 \u009b csi`},
		{"bad \xff byte", `"bad \xff byte"`, `bad \xff byte`},
		{"a\u200bb", `"a\u200bb"`, `a\u200bb`},
		{"tag \U000e0001", `"tag \U000e0001"`, `tag \U000e0001`},
	} {
		if got := Name(test.in); got != test.name {
			t.Errorf("Name(%q) = %s, want %s", test.in, got, test.name)
		}
		if got := Line(test.in); got != test.line {
			t.Errorf("Line(%q) = %s, want %s", test.in, got, test.line)
		}
	}
}

func TestPrintable(t *testing.T) {
	var b bytes.Buffer
	in := "one\ttwo\n\x1b[2Jthree\r\n"
	n, err := Printable(&b).Write([]byte(in))
	if want := "one\ttwo\n\\x1b[2Jthree\\x0d\n"; err != nil || n != len(in) || b.String() != want {
		t.Errorf("%q, %d, %v, want %q", b.String(), n, err, want)
	}
}

func TestColors(t *testing.T) {
	on, off := Colors{On: true}, Colors{}
	if got := off.Heading("x") + off.Bad("y"); got != "xy" {
		t.Errorf("without colours: %q", got)
	}
	painted := on.Heading("µs") + on.Name("") + on.Quiet("ab")
	if want := "\x1b[1mµs\x1b[0m\x1b[2mab\x1b[0m"; painted != want {
		t.Errorf("with colours: %q, want %q", painted, want)
	}
	if got := Width(painted); got != 4 {
		t.Errorf("width %d, want 4", got)
	}
	var table Table
	table.Row(on.Name("a"), "b")
	table.Row("long", on.Bad("c"))
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[36ma\x1b[0m     b\nlong  \x1b[31mc\x1b[0m\n"; b.String() != want {
		t.Errorf("table %q, want %q", b.String(), want)
	}
}
