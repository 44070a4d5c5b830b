package elf

import (
	stdelf "debug/elf"
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf/core"
)

// What an object takes from its kernel is in no section of it: the symbols are
// undefined, and two DATASECs of the type information list them. .ksyms has
// functions and variables of the kernel, .kconfig settings it was built with,
// which a loader puts into a map of that name.
const (
	ksymsSection   = kernelSymbols
	kconfigSection = ".kconfig"
)

// kfuncPoison is the helper number that a call of a weak function gets if the
// kernel has no such function: no helper has it, so the call is refused
// where it can be reached, and the number tells why. It is cilium/ebpf's.
const kfuncPoison = 0xdedc0de

// externs is what the object takes from its kernel, by name.
type externs struct {
	ksyms    map[string]*bpf.Extern
	settings map[string]uint32 // offset in the map of .kconfig
	kconfig  int               // index of that map
}

// loadExterns finds what the types say of undefined symbols, and adds the map of
// settings.
func (l *loader) loadExterns() {
	l.externs = externs{ksyms: map[string]*bpf.Extern{}, settings: map[string]uint32{}}
	if l.obj.Types == nil {
		return
	}
	weak := map[string]bool{}
	for _, sym := range l.img.Symbols {
		if !sym.IsDefined() && sym.Bind == stdelf.STB_WEAK {
			weak[sym.Name] = true
		}
	}
	var ksyms, kconfig *btf.Datasec
	if l.obj.Types.TypeByName(ksymsSection, &ksyms) == nil {
		l.loadKsyms(ksyms, weak)
	}
	if l.obj.Types.TypeByName(kconfigSection, &kconfig) == nil {
		if err := l.loadKconfig(kconfig, weak); err != nil {
			l.problem(true, "", fmt.Errorf("section %s: %w", kconfigSection, err))
		}
	}
}

func (l *loader) loadKsyms(datasec *btf.Datasec, weak map[string]bool) {
	for _, v := range datasec.Vars {
		e := &bpf.Extern{Name: v.Type.TypeName()}
		switch t := v.Type.(type) {
		case *btf.Func:
			e.Type = t.Type
		case *btf.Var:
			e.Type = t.Type
		default:
			continue
		}
		if e.Name == "" || l.externs.ksyms[e.Name] != nil {
			continue
		}
		e.Weak = weak[e.Name]
		l.externs.ksyms[e.Name] = e
		l.obj.Externs = append(l.obj.Externs, e)
		l.findInKernel(e)
	}
}

// findInKernel looks for an extern in the types of the kernel, and then of its
// modules.
func (l *loader) findInKernel(e *bpf.Extern) {
	if _, untyped := e.Type.(*btf.Void); untyped {
		return // only its address matters, and that is not among the types
	}
	k := l.kernel()
	if k == nil {
		return
	}
	if e.ID = findExtern(k.Types, e); e.ID != 0 {
		return
	}
	for _, m := range k.Modules {
		if e.ID = findExtern(m.Types, e); e.ID != 0 {
			e.Module = m.Name
			return
		}
	}
	if !e.Weak {
		l.problem(true, "", fmt.Errorf("%q is not in the types of the kernel (%s), and the object can't be loaded without it", shorten(e.Name), k.Name))
	}
}

// findExtern gives the id of an extern among types, 0 when it is not one of them.
func findExtern(types *core.Types, e *bpf.Extern) btf.TypeID {
	find := types.VarID
	if e.IsFunc() {
		find = types.FuncID
	}
	id, _ := find(core.EssentialName(e.Name))
	return btf.TypeID(id)
}

// loadKconfig makes the map of settings. The compiler leaves the layout to
// whoever loads the object: here it is cilium/ebpf's, the order of the types,
// each at its own alignment.
func (l *loader) loadKconfig(datasec *btf.Datasec, weak map[string]bool) error {
	laid := &btf.Datasec{Name: datasec.Name}
	offset := uint64(0)
	for _, v := range datasec.Vars {
		variable, ok := v.Type.(*btf.Var)
		if !ok {
			return fmt.Errorf("%s is no variable", shorten(v.Type.TypeName()))
		}
		size, err := btf.Sizeof(variable.Type)
		if err != nil {
			return fmt.Errorf("variable %s: %w", shorten(variable.Name), err)
		}
		align := alignOf(variable.Type, 0)
		if align == 0 || size == 0 {
			return fmt.Errorf("variable %s: a setting is a number, an enumeration or an array of characters, not %v", shorten(variable.Name), variable.Type)
		}
		offset = (offset + align - 1) &^ (align - 1)
		if offset+uint64(size) > maxKconfig {
			return fmt.Errorf("more than %d bytes of settings", maxKconfig)
		}
		laid.Vars = append(laid.Vars, btf.VarSecinfo{
			Type:   &btf.Var{Name: variable.Name, Type: variable.Type, Linkage: btf.GlobalVar},
			Offset: uint32(offset), Size: uint32(size),
		})
		l.externs.settings[variable.Name] = uint32(offset)
		offset += uint64(size)
	}
	if offset == 0 {
		return errors.New("it is empty")
	}
	laid.Size = uint32(offset)
	l.externs.kconfig = len(l.obj.Maps)
	m := &bpf.Map{
		Name: kconfigSection, Section: kconfigSection, Type: linux.MapArray,
		KeySize: 4, ValueSize: laid.Size, MaxEntries: 1, Flags: linux.FRdonlyProg, Frozen: true,
		Key: &btf.Int{Name: "unsigned int", Size: 4}, Value: laid,
	}
	l.obj.Maps = append(l.obj.Maps, m)
	if k := l.kernel(); k != nil {
		l.settings(m, laid, weak)
	}
	return nil
}

// maxKconfig bounds the map of settings: an array in the types can claim any
// size.
const maxKconfig = 1 << 16

// alignOf gives the alignment of what can be a setting, 0 for anything else.
func alignOf(t btf.Type, depth int) uint64 {
	if depth > 16 {
		return 0
	}
	n := uint64(0)
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		n = uint64(t.Size)
	case *btf.Enum:
		n = uint64(t.Size)
	case *btf.Array:
		return alignOf(t.Type, depth+1)
	}
	if n > 16 || n&(n-1) != 0 {
		return 0
	}
	return n
}

// externReference is the relocation at slot against an undefined symbol.
func (l *loader) externReference(c *code, slot int, rel Relocation) (ref reference) {
	in, name := c.insns[slot], rel.Symbol.Name
	if offset, ok := l.externs.settings[name]; ok && in.IsLoadImm64() {
		ref.src, ref.imm, ref.next = bpf.PseudoMapIdxValue, int32(l.externs.kconfig), int32(offset)
		return ref
	}
	e := l.externs.ksyms[name]
	switch {
	case e == nil:
		ref.err = fmt.Errorf("%s is %w %s", rel.name(), ErrUndefined, c.where(rel))
	case in.IsLoadImm64():
		ref.extern = e
		if e.ID != 0 {
			ref.src, ref.imm = bpf.PseudoBTFID, int32(e.ID)
		}
	case !e.IsFunc():
		ref.err = c.impossible(rel, "the kernel's symbol is a variable, and this calls it")
	default:
		ref.extern = e
		ref.src, ref.imm = bpf.CallKfunc, -1
		switch {
		case e.ID != 0:
			ref.imm, ref.off = int32(e.ID), int16(l.moduleIndex(e.Module))
		case e.Weak && l.kernel() != nil:
			ref.src, ref.imm = bpf.CallHelper, kfuncPoison
		}
	}
	return ref
}

// moduleIndex gives the place of a module's types among those a program is
// loaded with, which begin at 1; 0 is the kernel itself.
func (l *loader) moduleIndex(name string) int {
	if name == "" {
		return 0
	}
	for i, m := range l.kernel().Modules {
		if m.Name == name {
			return i + 1
		}
	}
	return 0
}
