package linux_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// kfuncCall is a function of the kernel, in a place that may call it.
type kfuncCall struct {
	*prober
	at     place
	id     btf.TypeID
	params []btf.FuncParam
}

// structName is the structure that a parameter points to, "" for none.
func structName(t btf.Type) string {
	p, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return ""
	}
	s, ok := btf.UnderlyingType(p.Target).(*btf.Struct)
	if !ok {
		return ""
	}
	return s.Name
}

func isNumber(t btf.Type) bool {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Int, *btf.Enum:
		return true
	}
	return false
}

// with calls the function with numbers of 0, and other in place of argument i.
func (c *kfuncCall) with(before []bpf.Instruction, i int, other ...bpf.Instruction) answer {
	insns := append([]bpf.Instruction{mov(6, 1)}, before...)
	for j := range c.params {
		if j == i {
			insns = append(insns, other...)
		} else {
			insns = append(insns, imm(bpf.Register(j+1), 0))
		}
	}
	return c.load(c.at, "GPL", append(insns, bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(c.id)}, mov(8, 0))...)
}

// TestKfuncFlagsInKernel calls the kernel's functions with wrong arguments, and
// those that need nothing special with right ones.
func TestKfuncFlagsInKernel(t *testing.T) {
	p := newProber(t)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var task *btf.Struct
	if err := spec.TypeByName("task_struct", &task); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(task.Members, func(m btf.Member) bool { return m.Name == "files" })
	current := []bpf.Instruction{call(linux.FnGetCurrentTaskBtf), mov(7, 0)}
	// A pointer that was read from a trusted one is neither trusted nor protected.
	walked := append(slices.Clone(current), load(8, 7, 7, int(task.Members[i].Offset.Bytes())))

	places := p.places()
	counts := tally{}
	var unasked []string
	for _, k := range linux.Kfuncs() {
		var f *btf.Func
		if err := spec.TypeByName(k.Name, &f); err != nil {
			unasked = append(unasked, k.Name+" (not in this kernel)")
			continue
		}
		if doesNotReturn[k.Name] {
			unasked = append(unasked, k.Name+" (does not return, so the program would be taken)")
			continue
		}
		c := &kfuncCall{prober: p, params: f.Type.(*btf.FuncProto).Params}
		if c.id, err = spec.TypeID(f); err != nil {
			t.Fatal(err)
		}
		if !c.settle(places) {
			unasked = append(unasked, k.Name+" (in no type of program that this kernel loads)")
			continue
		}
		compare := func(what string, want, got bool, a answer) {
			t.Helper()
			counts[what]++
			if want != got {
				t.Errorf("%s in %v, %s: %v here, %v in the kernel: %s", k.Name, c.at, what, want, got, a.reason())
			}
		}
		got := c.with(nil, -1)
		sleeps := strings.Contains(got.log, "program must be sleepable to call sleepable kfunc")
		if c.at.t != linux.ProgSyscall {
			compare("sleeps", k.Flags()&linux.KfuncFlagSleepable != 0, sleeps, got)
		}
		if sleeps {
			c.at = place{t: linux.ProgSyscall}
			if !c.settle([]place{c.at}) {
				unasked = append(unasked, k.Name+" (in no program that may sleep)")
				continue
			}
		}
		first := slices.IndexFunc(c.params, func(p btf.FuncParam) bool { return !isNumber(p.Type) })
		trusts := linux.KfuncFlagTrustedArgs | linux.KfuncFlagRelease
		if first >= 0 && structName(c.params[first].Type) != "" && !strings.Contains(c.params[first].Name, "__") {
			got = c.with(nil, -1)
			compare("null argument", k.Flags()&(trusts|linux.KfuncFlagRCU) != 0,
				strings.Contains(got.log, fmt.Sprintf("Possibly NULL pointer passed to trusted arg%d", first)), got)
			if name := structName(c.params[first].Type); !strings.HasPrefix(name, "bpf_") && c.at.t != linux.ProgSyscall {
				r := bpf.Register(first + 1)
				got = c.with(walked, first, mov(r, 7))
				if strings.Contains(got.log, "expected pointer to ctx") {
					unasked = append(unasked, k.Name+" (takes the context)")
					continue
				}
				compare("trusted argument", k.Flags()&trusts != 0 && k.Flags()&linux.KfuncFlagRCU == 0,
					got.says(fmt.Sprintf("R%d must be referenced or trusted", r)), got)
				compare("RCU argument", k.Flags()&linux.KfuncFlagRCU != 0, got.says(fmt.Sprintf("R%d must be a rcu pointer", r)), got)
			}
		}
		c.checkResult(k, current, compare, func() { unasked = append(unasked, k.Name+" (result)") })
	}
	t.Logf("compared:%v", counts)
	t.Logf("not asked: %d: %s", len(unasked), strings.Join(unasked, ", "))
}

// settle finds a place that may call the function.
func (c *kfuncCall) settle(places []place) bool {
	for _, c.at = range places {
		if got := c.with(nil, -1); !strings.Contains(got.log, "is not allowed") && strings.Contains(got.log, "(85) call ") {
			return true
		}
	}
	return false
}

// checkResult calls the function if it takes numbers and tasks only.
func (c *kfuncCall) checkResult(k linux.Kfunc, current []bpf.Instruction, compare func(string, bool, bool, answer), skip func()) {
	at := -1
	var other []bpf.Instruction
	for i, p := range c.params {
		switch {
		case isNumber(p.Type):
		case structName(p.Type) == "task_struct" && at < 0:
			at, other = i, []bpf.Instruction{mov(bpf.Register(i+1), 7)}
		default:
			skip()
			return
		}
	}
	got := c.with(current, at, other...)
	all := resultText.FindAllStringSubmatch(got.log, -1)
	if len(all) == 0 {
		skip()
		return
	}
	last := all[len(all)-1]
	compare("null result", k.Flags()&linux.KfuncFlagRetNull != 0, strings.Contains(last[1], "or_null"), got)
	compare("reference", k.Flags()&linux.KfuncFlagAcquire != 0, strings.Contains(last[2], "ref_obj_id="), got)
}

// The names of iterators' functions say what they do with them.
func TestKfuncIterators(t *testing.T) {
	for _, k := range linux.Kfuncs() {
		for suffix, flag := range map[string]linux.KfuncFlags{
			"_new": linux.KfuncFlagIterNew, "_next": linux.KfuncFlagIterNext, "_destroy": linux.KfuncFlagIterDestroy,
		} {
			named := strings.HasPrefix(k.Name, "bpf_iter_") && strings.HasSuffix(k.Name, suffix)
			if named != (k.Flags()&flag != 0) {
				t.Errorf("%s: flags %#x", k.Name, k.Flags())
			}
			if flag == linux.KfuncFlagIterNext && named && k.Flags()&linux.KfuncFlagRetNull == 0 {
				t.Errorf("%s never ends", k.Name)
			}
		}
	}
}

// TestKfuncsAllowedInKernel has programs in every place call every function of
// the kernel.
func TestKfuncsAllowedInKernel(t *testing.T) {
	p := newProber(t)
	compared, allowed := 0, 0
	for _, at := range append(p.places(), p.loadable(targets)...) {
		for _, k := range linux.Kfuncs() {
			var f *btf.Func
			if err := p.spec.TypeByName(k.Name, &f); err != nil || doesNotReturn[k.Name] || strings.HasPrefix(k.Name, "bpf_xdp_metadata_") {
				continue
			}
			id, err := p.spec.TypeID(f)
			if err != nil {
				t.Fatal(err)
			}
			c := &kfuncCall{prober: p, at: at, id: id, params: f.Type.(*btf.FuncProto).Params}
			got := c.with(nil, -1)
			refused := strings.Contains(got.log, "calling kernel function "+k.Name+" is not allowed") || !strings.Contains(got.log, "(85) call ")
			compared++
			if !refused {
				allowed++
			}
			if want := k.AllowedIn(at.t, at.a); want == refused {
				t.Errorf("%s in %v: %v here, %v in the kernel: %s", k.Name, at, want, !refused, got.reason())
			}
		}
	}
	t.Logf("%d functions of places compared, %d of them allowed", compared, allowed)
}

// doesNotReturn has the functions behind which a program never gets to its end,
// so that it would be taken.
var doesNotReturn = map[string]bool{"bpf_throw": true, "__bpf_trap": true}
