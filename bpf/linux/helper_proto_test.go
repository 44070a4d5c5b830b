package linux

import (
	"fmt"
	"testing"
)

// allArgs gives every list of arguments, variants included.
func allArgs() map[string][]Arg {
	lists := map[string][]Arg{}
	for _, h := range Helpers() {
		lists[h.Name] = helperProtoTable[h.ID].Args
	}
	for i, row := range helperVariantTable {
		lists[fmt.Sprintf("%v of %v (row %d)", row.helper, row.types, i)] = row.args
	}
	return lists
}

// What a kernel checks of its own prototypes when it meets them.
func TestHelperProtosMakeSense(t *testing.T) {
	if len(helperProtoTable) != len(helperTable)+1 {
		t.Errorf("%d prototypes of %d helpers", len(helperProtoTable)-1, len(helperTable))
	}
	for name, args := range allArgs() {
		if len(args) > 5 {
			t.Errorf("%s takes %d arguments", name, len(args))
		}
		maps, keys, released := 0, 0, 0
		for i, a := range args {
			sized := i+1 < len(args) && (args[i+1].Kind == ArgConstSize || args[i+1].Kind == ArgConstSizeOrZero)
			fixed := a.Flags&ArgFixedSize != 0
			switch {
			case (a.Kind == ArgMem && !fixed) != sized:
				t.Errorf("%s: argument %d and the size behind it", name, i+1)
			case fixed != (a.Size > 0), fixed && a.Kind != ArgMem:
				t.Errorf("%s: argument %d has %d bytes", name, i+1, a.Size)
			case a.Flags&ArgReadOnly != 0 && a.Flags&ArgWrite != 0, a.Flags&ArgUninit != 0 && a.Flags&ArgWrite == 0:
				t.Errorf("%s: argument %d has flags %#x", name, i+1, a.Flags)
			case a.Type != "" && a.Kind != ArgBTFID:
				t.Errorf("%s: argument %d has the type %s", name, i+1, a.Type)
			}
			switch a.Kind {
			case ArgConstMapPtr:
				maps++
			case ArgMapKey, ArgMapValue:
				keys++
			}
			if a.Flags&ArgRelease != 0 {
				released++
			}
		}
		if maps > 1 || released > 1 || keys > 0 && maps == 0 {
			t.Errorf("%s takes %d maps, %d keys and values, and %d references", name, maps, keys, released)
		}
	}
}

// Numbers that no helper, type or function has are no more than that.
func TestUnknownNumbers(t *testing.T) {
	for _, id := range []HelperID{-1 << 31, -1, 0, HelperID(len(helperTable) + 1), 1<<31 - 1} {
		h := Helper{ID: id}
		if _, ok := h.Proto(ProgXDP); ok {
			t.Errorf("helper %d has a prototype", id)
		}
		if h.AllowedIn(ProgXDP, 0) || h.TakesMap(MapHash) {
			t.Errorf("helper %d may be called", id)
		}
		if _, ok := h.Callback(); ok {
			t.Errorf("helper %d calls back", id)
		}
	}
	for _, p := range []ProgramType{ProgUnspec, 99, ProgSeccomp, 1<<32 - 1} {
		_, limited := ReturnRangeOf(p, 99)
		if p.Traits(99) != 0 || p.ContextType() != "" || limited || (Kfunc{Name: "bpf_throw"}).AllowedIn(p, 99) {
			t.Errorf("%v is known", p)
		}
	}
	if ObjectAccess(99, 0, 4, false) || (Kfunc{Name: "none"}).Flags() != 0 || MapType(99).MaySleep() {
		t.Error("an object, a function or a map that is none is known")
	}
}

// Every function with flags or a place in a program is one that there is.
func TestKfuncTablesAgree(t *testing.T) {
	for name := range kfuncFlags {
		if _, ok := KfuncByName(name); !ok {
			t.Errorf("%s has flags and no prototype", name)
		}
	}
	for _, row := range kfuncAllowedTable {
		for _, name := range row.names {
			if k, ok := KfuncByName(name); !ok || k.Common {
				t.Errorf("%s may be called by some, but is %+v", name, k)
			}
		}
	}
}
