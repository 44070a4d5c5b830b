package asm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filesIn reads files from a map.
func filesIn(files map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := files[filepath.ToSlash(name)]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}
}

func TestInclude(t *testing.T) {
	img, diags := Assemble("src/main.s", []byte(`
.data
.include "one.inc"
.macro take n
.include "\n"
.endm
take sub/three.inc
.rept 2
.include "end.inc"
.endr
.incbin "bytes", 2, 3
.incbin "bytes",, 1
.incbin "bytes", 100
.byte VALUE
`), Options{
		NoDebug: true, Include: []string{"elsewhere", "inc"},
		ReadFile: filesIn(map[string]string{
			"src/one.inc":             ".byte 1\n.include \"two.inc\"\n.set VALUE, 9",
			"inc/two.inc":             ".byte 2\n",
			"elsewhere/sub/three.inc": ".include \"four.inc\"",
			"elsewhere/sub/four.inc":  ".byte 4",
			"src/end.inc":             ".byte 5",
			"inc/bytes":               "abcdefg",
		}),
	})
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	want := "\x01\x02\x04\x05\x05cdea\x09"
	if got := string(img.Section(".data").Data); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestIncludeErrors looks at what is said, and where.
func TestIncludeErrors(t *testing.T) {
	deep := map[string]string{}
	for i := range 100 {
		deep[fmt.Sprintf("%d.s", i)] = fmt.Sprintf(".include \"%d.s\"", i+1)
	}
	for _, c := range []struct {
		src   string
		files map[string]string
		kind  error
		want  string
	}{
		{".include \"none.s\"", nil, ErrUndefined, "main.s:1:10: there is no file none.s"},
		{".incbin \"none\"", nil, ErrUndefined, "main.s:1:9: there is no file none"},
		{".include \"\"", nil, ErrSyntax, "main.s:1:10: a file has a name"},
		{".include none.s", nil, ErrSyntax, "main.s:1:10: expected a file's name in quotes"},
		{"\n\n.include \"a.s\"", map[string]string{"a.s": "\n r1 = r77\n"}, ErrSyntax, "a.s:2:7: "},
		{".include \"a.s\"", map[string]string{"a.s": ".if 1\n"}, ErrSyntax, "a.s:1:1: this .if has no .endif"},
		{".include \"a.s\"", map[string]string{"a.s": ".include \"main.s\""}, ErrMisuse, "a.s:1:10: main.s includes itself"},
		{".include \"a.s\"", map[string]string{"a.s": ".include \"./a.s\""}, ErrMisuse, "a.s:1:10: a.s includes itself"},
		{".include \"0.s\"", deep, ErrMisuse, "63.s:1:10: files include each other more than 64 deep"},
		{".include \"a.o\"", map[string]string{"a.o": "\x7fELF"}, ErrSyntax, "main.s:1:10: a.o is an object file, not assembly text"},
	} {
		if c.files == nil {
			c.files = map[string]string{}
		}
		c.files["main.s"] = c.src
		_, diags := Assemble("main.s", []byte(c.src), Options{ReadFile: filesIn(c.files)})
		if err := diags.Err(); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.src, err, c.want)
		}
	}
}

// TestIncludeFromDisk reads real files, and no devices.
func TestIncludeFromDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.inc"), []byte(".byte 7"), 0o644); err != nil {
		t.Fatal(err)
	}
	img, diags := Assemble(filepath.Join(dir, "main.s"), []byte(".data\n.include \"a.inc\""), Options{NoDebug: true})
	if img == nil || string(img.Section(".data").Data) != "\x07" {
		t.Fatal(rendered(t, diags))
	}
	_, diags = Assemble("main.s", []byte(fmt.Sprintf(".include %q", filepath.ToSlash(dir))), Options{})
	if err := diags.Err(); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a directory was read: %v", err)
	}
}
