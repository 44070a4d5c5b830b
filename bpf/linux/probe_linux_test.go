package linux_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// Programs of a few instructions, each of which asks the running kernel's
// verifier one question. All end in a read of r9, which they never write: what is
// accepted up to there is refused there, and never becomes machine code.

// Instructions as the probes need them.
func imm(r bpf.Register, v int32) bpf.Instruction { return bpf.Instruction{Op: 0xb7, Dst: r, Imm: v} }

func mov(r, s bpf.Register) bpf.Instruction { return bpf.Instruction{Op: 0xbf, Dst: r, Src: s} }

func add(r bpf.Register, v int32) bpf.Instruction { return bpf.Instruction{Op: 0x07, Dst: r, Imm: v} }

func call(id linux.HelperID) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Imm: int32(id)}
}

// sizeBits are the size field of a load or store.
var sizeBits = map[int]uint8{4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18}

func load(size int, r, s bpf.Register, off int) bpf.Instruction {
	return bpf.Instruction{Op: 0x61 | sizeBits[size], Dst: r, Src: s, Off: int16(off)}
}

func store(size int, r bpf.Register, off int, s bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: 0x63 | sizeBits[size], Dst: r, Src: s, Off: int16(off)}
}

// storeImm stores 8 bytes.
func storeImm(r bpf.Register, off int, v int32) bpf.Instruction {
	return bpf.Instruction{Op: 0x7a, Dst: r, Off: int16(off), Imm: v}
}

// skipUnless goes n instructions on if r is not 0.
func skipUnless(r bpf.Register, n int16) bpf.Instruction {
	return bpf.Instruction{Op: 0x55, Dst: r, Off: n}
}

var exit = bpf.Instruction{Op: bpf.OpcodeExit}

const endReached = "R9 !read_ok"

// place is what a program is loaded as.
type place struct {
	t      linux.ProgramType
	a      linux.AttachType
	target string // the kernel's function or type to attach to
}

func (p place) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%v/%v/%s", p.t, p.a, p.target), "/")
}

// attachesOf are the attach types that the kernel tells apart when it verifies.
var attachesOf = map[linux.ProgramType][]linux.AttachType{
	linux.ProgXDP:       {0, linux.AttachXDP, linux.AttachXDPDevmap, linux.AttachXDPCpumap},
	linux.ProgCgroupSKB: {linux.AttachCgroupInetIngress, linux.AttachCgroupInetEgress},
	linux.ProgCgroupSock: {
		linux.AttachCgroupInetSockCreate, linux.AttachCgroupInetSockRelease, linux.AttachCgroupInet4PostBind, linux.AttachCgroupInet6PostBind,
	},
	linux.ProgCgroupSockAddr: {
		linux.AttachCgroupInet4Bind, linux.AttachCgroupInet6Bind, linux.AttachCgroupInet4Connect, linux.AttachCgroupInet6Connect,
		linux.AttachCgroupUnixConnect, linux.AttachCgroupUDP4Sendmsg, linux.AttachCgroupUDP6Sendmsg, linux.AttachCgroupUnixSendmsg,
		linux.AttachCgroupUDP4Recvmsg, linux.AttachCgroupUDP6Recvmsg, linux.AttachCgroupUnixRecvmsg, linux.AttachCgroupInet4Getpeername,
		linux.AttachCgroupInet6Getpeername, linux.AttachCgroupUnixGetpeername, linux.AttachCgroupInet4Getsockname,
		linux.AttachCgroupInet6Getsockname, linux.AttachCgroupUnixGetsockname,
	},
	linux.ProgSockOps:       {linux.AttachCgroupSockOps},
	linux.ProgSkSKB:         {0, linux.AttachSkSKBStreamParser, linux.AttachSkSKBStreamVerdict, linux.AttachSkSKBVerdict},
	linux.ProgCgroupDevice:  {linux.AttachCgroupDevice},
	linux.ProgSkMsg:         {linux.AttachSkMsgVerdict},
	linux.ProgSkReuseport:   {linux.AttachSkReuseportSelect, linux.AttachSkReuseportSelectOrMigrate},
	linux.ProgFlowDissector: {linux.AttachFlowDissector},
	linux.ProgCgroupSysctl:  {linux.AttachCgroupSysctl},
	linux.ProgCgroupSockopt: {linux.AttachCgroupGetsockopt, linux.AttachCgroupSetsockopt},
	linux.ProgSkLookup:      {linux.AttachSkLookup},
	linux.ProgNetfilter:     {linux.AttachNetfilter},
	linux.ProgSchedCLS:      {0, linux.AttachTCXIngress, linux.AttachTCXEgress, linux.AttachNetkitPrimary, linux.AttachNetkitPeer},
	linux.ProgKprobe: {
		0, linux.AttachTraceKprobeMulti, linux.AttachTraceUprobeMulti, linux.AttachTraceKprobeSession, linux.AttachTraceUprobeSession,
	},
}

// needTarget are types whose programs can't be loaded without something to
// attach to.
var needTarget = map[linux.ProgramType]bool{
	linux.ProgTracing: true, linux.ProgStructOps: true, linux.ProgExt: true, linux.ProgLSM: true,
}

// targets are places of those types.
var targets = []place{
	{linux.ProgTracing, linux.AttachTraceRawTP, "btf_trace_sched_switch"},
	{linux.ProgTracing, linux.AttachTraceIter, "bpf_iter_tcp"},
	{linux.ProgTracing, linux.AttachTraceFentry, "bpf_fentry_test1"},
	{linux.ProgTracing, linux.AttachTraceFexit, "bpf_fentry_test1"},
	{linux.ProgTracing, linux.AttachModifyReturn, "bpf_modify_return_test"},
	{linux.ProgLSM, linux.AttachLSMMac, "bpf_lsm_file_open"},
	{linux.ProgLSM, linux.AttachLSMCgroup, "bpf_lsm_socket_bind"},
	{linux.ProgStructOps, 0, "tcp_congestion_ops"},
}

// prober loads probes.
type prober struct {
	t     *testing.T
	k     *kernel.Kernel
	maps  map[string]int // indexes by name
	loads int
	spec  *btf.Spec
	slice btf.TypeID // of the kernel's bpf_dynptr_slice, 0 for none
}

func newProber(t *testing.T, maps ...*bpf.Map) *prober {
	t.Helper()
	require.Kernel(t)
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(release), "6.18.") {
		t.Skipf("skipped: the tables are those of Linux 6.18, and this is %s", strings.TrimSpace(string(release)))
	}
	k, err := kernel.New(maps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	p := &prober{t: t, k: k, maps: map[string]int{}}
	for i, m := range maps {
		p.maps[m.Name] = i
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	p.spec = spec
	var slice *btf.Func
	if err := spec.TypeByName("bpf_dynptr_slice", &slice); err == nil {
		p.slice, err = spec.TypeID(slice)
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// answer is what the kernel said.
type answer struct {
	ok  bool
	log string
}

// says reports whether a line of the log begins with text.
func (a answer) says(text string) bool {
	return strings.HasPrefix(a.log, text) || strings.Contains(a.log, "\n"+text)
}

// reason is the last line that says something.
func (a answer) reason() string { return (&kernel.Error{Log: a.log}).Reason() }

// callback is a function that every helper with one takes.
var callback = []bpf.Instruction{imm(0, 0), exit}

// load gives the program to the kernel, and reports whether its end was reached.
// Every load of a function's address loads that of a callback.
func (p *prober) load(at place, license string, main ...bpf.Instruction) answer {
	p.t.Helper()
	if at.t == linux.ProgSyscall {
		return p.loadFlags(at, license, linux.FSleepable, main...)
	}
	return p.loadFlags(at, license, 0, main...)
}

// loadFlags does so with flags, linux.FSleepable and the like.
func (p *prober) loadFlags(at place, license string, flags uint32, main ...bpf.Instruction) answer {
	p.t.Helper()
	p.loads++
	main = append(append([]bpf.Instruction(nil), main...), mov(0, 9), exit)
	insns := main
	functions := []bpf.Function{{Name: "probe", Len: len(main)}}
	for i, in := range insns {
		if in.IsLoadImm64() && in.Src == bpf.PseudoFunc {
			insns[i].Imm = int32(len(main) - i - 1)
			if len(functions) == 1 {
				functions = append(functions, bpf.Function{Name: "callback", Start: len(main), Len: len(callback)})
				insns = append(insns, callback...)
			}
		}
	}
	return p.ask(at, &bpf.Program{Name: "probe", Type: at.t, Attach: at.a, Instructions: insns, Functions: functions},
		kernel.LoadOptions{License: license, LogLevel: 2, Flags: flags})
}

// ask loads a program that must be refused.
func (p *prober) ask(at place, program *bpf.Program, opts kernel.LoadOptions) answer {
	p.t.Helper()
	if at.target != "" {
		target, err := p.spec.AnyTypeByName(at.target)
		if err != nil {
			return answer{false, err.Error()}
		}
		id, err := p.spec.TypeID(target)
		if err != nil {
			p.t.Fatal(err)
		}
		opts.TargetBTF = uint32(id)
	}
	loaded, err := p.k.Load(program, opts)
	if err == nil {
		loaded.Close()
		p.t.Fatalf("%v: the kernel takes a program that reads a register it never wrote", at)
	}
	var refusal *kernel.Error
	if !errors.As(err, &refusal) {
		p.t.Fatal(err)
	}
	if refusal.Log == "" {
		return answer{false, refusal.Error()}
	}
	return answer{refusal.Reason() == endReached, refusal.Log}
}

// places are those where this kernel verifies programs, but for those of targets.
func (p *prober) places() []place {
	var all []place
	for _, t := range linux.ProgramTypes() {
		if needTarget[t] {
			continue
		}
		attaches := attachesOf[t]
		if attaches == nil {
			attaches = []linux.AttachType{0}
		}
		for _, a := range attaches {
			all = append(all, place{t: t, a: a})
		}
	}
	return p.loadable(all)
}

// loadable are those places where this kernel verifies programs.
func (p *prober) loadable(all []place) []place {
	var good []place
	for _, at := range all {
		got := p.load(at, "GPL")
		if !got.ok {
			p.t.Logf("not asked: %v, which this kernel refuses: %s", at, got.reason())
			continue
		}
		good = append(good, at)
	}
	return good
}
