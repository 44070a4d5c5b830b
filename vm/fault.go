package vm

import (
	"errors"
	"fmt"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// The kinds of faults, for errors.Is. A fault ends the run it happens in.
var (
	ErrOutOfBounds = errors.New("out of bounds")           // an address that belongs to no memory the program was given
	ErrNull        = errors.New("null pointer")            // an address below 64 KiB
	ErrReadOnly    = errors.New("read-only memory")        // a write where only reads are allowed
	ErrWriteOnly   = errors.New("write-only memory")       // a read where only writes are allowed
	ErrLimit       = errors.New("too many instructions")   // Options.Limit was reached
	ErrCallDepth   = errors.New("calls nest too deep")     // more than bpf.MaxCallDepth frames
	ErrInvalid     = errors.New("invalid instruction")     // bits that are no instruction, a jump to nowhere
	ErrArgument    = errors.New("invalid helper argument") // what the verifier would not have let pass
	ErrNotEmulated = errors.New("not emulated")            // valid, but unknown to this machine
	ErrHeld        = errors.New("not given back")          // a reserved record, an iterator or a lock at the end of the run
	ErrFrame       = errors.New("not a frame")             // input that no interface would deliver
)

// NotEmulatedError says that a program asked for something valid that this
// machine does not have. It is ErrNotEmulated.
type NotEmulatedError struct {
	Helper linux.HelperID // the helper, or 0
	What   string         // what was asked for, in words
}

// Error names what is missing.
func (e *NotEmulatedError) Error() string { return e.What + " is not emulated" }

// Is makes errors.Is(err, ErrNotEmulated) true.
func (e *NotEmulatedError) Is(target error) bool { return target == ErrNotEmulated }

// Fault says where and why a run ended before its exit instruction.
type Fault struct {
	Program   *bpf.Program
	PC        int
	Registers [11]uint64 // r0 to r10 at the instruction
	Err       error
}

// Error gives the fault on one line, with its source line where known.
func (f *Fault) Error() string { return f.Diagnostic().Error() }

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Err }

// Diagnostic gives the fault with its source line, the instruction and the
// values of the registers as notes.
func (f *Fault) Diagnostic() *bpf.Diagnostic {
	d := f.Program.Diagnose(f.PC, f.Err)
	if f.PC >= 0 && f.PC < len(f.Program.Instructions) {
		text, _ := bpf.Disassemble(f.Program.Instructions, f.PC)
		d.Note = append(d.Note, fmt.Sprintf("insn %d is %s", f.PC, text))
	}
	var regs strings.Builder
	for i, v := range f.Registers {
		if i == 6 {
			d.Note = append(d.Note, regs.String())
			regs.Reset()
		}
		if regs.Len() > 0 {
			regs.WriteByte(' ')
		}
		fmt.Fprintf(&regs, "r%d=%#x", i, v)
	}
	d.Note = append(d.Note, regs.String())
	return d
}

// accessError says what is wrong with an access that failed, in terms of the
// memory nearest to the address.
func (m *memory) accessError(addr, size uint64, write bool) error {
	what := fmt.Sprintf("read of %d %s", size, plural(size, "byte"))
	if write {
		what = fmt.Sprintf("write of %d %s", size, plural(size, "byte"))
	}
	switch {
	case addr>>pageShift == 0:
		return fmt.Errorf("%s at %#x: %w", what, addr, ErrNull)
	case isMapHandle(addr):
		return fmt.Errorf("%s at %#x, which stands for a map and is not memory: %w", what, addr, ErrOutOfBounds)
	case int64(addr) < 0 && int64(addr) > -pageSize:
		return fmt.Errorf("%s at address %d, which looks like an error number: %w", what, int64(addr), ErrOutOfBounds)
	}
	r := m.nearest(addr)
	if r == nil {
		return fmt.Errorf("%s at %#x, where the program was given no memory: %w", what, addr, ErrOutOfBounds)
	}
	off, n := int64(addr-r.start), int64(len(r.data))
	if off >= 0 && off+int64(size) <= n {
		reason := ErrReadOnly
		if !write {
			reason = ErrWriteOnly
		}
		return fmt.Errorf("%s at offset %d of %s: %w", what, off, r.name, reason)
	}
	if r.down {
		// A stack frame: programs count from its upper end, r10.
		return fmt.Errorf("%s at r10%+d, outside the %d bytes of %s: %w", what, off-n, n, r.name, ErrOutOfBounds)
	}
	return fmt.Errorf("%s at offset %d of %s, which is %d %s long: %w",
		what, off, r.name, n, plural(uint64(n), "byte"), ErrOutOfBounds)
}

func plural(n uint64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
