package vm

import "ebtools/bpf/linux"

// queue is a map without keys. Values are as long as the map says.
type queue interface {
	// push adds a value.
	push(value []byte, flags uint64) error
	// take copies the value whose turn it is and, when told to, removes it.
	take(value []byte, remove bool) error
	// each calls yield with each value, in the order that take has, until it
	// returns false.
	each(yield func(value []byte) bool)
	length() int
}

// fifo is a queue or a stack (kernel/bpf/queue_stack_maps.c).
type fifo struct {
	values *values
	max    int
	oldest int // slot of the value that was pushed first
	count  int
	last   bool // the value pushed last is taken first
}

func newFIFO(m *Map) error {
	err := m.allocate(int(m.def.ValueSize), int(m.def.MaxEntries), false)
	m.queue = &fifo{values: m.values, max: int(m.def.MaxEntries), last: m.def.Type == linux.MapStack}
	m.entries = absent{linux.EINVAL}
	return err
}

func (q *fifo) push(value []byte, flags uint64) error {
	switch {
	case flags&linux.NoExist != 0 || flags > linux.Exist:
		return linux.EINVAL
	case q.count < q.max:
		q.count++
	case flags&linux.Exist == 0:
		return linux.E2BIG
	default: // overwrites the oldest
		q.oldest = (q.oldest + 1) % q.max
	}
	slot := q.slot(q.count - 1)
	if q.values.grow(slot) != nil {
		q.count--
		return linux.ENOMEM
	}
	copy(q.values.bytes(0, slot), value)
	return nil
}

// slot is that of the value pushed as number i of those there are.
func (q *fifo) slot(i int) int { return (q.oldest + i) % q.max }

func (q *fifo) take(value []byte, remove bool) error {
	if q.count == 0 {
		clear(value)
		return linux.ENOENT
	}
	i := 0
	if q.last {
		i = q.count - 1
	}
	copy(value, q.values.bytes(0, q.slot(i)))
	if remove {
		q.count--
		if !q.last {
			q.oldest = q.slot(1)
		}
	}
	return nil
}

func (q *fifo) each(yield func(value []byte) bool) {
	for i := range q.count {
		if q.last {
			i = q.count - 1 - i
		}
		if !yield(q.values.bytes(0, q.slot(i))) {
			return
		}
	}
}

func (q *fifo) length() int { return q.count }
