package linux_test

import (
	"regexp"
	"strings"
	"testing"

	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// registerText finds what a load left in r2, as a log of level 2 has it.
var registerText = regexp.MustCompile(`\bR2(?:_w)?=([a-z_0-9]+)`)

// contextNames are how the kernel calls what a load gives.
var contextNames = map[linux.ContextValue]string{
	linux.ContextScalar: "scalar", linux.ContextPacket: "pkt", linux.ContextPacketMeta: "pkt_meta", linux.ContextPacketEnd: "pkt_end",
	linux.ContextSock: "sock", linux.ContextSockOrNull: "sock_or_null", linux.ContextSockCommonOrNull: "sock_common_or_null",
	linux.ContextFlowKeys: "flow_keys", linux.ContextBuffer: "tp_buffer",
	linux.ContextNFHookState: "trusted_ptr_nf_hook_state", linux.ContextSkBuff: "trusted_ptr_sk_buff",
}

// edges are offsets beyond the structures where a type's context ends.
var edges = map[linux.ProgramType][]int{
	linux.ProgTracepoint: {8176, 8184, 8188, 8190, 8191, 8192}, linux.ProgSyscall: {32752, 32760, 32766},
}

// Every size at every offset of every context, asked of the running kernel in
// every place that it tells apart.
func TestContextAccessInKernel(t *testing.T) {
	p := newProber(t)
	compared, allowed := 0, 0
	for _, at := range p.places() {
		end := 72
		if c, ok := linux.ContextOf(at.t); ok {
			end = c.Size + 8
		} else if at.t == linux.ProgRawTracepoint || at.t == linux.ProgRawTracepointWritable {
			end = 104
		}
		offsets := []int{-8}
		for offset := range end {
			offsets = append(offsets, offset)
		}
		for _, offset := range append(offsets, edges[at.t]...) {
			for _, size := range []int{1, 2, 4, 8} {
				if offset%size != 0 && !require.Long() {
					continue // always refused
				}
				for _, write := range []bool{false, true} {
					access := load(size, 2, 1, offset)
					if write {
						access = store(size, 1, offset, 0)
					}
					got := p.load(at, "GPL", imm(0, 1), access)
					gives, ok := linux.ContextAccess(at.t, at.a, offset, size, write)
					compared++
					if got.ok != ok {
						t.Errorf("%v, %d bytes at %d, write %v: %v here, %v in the kernel: %s", at, size, offset, write, ok, got.ok, got.reason())
						continue
					}
					if !ok {
						continue
					}
					allowed++
					if write {
						continue
					}
					if m := registerText.FindStringSubmatch(got.log); m == nil || !sameValue(m[1], contextNames[gives]) {
						t.Errorf("%v, %d bytes at %d: %s here, %v in the kernel", at, size, offset, contextNames[gives], m)
					}
				}
			}
		}
	}
	t.Logf("%d accesses compared, %d of them allowed, %d programs", compared, allowed, p.loads)
}

// sameValue compares a register's text with a name; numbers have their value as
// text when they are known.
func sameValue(text, name string) bool {
	return text == name || name == "scalar" && strings.Trim(text, "-0123456789") == ""
}
