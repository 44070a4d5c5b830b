package ebtools

import (
	"bufio"
	"bytes"
	"compress/gzip"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ebtools/elf"
	"ebtools/elf/core"
)

// Where a running kernel says what it is.
const (
	kernelTypes   = "/sys/kernel/btf/vmlinux"
	moduleTypes   = "/sys/kernel/btf"
	kernelRelease = "/proc/sys/kernel/osrelease"
	kernelConfig  = "/proc/config.gz"
)

// RunningKernel gives what programs can be resolved against on this machine: the
// types of the kernel and its modules, its settings and its version. It is nil
// where no kernel shows its types: on systems other than Linux, and on kernels
// built without CONFIG_DEBUG_INFO_BTF.
func RunningKernel() (*elf.Kernel, error) {
	b, err := os.ReadFile(kernelTypes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("types of the running kernel: %w", err)
	}
	k, err := newKernel("the running kernel", b)
	if err != nil {
		return nil, err
	}
	if err := addModules(k); err != nil {
		return nil, err
	}
	if release, err := os.ReadFile(kernelRelease); err == nil {
		k.Version = versionCode(string(release))
		k.Config, err = runningConfig(strings.TrimSpace(string(release)))
		if err != nil {
			return nil, fmt.Errorf("settings of the running kernel: %w", err)
		}
	}
	return k, nil
}

// KernelFromFile gives the kernel whose types are in a file: BTF as bpftool and
// btfhub have it, or an ELF file with a section .BTF, such as vmlinux. Its
// version and settings are not known.
func KernelFromFile(name string) (*elf.Kernel, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return newKernel(name, b)
}

func newKernel(name string, b []byte) (*elf.Kernel, error) {
	b, err := typeSection(b)
	if err != nil {
		return nil, fmt.Errorf("types of %s: %w", name, err)
	}
	types, err := core.ReadTypes(b, nil)
	if err != nil {
		return nil, fmt.Errorf("types of %s: %w", name, err)
	}
	return &elf.Kernel{Name: name, Types: types}, nil
}

// typeSection gives the section .BTF of an ELF file; any other file is what it is.
func typeSection(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte(stdelf.ELFMAG)) {
		return b, nil
	}
	f, err := stdelf.NewFile(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	section := f.Section(".BTF")
	if section == nil {
		return nil, errors.New("the ELF file has no section .BTF")
	}
	return section.Data()
}

// addModules adds the modules that are loaded. One that goes away while it is
// read is left out.
func addModules(k *elf.Kernel) error {
	entries, err := os.ReadDir(moduleTypes)
	if err != nil {
		return fmt.Errorf("types of the kernel's modules: %w", err)
	}
	for _, e := range entries {
		if e.Name() == filepath.Base(kernelTypes) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(moduleTypes, e.Name()))
		if err != nil {
			continue
		}
		types, err := core.ReadTypes(b, k.Types)
		if err != nil {
			return fmt.Errorf("types of module %s: %w", e.Name(), err)
		}
		k.Modules = append(k.Modules, elf.Module{Name: e.Name(), Types: types})
	}
	return nil
}

// versionCode makes LINUX_KERNEL_VERSION of a release's name, "6.1.0-18-amd64";
// 0 when it is not one. The patch number has 8 bits.
func versionCode(release string) uint32 {
	var part [3]uint32
	rest := strings.TrimSpace(release)
	for i := range part {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseUint(rest[:digits], 10, 16)
		if err != nil {
			break
		}
		part[i] = uint32(n)
		rest = rest[digits:]
		if !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	return part[0]<<16 | part[1]<<8 | min(part[2], 255)
}

// runningConfig reads the settings that the kernel was built with, from itself
// or from where distributions put them. They are nil when there are none.
func runningConfig(release string) (map[string]string, error) {
	for _, name := range []string{"/boot/config-" + release, kernelConfig} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		config, err := parseConfig(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return config, nil
	}
	return nil, nil
}

// parseConfig reads a .config file: lines such as CONFIG_HZ=250.
func parseConfig(r io.Reader) (map[string]string, error) {
	config := map[string]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
	return config, lines.Err()
}
