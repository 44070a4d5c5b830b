package linux_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
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

// kfunc makes calls of a function of the kernel, if there is one and such a call
// comes to its end.
func (p *prober) kfunc(name string) (*kfuncCall, bool) {
	var f *btf.Func
	if err := p.spec.TypeByName(name, &f); err != nil || doesNotReturn[name] {
		return nil, false
	}
	id, err := p.spec.TypeID(f)
	if err != nil {
		p.t.Fatal(err)
	}
	return &kfuncCall{prober: p, id: id, params: f.Type.(*btf.FuncProto).Params}, true
}

// doesNotReturn has the functions behind which a program never gets to its end,
// so that it would be taken.
var doesNotReturn = map[string]bool{"bpf_throw": true, "__bpf_trap": true}

// TestKfuncFlagsInKernel calls the kernel's functions with wrong arguments, and
// those that need nothing special with right ones.
func TestKfuncFlagsInKernel(t *testing.T) {
	p := newProber(t)
	var task *btf.Struct
	if err := p.spec.TypeByName("task_struct", &task); err != nil {
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
		c, ok := p.kfunc(k.Name)
		if !ok {
			unasked = append(unasked, k.Name+" (not in this kernel, or does not return)")
			continue
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
		c.checkResult(k, compare, func() { unasked = append(unasked, k.Name+" (result)") })
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

// makers are functions that give an object of a structure when they are called
// with 1.
var makers = map[string]string{
	"task_struct": "bpf_task_from_pid", "cgroup": "bpf_cgroup_from_id", "bpf_cpumask": "bpf_cpumask_create", "cpumask": "bpf_cpumask_create",
	"bpf_key": "bpf_lookup_system_key",
}

// checkResult calls the function if it takes numbers and objects of one kind only.
func (c *kfuncCall) checkResult(k linux.Kfunc, compare func(string, bool, bool, answer), skip func()) {
	maker := ""
	var insns []bpf.Instruction
	for i, p := range c.params {
		r := bpf.Register(i + 1)
		if isNumber(p.Type) {
			insns = append(insns, imm(r, 0))
			continue
		}
		name := makers[structName(p.Type)]
		if name == "" || maker != "" && maker != name || strings.Contains(p.Name, "__") {
			skip()
			return
		}
		maker = name
		insns = append(insns, mov(r, 7))
	}
	var before []bpf.Instruction
	if maker != "" {
		m, ok := c.kfunc(maker)
		if !ok {
			skip()
			return
		}
		before = append([]bpf.Instruction{imm(1, 1), {Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(m.id)}, mov(7, 0)}, unlessNull(7)...)
	}
	insns = append(append(before, insns...), bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(c.id)})
	got := c.load(c.at, "GPL", append(insns, mov(8, 0))...)
	all := resultText.FindAllStringSubmatch(got.log, -1)
	if void := got.says("R0 !read_ok"); len(all) == 0 && !void {
		skip()
		return
	} else if !void {
		last := all[len(all)-1]
		compare("null result", k.Flags()&linux.KfuncFlagRetNull != 0, strings.Contains(last[1], "or_null"), got)
		compare("reference", k.Flags()&linux.KfuncFlagAcquire != 0, strings.Contains(last[2], "ref_obj_id="), got)
	}
	if maker == "" {
		return
	}
	got = c.load(c.at, "GPL", append(insns, mov(8, 7))...)
	compare("release", k.Flags()&linux.KfuncFlagRelease != 0, got.says("R7 !read_ok") || strings.Contains(got.log, "R7=scalar") ||
		strings.Contains(got.log, "R8=scalar"), got)
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
	done := map[linux.ProgramType]bool{}
	for _, at := range append(p.places(), p.loadable(targets)...) {
		// The attach type matters where the table says so.
		if done[at.t] && at.t != linux.ProgKprobe && at.target == "" && !require.Long() {
			continue
		}
		done[at.t] = true
		for _, k := range linux.Kfuncs() {
			c, ok := p.kfunc(k.Name)
			if !ok || strings.HasPrefix(k.Name, "bpf_xdp_metadata_") {
				continue
			}
			c.at = at
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
