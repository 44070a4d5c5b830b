package ctype

import "github.com/cilium/ebpf/btf"

// Bounds on how deep types may lie within each other. Real ones keep within a
// tenth of this.
const (
	maxChain       = 128   // pointers, arrays, qualifiers and typedefs one behind the other
	maxNesting     = 64    // structures within structures, prototypes within prototypes
	maxDefinitions = 10000 // definitions that need others in front of them
)

// What writing a header may take, in bytes of text that are written or copied and
// in types that are looked at: some, and so much for each type, member, enumerator
// and parameter. The kernel's own types take about 40 for each.
const (
	budgetBase = 1 << 20
	budgetEach = 512
)

// budget bounds the work that types make.
type budget struct {
	left int
}

// spend accounts for text written, or copied to a longer one.
func (b *budget) spend(text string) string {
	b.left -= len(text) + 1
	return text
}

// stop ends the work.
func (b *budget) stop() { b.left = -1 }

// stopped reports whether nothing more is to be written.
func (b *budget) stopped() bool { return b.left < 0 }

// full reports whether there is no room for what stands at a place. Nesting too
// deep ends the work.
func (b *budget) full(at place) bool {
	if at.depth > maxNesting {
		b.stop()
	}
	return b.stopped()
}

// skip takes qualifiers, tags and, if typedefs, those away from a type. It gives
// nil when there is no end of them.
func (b *budget) skip(t btf.Type, typedefs bool) btf.Type {
	for range maxChain {
		b.left--
		next, ok := behind(t)
		if def, is := t.(*btf.Typedef); is && typedefs {
			next, ok = def.Type, true
		}
		if !ok {
			return t
		}
		t = next
	}
	return nil
}

// behind gives what a qualifier or a tag stands in front of, if t is one.
func behind(t btf.Type) (next btf.Type, ok bool) {
	switch t := t.(type) {
	case *btf.Const:
		return t.Type, true
	case *btf.Volatile:
		return t.Type, true
	case *btf.Restrict:
		return t.Type, true
	case *btf.TypeTag:
		return t.Type, true
	}
	return nil, false
}
