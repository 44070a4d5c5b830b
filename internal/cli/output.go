package cli

import (
	"os"
	"path/filepath"
)

// WriteFile puts content into the file called name, "-" being standard output.
// A file is put in place whole: a failure leaves what was there.
func (env *Env) WriteFile(name string, content []byte) error {
	if name == "-" {
		_, err := env.Stdout.Write(content)
		return err
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, content, 0o644) // a device or pipe, which can't be replaced
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it has its name
	_, err = f.Write(content)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// SameFile reports whether both names are of one file, neither being "-".
func SameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return a != "-" && b != "-" && errX == nil && errY == nil && os.SameFile(x, y)
}
