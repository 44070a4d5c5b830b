package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

// holdings are what the run under way has taken.
type holdings struct {
	records   []*record
	spare     []*record // not in use; what they have is kept for the next
	iterators []iterator
	sections  []section
	lock      []byte // a bpf_spin_lock, nil for none
	locked    int    // pc of the call that took it
}

// section is where the program may not be interrupted, and where that began.
type section struct {
	kind string // what it takes to end it
	key  uint64 // address of the saved flags
	pc   int
}

func (h *holdings) any() bool {
	return len(h.records)+len(h.iterators)+len(h.sections)+len(h.lock) > 0
}

// leaked says what the run still holds, as an error at the instruction that took
// it; nil when that is nothing.
func (t *thread) leaked() error {
	h := &t.holds
	switch {
	case len(h.records) > 0:
		rec := h.records[0]
		return t.faultAt(rec.pc, fmt.Errorf("%s, reserved here and neither submitted nor discarded: %w", rec.ring.name, ErrHeld))
	case len(h.iterators) > 0:
		return t.faultAt(h.iterators[0].pc, fmt.Errorf("an iterator, made here and not destroyed: %w", ErrHeld))
	case h.lock != nil:
		return t.faultAt(h.locked, fmt.Errorf("a lock, taken here and not given back: %w", ErrHeld))
	case len(h.sections) > 0:
		return t.faultAt(h.sections[0].pc, fmt.Errorf("a section that began here lacks its %s: %w", h.sections[0].kind, ErrHeld))
	}
	return nil
}

// letGo gives back what a run that ended with a fault holds.
func (t *thread) letGo() {
	for len(t.holds.records) > 0 {
		t.commit(len(t.holds.records)-1, true)
	}
	t.unlock()
	t.holds.iterators = t.holds.iterators[:0]
	t.holds.sections = t.holds.sections[:0]
}

// recordAt finds the reserved record at an address, -1 for none.
func (h *holdings) recordAt(addr uint64) int {
	for i, rec := range h.records {
		if rec.region.start == addr {
			return i
		}
	}
	return -1
}

// here is the pc of the call that is under way.
func (t *thread) here() int { return int(t.pc/instSize) - 1 }

// What begins and ends sections. They change nothing here: no run is interrupted.
var sectionKfuncs = []helper{
	{kfunc: "bpf_rcu_read_lock", fn: func(t *thread, _ *registers) { t.enter("bpf_rcu_read_unlock", 0) }},
	{kfunc: "bpf_rcu_read_unlock", fn: func(t *thread, _ *registers) { t.leave("bpf_rcu_read_unlock", 0) }},
	{kfunc: "bpf_preempt_disable", fn: func(t *thread, _ *registers) { t.enter("bpf_preempt_enable", 0) }},
	{kfunc: "bpf_preempt_enable", fn: func(t *thread, _ *registers) { t.leave("bpf_preempt_enable", 0) }},
	{kfunc: "bpf_local_irq_save", fn: localIRQSave},
	{kfunc: "bpf_local_irq_restore", fn: localIRQRestore},
}

func (t *thread) enter(end string, key uint64) {
	t.holds.sections = append(t.holds.sections, section{end, key, t.here()})
}

// leave ends the innermost section of the kind.
func (t *thread) leave(end string, key uint64) {
	s := t.holds.sections
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].kind != end {
			continue
		}
		if s[i].key != key {
			break // interrupts are restored in reverse order
		}
		t.holds.sections = append(s[:i], s[i+1:]...)
		return
	}
	t.fault = fmt.Errorf("nothing to end: %w", ErrArgument)
}

// localIRQSave: r1 where to save the flags, 8 bytes.
func localIRQSave(t *thread, r *registers) {
	if b := t.memoryArgument(1, r, 8, true); b != nil {
		putLE(b, interruptsOn)
		t.enter("bpf_local_irq_restore", r[1])
	}
}

// interruptsOn is x86's flags with interrupts enabled, which programs may not
// look at.
const interruptsOn = 0x202

// localIRQRestore: r1 the saved flags.
func localIRQRestore(t *thread, r *registers) { t.leave("bpf_local_irq_restore", r[1]) }

// errno32 is an error number as functions of the kernel return it that return int.
func errno32(e linux.Errno) uint64 { return uint64(-uint32(e)) }
