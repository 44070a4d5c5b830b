package elf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// settings fills the map of .kconfig with what the kernel was built with. What
// can't be said reads as zero, with a warning if the object insists on it.
func (l *loader) settings(m *bpf.Map, datasec *btf.Datasec, weak map[string]bool) {
	m.Contents = make([]byte, m.ValueSize)
	for _, v := range datasec.Vars {
		variable := v.Type.(*btf.Var)
		err := l.setting(m.Contents[v.Offset:v.Offset+v.Size], variable)
		if err == nil || errors.Is(err, errNoSetting) && weak[variable.Name] {
			continue
		}
		l.problem(true, "", fmt.Errorf("setting %s reads as 0: %w (%s)", shorten(variable.Name), err, l.kernel().Name))
	}
}

var errNoSetting = errors.New("the kernel has no such setting")

// setting writes the value of one setting. Those that don't begin with CONFIG_
// are no settings of the build, but facts that libbpf knows of a kernel.
func (l *loader) setting(b []byte, v *btf.Var) error {
	k := l.kernel()
	since := func(version uint32) error {
		value := uint64(0)
		if k.Version >= version {
			value = 1
		}
		return putNumber(b, l, v.Type, value, false)
	}
	switch v.Name {
	case "LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER":
		if k.Version == 0 {
			return errors.New("the version of the kernel is not known")
		}
	}
	switch v.Name {
	case "LINUX_KERNEL_VERSION":
		return putNumber(b, l, v.Type, uint64(k.Version), false)
	case "LINUX_HAS_BPF_COOKIE":
		return since(5<<16 | 15<<8)
	case "LINUX_HAS_SYSCALL_WRAPPER": // CONFIG_ARCH_HAS_SYSCALL_WRAPPER of x86-64, arm64, s390 and riscv
		return since(4<<16 | 17<<8)
	}
	if k.Config == nil {
		return errors.New("the settings of the kernel are not known")
	}
	text, ok := k.Config[v.Name]
	if !ok {
		return errNoSetting
	}
	return putSetting(b, l, v.Type, text)
}

// putSetting writes a value as a .config file has it: y, m or n, a string in
// quotes, or a number (libbpf, set_kcfg_value_*).
func putSetting(b []byte, l *loader, t btf.Type, text string) error {
	switch {
	case text == "":
		return errNoSetting
	case text == "y" || text == "m" || text == "n":
		return putTristate(b, l, t, text[0])
	case text[0] == '"':
		return putString(b, t, text)
	}
	negative := strings.HasPrefix(text, "-")
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 0, 64)
	if err != nil {
		return fmt.Errorf("value %s is no number", shorten(text))
	}
	if negative {
		n = -n
	}
	return putNumber(b, l, t, n, negative)
}

func putTristate(b []byte, l *loader, t btf.Type, value byte) error {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		switch {
		case t.Encoding == btf.Bool && value == 'm':
			return errors.New("it is built as a module (m), which a bool can't say")
		case t.Encoding == btf.Bool:
			return putNumber(b, l, t, map[byte]uint64{'y': 1}[value], false)
		case t.Size == 1: // a char has the letter itself
			b[0] = value
			return nil
		}
	case *btf.Enum: // enum libbpf_tristate
		return putNumber(b, l, t, map[byte]uint64{'y': 1, 'm': 2}[value], false)
	}
	return fmt.Errorf("its value %c fits a bool, a char or enum libbpf_tristate, not %v", value, t)
}

// putString writes a string, cut to what the array holds with its zero byte.
func putString(b []byte, t btf.Type, text string) error {
	array, ok := btf.UnderlyingType(t).(*btf.Array)
	if !ok {
		return fmt.Errorf("its value is a string, which fits an array of char, not %v", t)
	}
	if elem, ok := btf.UnderlyingType(array.Type).(*btf.Int); !ok || elem.Size != 1 {
		return fmt.Errorf("its value is a string, which fits an array of char, not of %v", array.Type)
	}
	if len(text) < 2 || text[len(text)-1] != '"' {
		return errors.New("its value is a string without an end")
	}
	text = text[1 : len(text)-1]
	if len(b) > 0 {
		copy(b[:len(b)-1], text)
	}
	return nil
}

// putNumber writes a number of 1, 2, 4 or 8 bytes, if the type can hold it.
func putNumber(b []byte, l *loader, t btf.Type, n uint64, negative bool) error {
	signed, boolean := false, false
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		signed, boolean = t.Encoding == btf.Signed, t.Encoding == btf.Bool
	case *btf.Enum:
		signed = t.Signed
	default:
		return fmt.Errorf("its value is a number, which does not fit %v", t)
	}
	bits := uint(len(b)) * 8
	fits := true
	switch {
	case boolean:
		fits = n <= 1 && !negative
	case bits == 0:
		fits = false
	case signed:
		fits = int64(n)>>(bits-1) == 0 && !negative || int64(n)>>(bits-1) == -1 && negative
	case negative:
		fits = false
	case bits < 64:
		fits = n>>bits == 0
	}
	if !fits {
		return fmt.Errorf("its value %d does not fit %d bytes", int64(n), len(b))
	}
	switch order := l.img.ByteOrder; len(b) {
	case 1:
		b[0] = byte(n)
	case 2:
		order.PutUint16(b, uint16(n))
	case 4:
		order.PutUint32(b, uint32(n&math.MaxUint32))
	case 8:
		order.PutUint64(b, n)
	default:
		return fmt.Errorf("it is %d bytes long, and numbers have 1, 2, 4 or 8", len(b))
	}
	return nil
}
