package vm

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"ebtools/bpf/linux"
)

// iterator is one that a program has made and not destroyed. Its state is in the
// program's own memory, at addr.
type iterator struct {
	addr uint64
	kind string
	pc   int // where it was made

	// Of bpf_iter_bits.
	words []uint64
	next  int // bit
}

var iterKfuncs = []helper{
	{kfunc: "bpf_iter_num_new", fn: iterNumNew},
	{kfunc: "bpf_iter_num_next", fn: iterNumNext},
	{kfunc: "bpf_iter_num_destroy", fn: func(t *thread, r *registers) { t.destroyIterator(r, "bpf_iter_num") }},
	{kfunc: "bpf_iter_bits_new", fn: iterBitsNew},
	{kfunc: "bpf_iter_bits_next", fn: iterBitsNext},
	{kfunc: "bpf_iter_bits_destroy", fn: func(t *thread, r *registers) { t.destroyIterator(r, "bpf_iter_bits") }},
}

// openIterator notes that there is an iterator of the given size where r1 points
// to, and gives its state.
func (t *thread) openIterator(r *registers, kind string, size uint64) (it *iterator, state []byte) {
	state = t.memoryArgument(1, r, size, true)
	if state == nil {
		return nil, nil
	}
	if i := t.iteratorAt(r[1]); i >= 0 {
		t.fail(1, fmt.Errorf("there is an iterator already, which is not destroyed: %w", ErrArgument))
		return nil, nil
	}
	all := t.holds.iterators
	if n := len(all); n < cap(all) {
		t.holds.iterators = all[:n+1] // with the words that it had
	} else {
		t.holds.iterators = append(all, iterator{})
	}
	it = &t.holds.iterators[len(all)]
	*it = iterator{addr: r[1], kind: kind, pc: t.here(), words: it.words[:0]}
	return it, state
}

func (t *thread) iteratorAt(addr uint64) int {
	for i := range t.holds.iterators {
		if t.holds.iterators[i].addr == addr {
			return i
		}
	}
	return -1
}

// iteratorArgument gives the iterator that r1 points to and its state, nil when
// the run has ended because there is none.
func (t *thread) iteratorArgument(r *registers, kind string, size uint64) (*iterator, []byte) {
	i := t.iteratorAt(r[1])
	if i < 0 || t.holds.iterators[i].kind != kind {
		t.fail(1, fmt.Errorf("there is no %s at %#x: %w", kind, r[1], ErrArgument))
		return nil, nil
	}
	return &t.holds.iterators[i], t.memoryArgument(1, r, size, true)
}

// destroyIterator: r1 iterator.
func (t *thread) destroyIterator(r *registers, kind string) {
	if it, _ := t.iteratorArgument(r, kind, 0); it == nil {
		return
	}
	all, i := t.holds.iterators, t.iteratorAt(r[1])
	last := len(all) - 1
	all[i], all[last] = all[last], all[i]
	t.holds.iterators = all[:last]
}

const numBytes = 8 // struct bpf_iter_num: the current number and the end

// iterNumNew: r1 iterator, r2 first number, r3 the one behind the last. 0 or an
// error number, with an iterator that gives nothing.
func iterNumNew(t *thread, r *registers) {
	_, state := t.openIterator(r, "bpf_iter_num", numBytes)
	if state == nil {
		return
	}
	start, end := int32(r[2]), int32(r[3])
	clear(state)
	switch {
	case start > end:
		r[0] = errno32(linux.EINVAL)
	case int64(end)-int64(start) > maxLoops:
		r[0] = errno32(linux.E2BIG)
	default:
		binary.LittleEndian.PutUint32(state, uint32(start-1))
		binary.LittleEndian.PutUint32(state[4:], uint32(end))
		r[0] = 0
	}
}

// iterNumNext: r1 iterator. The address of the next number, 4 bytes in the
// iterator, or 0.
func iterNumNext(t *thread, r *registers) {
	_, state := t.iteratorArgument(r, "bpf_iter_num", numBytes)
	if state == nil {
		return
	}
	next, end := int32(binary.LittleEndian.Uint32(state)+1), int32(binary.LittleEndian.Uint32(state[4:]))
	if next >= end {
		clear(state)
		r[0] = 0
		return
	}
	binary.LittleEndian.PutUint32(state, uint32(next))
	r[0] = r[1]
}

const (
	bitsBytes    = 16  // struct bpf_iter_bits; the number that it gives is in the last 4
	maxBitsWords = 511 // BITS_ITER_NR_WORDS_MAX
)

// iterBitsNew: r1 iterator, r2 words of 64 bits, r3 how many. 0 or an error
// number, with an iterator that gives nothing.
func iterBitsNew(t *thread, r *registers) {
	it, state := t.openIterator(r, "bpf_iter_bits", bitsBytes)
	if it == nil {
		return
	}
	clear(state)
	n := uint64(uint32(r[3]))
	switch {
	case n == 0 || r[2] == 0:
		r[0] = errno32(linux.EINVAL)
		return
	case n > maxBitsWords:
		r[0] = errno32(linux.E2BIG)
		return
	}
	b, err := t.mem.bytes(r[2], n*8, false)
	if err != nil {
		r[0] = errno32(linux.EFAULT)
		if n > 1 && !kernelAddress(r[2]) { // one word is read on a way of its own
			r[0] = errno32(linux.ERANGE)
		}
		return
	}
	for len(b) > 0 {
		it.words = append(it.words, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	r[0] = 0
}

// iterBitsNext: r1 iterator. The address of the number of the next bit that is
// set, 4 bytes in the iterator, or 0.
func iterBitsNext(t *thread, r *registers) {
	it, state := t.iteratorArgument(r, "bpf_iter_bits", bitsBytes)
	if state == nil {
		return
	}
	for it.next < len(it.words)*64 {
		rest := it.words[it.next/64] >> (it.next % 64)
		if rest == 0 {
			it.next = (it.next/64 + 1) * 64
			continue
		}
		bit := it.next + bits.TrailingZeros64(rest)
		it.next = bit + 1
		binary.LittleEndian.PutUint32(state[bitsBytes-4:], uint32(bit))
		r[0] = r[1] + bitsBytes - 4
		return
	}
	it.words = it.words[:0]
	r[0] = 0
}
