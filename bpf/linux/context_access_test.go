package linux

import (
	"slices"
	"strings"
	"testing"
)

// matrixAttach finds the attach type that a matrix calls "CGroupInetEgress".
func matrixAttach(t *testing.T, name string) AttachType {
	t.Helper()
	if name == "None" {
		return 0
	}
	for _, a := range AttachTypes() {
		if strings.ReplaceAll(a.String(), "_", "") == strings.ToLower(name) {
			return a
		}
	}
	t.Fatalf("no attach type is called %s", name)
	return 0
}

// contextTexts are how the kernel begins the text of a register.
var contextTexts = map[ContextValue]string{
	ContextScalar:           "scalar",
	ContextPacket:           "pkt(",
	ContextPacketMeta:       "pkt_meta(",
	ContextPacketEnd:        "pkt_end(",
	ContextSock:             "sock(",
	ContextSockOrNull:       "sock_or_null(",
	ContextSockCommonOrNull: "sock_common_or_null(",
	ContextFlowKeys:         "flow_keys(",
	ContextBuffer:           "tp_buffer(",
	ContextNFHookState:      "trusted_ptr_nf_hook_state(",
	ContextSkBuff:           "trusted_ptr_sk_buff(",
}

// The matrix was made with offsets up to these.
var matrixEnd = map[ProgramType]int{
	ProgTracepoint: 72, ProgSyscall: 72,
}

// Every offset of every row of the matrix, allowed or not: what the table says
// must be what the kernel said.
func TestContextAccessAgainstMatrix(t *testing.T) {
	compared, allowed := 0, 0
	for _, row := range matrixRows[struct {
		Type, Attach string
		Size         int
		Write        bool
		Allowed      map[string][]int
	}](t, "ctx_matrix_6.18.jsonl") {
		p, a := matrixType(t, row.Type), matrixAttach(t, row.Attach)
		want := map[int]string{}
		for register, offsets := range row.Allowed {
			for _, offset := range offsets {
				want[offset] = register
			}
		}
		end, ok := matrixEnd[p]
		if !ok {
			end = 256
		}
		for offset := range end {
			gives, ok := ContextAccess(p, a, offset, row.Size, row.Write)
			register, wantOK := want[offset]
			compared++
			if wantOK {
				allowed++
			}
			if ok != wantOK || ok && !strings.HasPrefix(register, contextTexts[gives]) {
				t.Errorf("%v %v, %d bytes at %d, write %v: %v %q here, %v %q in the kernel",
					p, a, row.Size, offset, row.Write, ok, contextTexts[gives], wantOK, register)
			}
		}
	}
	t.Logf("%d accesses compared, %d of them allowed", compared, allowed)
}

// Sizes and offsets that no program can have are refused.
func TestContextAccessBounds(t *testing.T) {
	for _, p := range append(ProgramTypes(), ProgSeccomp, 99) {
		for _, size := range []int{-8, -1, 0, 3, 5, 6, 7, 9, 16, 256, 257} {
			for _, offset := range []int{-8, 0, 8, 1 << 30} {
				if _, ok := ContextAccess(p, 0, offset, size, false); ok {
					t.Errorf("%v: %d bytes at %d", p, size, offset)
				}
			}
		}
	}
}

func TestHelpersAllowedAgainstMatrix(t *testing.T) {
	compared, allowed := 0, 0
	for _, row := range matrixRows[struct {
		Type, Attach string
		Allowed      []HelperID
	}](t, "helper_matrix_6.18.jsonl") {
		p, a := matrixType(t, row.Type), matrixAttach(t, row.Attach)
		for _, h := range Helpers() {
			want := slices.Contains(row.Allowed, h.ID)
			compared++
			if want {
				allowed++
			}
			switch h.ID {
			case FnOverrideReturn, FnProbeWriteUser: // that kernel was built without the first, and locked down
				continue
			case FnGetFuncIp: // known to more types, but every call is refused
				want = want && p == ProgKprobe
			case FnSkStorageGet, FnSkStorageDelete, FnDPath:
				want = want && p != ProgSyscall
			}
			if got := h.AllowedIn(p, a); got != want {
				t.Errorf("%v %v %v: allowed is %v here, %v in the kernel", p, a, h.Name, got, want)
			}
		}
	}
	t.Logf("%d helpers of program types compared, %d of them allowed", compared, allowed)
}
