package generate

import (
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func all(linux.HelperID) bool { return true }

// TestUsesEverything makes sure that programs use what the package says.
func TestUsesEverything(t *testing.T) {
	type kind struct {
		op  uint8
		src bpf.Register
		off int16
		imm int32
	}
	seen := map[kind]int{}
	most, frames := 0, 0
	for n := range uint64(2000) {
		p := New(1, n, Options{Helper: all})
		most = max(most, len(p.Instructions))
		frames = max(frames, len(p.Functions))
		second := false
		for _, in := range p.Instructions {
			if second {
				second = false
				continue
			}
			second = in.IsLoadImm64()
			k := kind{op: in.Op}
			switch {
			case in.IsALU():
				k.off = in.Off
				if in.Code() == bpf.OpEnd {
					k.imm = in.Imm
				}
			case in.Op == bpf.OpcodeCall:
				k.src = in.Src
				if in.IsHelperCall() {
					k.imm = in.Imm
				}
			case in.IsLoadImm64():
				k.src = in.Src
			case in.Mode() == bpf.ModeATOMIC && in.Class() == bpf.ClassSTX:
				k.imm = in.Imm
			}
			seen[k]++
		}
	}
	want := func(what string, k kind) {
		if seen[k] == 0 {
			t.Errorf("no %s", what)
		}
	}
	for _, f := range slices.Concat(aluForms, conditionForms) {
		k := kind{op: f.Op, off: f.Off}
		if in := (bpf.Instruction{Op: f.Op}); in.IsALU() && in.Code() == bpf.OpEnd {
			k.imm = f.Imm
		}
		want(f.Syntax, k)
	}
	for _, f := range bpf.Forms() {
		if in := (bpf.Instruction{Op: f.Op}); in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC && !f.Alias {
			want(f.Syntax, kind{op: f.Op, imm: f.Imm})
		}
	}
	for _, id := range []linux.HelperID{
		linux.FnMapLookupElem, linux.FnMapUpdateElem, linux.FnMapDeleteElem, linux.FnXdpAdjustHead, linux.FnXdpAdjustMeta,
		linux.FnXdpAdjustTail, linux.FnXdpLoadBytes, linux.FnXdpStoreBytes, linux.FnXdpGetBuffLen, linux.FnLoop, linux.FnCsumDiff,
	} {
		want(id.String(), kind{op: bpf.OpcodeCall, imm: int32(id)})
	}
	want("gotol", kind{op: bpf.OpcodeJA32})
	want("may_goto", kind{op: bpf.OpcodeMayGoto})
	want("call of a function", kind{op: bpf.OpcodeCall, src: bpf.CallLocal})
	t.Logf("%d kinds of instructions; at most %d instructions and %d functions", len(seen), most, frames)
}

// TestShrink keeps what matters, and little else.
func TestShrink(t *testing.T) {
	atomic := func(p *Program) bool {
		return slices.ContainsFunc(p.Instructions, func(in bpf.Instruction) bool {
			return in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC
		})
	}
	n := uint64(0)
	for !atomic(New(1, n, Options{Helper: all})) {
		n++
	}
	p := New(1, n, Options{Helper: all})
	small := Shrink(p, atomic)
	left := 0
	for _, in := range small.Instructions {
		if in.Op != exit.Op && (in.Op != set(r0, 0).Op || in.Imm != 0) {
			left++
		}
	}
	if left != 1 || len(small.Packets) != 1 || len(small.Functions) == 0 {
		t.Errorf("%d of %d instructions, %d packets: %v", left, len(p.Instructions), len(small.Packets), small.Instructions)
	}
}

// TestSame: a program is the same for ever.
func TestSame(t *testing.T) {
	a, b := New(3, 4, Options{Helper: all}), New(3, 4, Options{Helper: all})
	if !slices.Equal(a.Instructions, b.Instructions) || string(a.Packets[2]) != string(b.Packets[2]) {
		t.Error("two programs of one number differ")
	}
}
