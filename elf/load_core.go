package elf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// listCORE notes the CO-RE relocations of a program. Their instructions are as
// compiled.
func (l *loader) listCORE(p *bpf.Program, k *linkage) {
	for _, f := range k.functions {
		records := l.core[f.code.section.Name]
		first, _ := slices.BinarySearchFunc(records, f.start, func(r coreRecord, slot int) int { return cmp.Compare(r.slot, slot) })
		for _, r := range records[first:] {
			if r.slot >= f.start+f.len {
				break
			}
			root, access := l.coreText(r)
			p.CORE = append(p.CORE, bpf.CORERelocation{PC: k.start[f] + r.slot - f.start, Kind: r.kind, Root: root, Access: access})
		}
	}
}

// coreText says in words what a relocation is about: "struct task_struct" and
// ".mm", or "enum state" and the enumerator's name. An access that the types contradict stays as
// recorded, numbers with colons between them.
func (l *loader) coreText(r coreRecord) (root, access string) {
	t, err := l.obj.Types.TypeByID(btf.TypeID(r.id))
	if err != nil {
		return fmt.Sprintf("type %d", r.id), r.access
	}
	root = cType(t)
	switch r.kind {
	case bpf.CORETypeIDLocal, bpf.CORETypeIDTarget, bpf.CORETypeExists, bpf.CORETypeSize, bpf.CORETypeMatches:
		return root, ""
	case bpf.COREEnumvalExists, bpf.COREEnumvalValue:
		e, ok := btf.As[*btf.Enum](t)
		if i, err := strconv.ParseUint(r.access, 10, 32); ok && err == nil && i < uint64(len(e.Values)) {
			return root, e.Values[i].Name
		}
		return root, r.access
	}
	if path, ok := accessPath(t, r.access); ok {
		return root, path
	}
	return root, r.access
}

// cType names a type as C does, as far as a CO-RE relocation starts from it.
func cType(t btf.Type) string {
	name := t.TypeName()
	if name == "" {
		name = "{…}"
	}
	switch t.(type) {
	case *btf.Struct:
		return "struct " + name
	case *btf.Union:
		return "union " + name
	case *btf.Enum:
		return "enum " + name
	}
	return name
}

// accessPath writes numbers as members and elements: "0:1:3" as ".mm.ctx".
func accessPath(t btf.Type, access string) (string, bool) {
	var b strings.Builder
	for i, number := range strings.Split(access, ":") {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return "", false
		}
		if i == 0 {
			if n > 0 { // an element, as if the type were an array
				fmt.Fprintf(&b, "[%d]", n)
			}
			continue
		}
		switch at := btf.UnderlyingType(t).(type) {
		case *btf.Struct:
			t, err = memberOf(&b, at.Members, n)
		case *btf.Union:
			t, err = memberOf(&b, at.Members, n)
		case *btf.Array:
			fmt.Fprintf(&b, "[%d]", n)
			t = at.Type
		default:
			return "", false
		}
		if err != nil {
			return "", false
		}
	}
	return b.String(), true
}

func memberOf(b *strings.Builder, members []btf.Member, n uint64) (btf.Type, error) {
	if n >= uint64(len(members)) {
		return nil, fmt.Errorf("there is no member %d", n)
	}
	if name := members[n].Name; name != "" {
		b.WriteString("." + name)
	}
	return members[n].Type, nil
}
