package elf

import (
	"cmp"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cilium/ebpf/btf"
)

const (
	btfSection    = ".BTF"
	btfExtSection = ".BTF.ext"
	mapsSection   = ".maps"
)

// AddTypeInfo adds the sections .BTF and .BTF.ext to the image. Call it once
// everything else is in place: offsets, sizes and bindings of symbols and the
// sizes of sections are copied from what they are then.
//
// A map's variable in .maps must be of [MapDefSize] bytes. Lines may be given in
// any order; of several at one place the first counts, and one that begins
// within a 64-bit immediate load is left out. Lines need the functions that they
// belong to among Funcs, and the kernel wants all functions of a program there
// or none. It also wants a line where a function begins: one that has none there
// gets its first line there, or an empty one.
//
// The image is not changed when there is an error.
func (img *Image) AddTypeInfo(info *TypeInfo) (err error) {
	for _, name := range []string{btfSection, btfExtSection} {
		if img.Section(name) != nil {
			return fmt.Errorf("add type information: the image has a section %s already", name)
		}
	}
	if len(info.Maps)+len(info.Vars)+len(info.Funcs)+len(info.Lines)+len(info.Externs) == 0 {
		return nil
	}
	defer func() {
		// The BTF library panics on types that it can't make sense of, such as
		// a pointer to nil.
		if r := recover(); r != nil {
			err = fmt.Errorf("add type information: %v", r)
		}
	}()
	t := typeWriter{img: img}
	if err := t.variables(info); err != nil {
		return fmt.Errorf("add type information: %w", err)
	}
	if err := t.externs(info.Externs); err != nil {
		return fmt.Errorf("add type information: %w", err)
	}
	if err := t.functions(info.Funcs); err != nil {
		return fmt.Errorf("add type information: %w", err)
	}
	blob, ids, err := t.encode()
	if err != nil {
		return fmt.Errorf("add type information: %w", err)
	}
	ext := extWriter{img: img, order: appending(img.ByteOrder)}
	blob, extBlob, err := ext.encode(blob, t.funcs, ids, info.Lines)
	if err != nil {
		return fmt.Errorf("add type information: %w", err)
	}
	img.Sections = append(img.Sections, &Section{Name: btfSection, Type: stdelf.SHT_PROGBITS, Align: 4, Data: blob})
	if extBlob != nil {
		img.Sections = append(img.Sections, &Section{Name: btfExtSection, Type: stdelf.SHT_PROGBITS, Align: 4, Data: extBlob})
	}
	return nil
}

// typeWriter collects the types of an image.
type typeWriter struct {
	img       *Image
	datasecs  []btf.Type
	funcs     []FuncInfo // by section and offset
	funcTypes []btf.Type // of each of funcs
}

// place checks that sym is somewhere, and has a name that BTF can hold.
func (t *typeWriter) place(sym *Symbol) error {
	switch {
	case sym == nil:
		return errors.New("no symbol")
	case !sym.IsDefined() || !slices.Contains(t.img.Sections, sym.Section):
		return errors.New("its symbol is not defined in a section of the image")
	case !isBTFName(sym.Name):
		return errors.New("its name is not one of letters, digits, underscores and dots, and the kernel takes no others")
	case !fits(sym.Value, sym.Size, int(min(sym.Section.Len(), math.MaxInt32))):
		return fmt.Errorf("%d bytes at offset %d run beyond section %s (%d bytes)", sym.Size, sym.Value, sym.Section.Name, sym.Section.Len())
	}
	return nil
}

// isBTFName reports whether the kernel takes s for the name of a variable or a
// function (kernel/bpf/btf.c, btf_name_valid_identifier).
func isBTFName(s string) bool {
	const limit = 512 // KSYM_NAME_LEN
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '.'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) < limit
}

func symbolName(sym *Symbol) string {
	if sym == nil {
		return ""
	}
	return shorten(sym.Name)
}

// variables makes a VAR of every map and variable and a DATASEC of every
// section that has some.
func (t *typeWriter) variables(info *TypeInfo) error {
	type variable struct {
		sym  *Symbol
		typ  btf.Type
		size uint64
	}
	inSection := map[*Section][]variable{}

	for _, m := range info.Maps {
		fail := func(err error) error { return fmt.Errorf("map %q: %w", symbolName(m.Symbol), err) }
		if err := t.place(m.Symbol); err != nil {
			return fail(err)
		}
		if m.Map == nil || m.Symbol.Section.Name != mapsSection {
			return fail(fmt.Errorf("is not described, or not in section %s", mapsSection))
		}
		def, err := mapDef(m.Map, false)
		if err != nil {
			return fail(err)
		}
		if size := MapDefSize(m.Map); m.Symbol.Size != uint64(size) {
			return fail(fmt.Errorf("its symbol has %d bytes, not the %d of its definition", m.Symbol.Size, size))
		}
		inSection[m.Symbol.Section] = append(inSection[m.Symbol.Section], variable{m.Symbol, def, m.Symbol.Size})
	}
	for _, v := range info.Vars {
		fail := func(err error) error { return fmt.Errorf("variable %q: %w", symbolName(v.Symbol), err) }
		if err := t.place(v.Symbol); err != nil {
			return fail(err)
		}
		if v.Type == nil {
			return fail(errors.New("has no type"))
		}
		size, err := btf.Sizeof(v.Type)
		if err != nil {
			return fail(err)
		}
		if v.Symbol.Size != 0 && uint64(size) > v.Symbol.Size {
			return fail(fmt.Errorf("its type has %d bytes, its symbol %d", size, v.Symbol.Size))
		}
		inSection[v.Symbol.Section] = append(inSection[v.Symbol.Section], variable{v.Symbol, v.Type, max(v.Symbol.Size, uint64(size))})
	}

	for _, s := range t.img.Sections {
		vars := inSection[s]
		if len(vars) == 0 {
			continue
		}
		slices.SortStableFunc(vars, func(a, b variable) int { return cmp.Compare(a.sym.Value, b.sym.Value) })
		datasec := &btf.Datasec{Name: s.Name, Size: uint32(s.Len())}
		end := uint64(0)
		for _, v := range vars {
			if v.sym.Value < end || v.sym.Value+v.size > s.Len() {
				return fmt.Errorf("variable %q: %d bytes at offset %d of section %s lie upon the variable before it or run beyond the section", symbolName(v.sym), v.size, v.sym.Value, s.Name)
			}
			end = v.sym.Value + v.size
			linkage := btf.GlobalVar
			if v.sym.Bind == stdelf.STB_LOCAL {
				linkage = btf.StaticVar
			}
			datasec.Vars = append(datasec.Vars, btf.VarSecinfo{
				Type:   &btf.Var{Name: v.sym.Name, Type: v.typ, Linkage: linkage},
				Offset: uint32(v.sym.Value), Size: uint32(v.size),
			})
		}
		t.datasecs = append(t.datasecs, datasec)
	}
	return nil
}

// kernelSymbols is the DATASEC of what the kernel provides. No section of the
// object has this name.
const kernelSymbols = ".ksyms"

// externs makes a FUNC or VAR of everything that the kernel provides, as clang
// does of what C declares extern in section .ksyms.
func (t *typeWriter) externs(externs []ExternInfo) error {
	datasec := &btf.Datasec{Name: kernelSymbols}
	for _, e := range externs {
		fail := func(err error) error { return fmt.Errorf("extern %q: %w", symbolName(e.Symbol), err) }
		switch {
		case e.Symbol == nil || e.Symbol.IsDefined() || !slices.Contains(t.img.Symbols, e.Symbol):
			return fail(errors.New("is no undefined symbol of the image"))
		case !isBTFName(e.Symbol.Name):
			return fail(errors.New("its name is not one of letters, digits, underscores and dots"))
		}
		if proto, ok := e.Type.(*btf.FuncProto); ok {
			datasec.Vars = append(datasec.Vars, btf.VarSecinfo{
				Type: &btf.Func{Name: e.Symbol.Name, Type: proto, Linkage: btf.ExternFunc},
			})
			continue
		}
		size := 1 // of what has no size, as clang has it
		if n, err := btf.Sizeof(e.Type); err == nil && n > 0 {
			size = n
		}
		datasec.Vars = append(datasec.Vars, btf.VarSecinfo{
			Type: &btf.Var{Name: e.Symbol.Name, Type: e.Type, Linkage: btf.ExternVar}, Size: uint32(size),
		})
	}
	if len(datasec.Vars) > 0 {
		t.datasecs = append(t.datasecs, datasec)
	}
	return nil
}

// functions makes a FUNC of every function.
func (t *typeWriter) functions(funcs []FuncInfo) error {
	section := map[*Section]int{}
	for i, s := range t.img.Sections {
		section[s] = i
	}
	t.funcs = slices.Clone(funcs)
	for _, f := range t.funcs {
		fail := func(err error) error { return fmt.Errorf("function %q: %w", symbolName(f.Symbol), err) }
		if err := t.place(f.Symbol); err != nil {
			return fail(err)
		}
		if f.Type == nil || !f.Symbol.Section.IsExecutable() || f.Symbol.Value%8 != 0 {
			return fail(errors.New("has no type, or is not in a section of instructions, or between two of them"))
		}
	}
	slices.SortStableFunc(t.funcs, func(a, b FuncInfo) int {
		return cmp.Or(
			cmp.Compare(section[a.Symbol.Section], section[b.Symbol.Section]),
			cmp.Compare(a.Symbol.Value, b.Symbol.Value))
	})
	for i, f := range t.funcs {
		if i > 0 && t.funcs[i-1].Symbol.Section == f.Symbol.Section && t.funcs[i-1].Symbol.Value == f.Symbol.Value {
			return fmt.Errorf("function %q: begins where function %q does", symbolName(f.Symbol), symbolName(t.funcs[i-1].Symbol))
		}
		linkage := btf.GlobalFunc
		if f.Symbol.Bind == stdelf.STB_LOCAL {
			linkage = btf.StaticFunc
		}
		t.funcTypes = append(t.funcTypes, &btf.Func{Name: f.Symbol.Name, Type: f.Type, Linkage: linkage})
	}
	return nil
}

// encode gives the contents of .BTF, and the type ids of the functions.
func (t *typeWriter) encode() (blob []byte, ids []btf.TypeID, err error) {
	// One copy of everything: the caller's types are left alone, and types that
	// are shared stay so.
	all := &btf.Struct{}
	for _, typ := range slices.Concat(t.datasecs, t.funcTypes) {
		all.Members = append(all.Members, btf.Member{Type: typ})
	}
	all = btf.Copy(all).(*btf.Struct)
	merge := typeMerger{seen: map[btf.Type]btf.Type{}, known: map[any]btf.Type{}}
	var builder btf.Builder
	for i, m := range all.Members {
		id, err := builder.Add(merge.typ(m.Type))
		if err != nil {
			return nil, nil, err
		}
		if i >= len(t.datasecs) {
			ids = append(ids, id)
		}
	}
	blob, err = builder.Marshal(nil, &btf.MarshalOptions{Order: t.img.ByteOrder})
	return blob, ids, err
}

// typeMerger makes one of equal types, so that a map's definition doesn't bring
// its own int. It looks through all types and merges those without members.
type typeMerger struct {
	seen  map[btf.Type]btf.Type
	known map[any]btf.Type
}

func (m *typeMerger) typ(t btf.Type) btf.Type {
	if t == nil {
		return nil
	}
	if merged, ok := m.seen[t]; ok {
		return merged
	}
	m.seen[t] = t // where a type comes back to itself, it stays as it is
	var key any
	switch t := t.(type) {
	case *btf.Int:
		key = *t
	case *btf.Float:
		key = *t
	case *btf.Pointer:
		t.Target = m.typ(t.Target)
		key = *t
	case *btf.Const:
		t.Type = m.typ(t.Type)
		key = *t
	case *btf.Volatile:
		t.Type = m.typ(t.Type)
		key = *t
	case *btf.Array:
		t.Index, t.Type = m.typ(t.Index), m.typ(t.Type)
		key = *t
	case *btf.Typedef:
		t.Type = m.typ(t.Type)
		if len(t.Tags) == 0 {
			key = [2]any{t.Name, t.Type}
		}
	case *btf.Struct:
		m.members(t.Members)
	case *btf.Union:
		m.members(t.Members)
	case *btf.Var:
		t.Type = m.typ(t.Type)
	case *btf.Datasec:
		for i := range t.Vars {
			t.Vars[i].Type = m.typ(t.Vars[i].Type)
		}
	case *btf.Func:
		t.Type = m.typ(t.Type)
	case *btf.FuncProto:
		t.Return = m.typ(t.Return)
		for i := range t.Params {
			t.Params[i].Type = m.typ(t.Params[i].Type)
		}
	}
	if key == nil {
		return t
	}
	if known, ok := m.known[key]; ok {
		m.seen[t] = known
		return known
	}
	m.known[key] = t
	return t
}

func (m *typeMerger) members(members []btf.Member) {
	for i := range members {
		members[i].Type = m.typ(members[i].Type)
	}
}
