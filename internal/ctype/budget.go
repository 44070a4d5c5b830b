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
		switch v := t.(type) {
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.Restrict:
			t = v.Type
		case *btf.TypeTag:
			t = v.Type
		case *btf.Typedef:
			if !typedefs {
				return t
			}
			t = v.Type
		default:
			return t
		}
	}
	return nil
}
