package linux_test

import (
	"regexp"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// callbackNames are how the kernel calls what callbacks find.
var callbackNames = map[linux.CallbackArg]string{
	linux.CallbackNumber: "scalar", linux.CallbackContext: "fp", linux.CallbackMap: "map_ptr", linux.CallbackMapKey: "map_key",
	linux.CallbackMapValue: "map_value", linux.CallbackTask: "trusted_ptr_task_struct", linux.CallbackVMA: "ptr_vm_area_struct",
	linux.CallbackDynptr: "dynptr_ptr",
}

// callbackRegister finds r8, which the callback alone writes.
var callbackRegister = regexp.MustCompile(`\bR8(?:_w)?=([a-z_]+)`)

// TestCallbacksInKernel has callbacks read each argument, and return numbers.
func TestCallbacksInKernel(t *testing.T) {
	p := newProber(t, probeMaps...)
	at := place{t: linux.ProgXDP}
	compared := 0
	for _, h := range linux.Helpers() {
		proto, _ := h.Proto(at.t)
		takes := false
		for _, a := range proto.Args {
			takes = takes || a.Kind == linux.ArgFunc
		}
		c, ok := h.Callback()
		if takes != ok {
			t.Errorf("%s takes a function: %v in its prototype, %v here", h.Name, takes, ok)
		}
		if !ok {
			continue
		}
		call := &probeCall{prober: p, at: at, h: h, proto: proto}
		for i := range 5 {
			r := bpf.Register(i + 1)
			got := p.callback(call, mov(8, r), mov(0, 9), exit)
			compared++
			m := callbackRegister.FindStringSubmatch(got.log)
			switch {
			case i >= len(c.Args):
				if !strings.Contains(got.log, r.String()+" !read_ok") && !strings.Contains(got.log, strings.ToUpper(r.String())+" !read_ok") {
					t.Errorf("%s: the callback can read %v: %s", h.Name, r, got.reason())
				}
			case m == nil || m[1] != callbackNames[c.Args[i]]:
				t.Errorf("%s: the callback finds %s in %v, but in the kernel %v: %s", h.Name, callbackNames[c.Args[i]], r, m, got.reason())
			}
		}
		for v := int32(-1); v <= 2; v++ {
			got := p.callback(call, append(returns(imm(0, v)), mov(0, 9), exit)...)
			compared++
			want := int64(v) >= c.Range.Min && int64(v) <= c.Range.Max
			if refused := strings.Contains(got.log, "the register R0 has "); refused == want {
				t.Errorf("%s: the callback may return %d: %v here, %v in the kernel: %s", h.Name, v, want, !refused, got.reason())
			}
		}
	}
	t.Logf("%d questions", compared)
}

// callback makes a call whose callback is made of the instructions. It has to be
// the callback that comes to no end.
func (p *prober) callback(c *probeCall, function ...bpf.Instruction) answer {
	main := append(c.program(nil, -1), imm(0, 1), exit)
	insns := append(append([]bpf.Instruction(nil), main...), function...)
	for i, in := range insns {
		if in.IsLoadImm64() && in.Src == bpf.PseudoFunc {
			insns[i].Imm = int32(len(main) - i - 1)
		}
	}
	p.loads++
	return p.ask(c.at, &bpf.Program{
		Name: "probe", Type: c.at.t, Attach: c.at.a, Instructions: insns,
		Functions: []bpf.Function{{Name: "probe", Len: len(main)}, {Name: "callback", Start: len(main), Len: len(function)}},
	}, kernel.LoadOptions{License: "GPL", LogLevel: 2})
}
