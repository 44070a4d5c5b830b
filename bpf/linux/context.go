package linux

import "sort"

// Context is the layout of the structure that a program's first argument
// points to, as programs see it: the kernel rewrites accesses to most of them.
type Context struct {
	Name   string // of the C structure: "xdp_md"
	Size   int    // in bytes, padding at its end included
	Fields []Field
}

// Field is one member of a Context. It takes Size*Elems bytes from Offset on.
// Numbers are in the byte order of the machine unless the context's table says
// that what they hold is in network order.
type Field struct {
	Name   string
	Offset int // in bytes
	Size   int // of one element, in bytes
	Elems  int // length of an array, 1 for what is none
	Kind   FieldKind
}

// FieldKind says what a program gets when it loads a whole field.
type FieldKind uint8

const (
	FieldUnsigned FieldKind = iota // a number
	FieldSigned                    // a two's complement number
	FieldData                      // pointer to the packet, or to optval
	FieldDataEnd                   // pointer behind its last byte
	FieldDataMeta                  // pointer to the metadata before it
	FieldSock                      // pointer to a struct bpf_sock, or null
	FieldFlowKeys                  // pointer to a struct bpf_flow_keys
	FieldPointer                   // pointer to another structure of the kernel
	FieldStruct                    // a structure, loaded by parts
)

// Pointer reports whether the field holds a pointer, even if it has only the
// size of an u32, as data of xdp_md does: a program gets 64 bits.
func (f Field) Pointer() bool { return FieldData <= f.Kind && f.Kind <= FieldPointer }

// ContextOf returns the context of programs of type t. It is false for types
// whose context has no fixed layout: tracing, raw_tracepoint, tracepoint, lsm,
// struct_ops, syscall and ext programs get what they are attached to, and an
// lirc_mode2 program gets one u32. Contexts of kprobe and perf_event programs
// have the layout of x86-64. The Fields are shared: they must not be changed.
func ContextOf(t ProgramType) (Context, bool) {
	c, ok := contexts[t]
	if !ok {
		return Context{}, false
	}
	return *c, true
}

// Field returns the field called name.
func (c Context) Field(name string) (Field, bool) {
	f, ok := contextFields[fieldKey{c.Name, name}]
	return f, ok
}

// FieldAt returns the field that the byte at offset belongs to. It is false in
// padding. Of fields that share their bytes, as those of a C union do, it
// returns the first.
func (c Context) FieldAt(offset int) (Field, bool) {
	// Fields are in the order of their offsets.
	i := sort.Search(len(c.Fields), func(i int) bool { return c.Fields[i].Offset > offset }) - 1
	if i < 0 {
		return Field{}, false
	}
	for i > 0 && c.Fields[i-1].Offset == c.Fields[i].Offset {
		i--
	}
	for ; i < len(c.Fields) && c.Fields[i].Offset <= offset; i++ {
		if f := c.Fields[i]; offset < f.Offset+f.Size*f.Elems {
			return f, true
		}
	}
	return Field{}, false
}

type fieldKey struct{ context, field string }

var contextFields = func() map[fieldKey]Field {
	fields := map[fieldKey]Field{}
	for _, c := range contexts {
		for _, f := range c.Fields {
			fields[fieldKey{c.Name, f.Name}] = f
		}
	}
	return fields
}()
