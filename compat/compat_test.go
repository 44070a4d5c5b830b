package compat_test

import (
	"fmt"
	"strings"
	"testing"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/elf"
)

// feature is a program that needs one thing.
type feature struct {
	name    string
	section string // xdp if empty
	decl    string // before the program
	body    string // r0 = 0 and exit follow
	tail    string // behind the program
	oldest  string
	kind    compat.Kind
	what    string // name of the need that has oldest
	// refused says why a kernel that has everything refuses the program still, as
	// its log does; the program is here for one thing, and not a useful one.
	refused string
}

const array = ".map m, type=array, key=u32, value=u64, max_entries=1\n"

// lookup leaves the address of a value in r0.
const lookup = `
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = m ll
	call bpf_map_lookup_elem
	if r0 == 0 goto out
`

const out = "\nout:\n"

func mapOf(typ, rest string) string {
	return fmt.Sprintf(".map m, type=%s, key=u32, value=u64, max_entries=1%s\n", typ, rest)
}

const useLookup = lookup + out

const reserve = "\tr1 = m ll\n\tr2 = 8\n\tr3 = 0\n\tcall bpf_ringbuf_reserve\n\tif r0 == 0 goto out\n\tr1 = r0\n\tr2 = 0\n\tcall bpf_ringbuf_submit" + out

var ringbuf = ".map m, type=ringbuf, max_entries=4096\n"

var features = []feature{
	// Types, attach types and sections.
	{name: "socket filter", section: "socket", oldest: "3.19", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SOCKET_FILTER"},
	{name: "kprobe", section: "kprobe/do_unlinkat", oldest: "4.1", kind: compat.ProgramType, what: "BPF_PROG_TYPE_KPROBE"},
	{name: "tc", section: "tc", oldest: "4.1", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SCHED_CLS"},
	{name: "uprobe", section: "uprobe//bin/sh:main", oldest: "4.3", kind: compat.Section, what: "uprobe"},
	{name: "tracepoint", section: "tp/sched/sched_switch", oldest: "4.7", kind: compat.ProgramType, what: "BPF_PROG_TYPE_TRACEPOINT"},
	{name: "xdp", oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "perf event", section: "perf_event", oldest: "4.9", kind: compat.ProgramType, what: "BPF_PROG_TYPE_PERF_EVENT"},
	{name: "cgroup skb", section: "cgroup_skb/egress", oldest: "4.10", kind: compat.ProgramType, what: "BPF_PROG_TYPE_CGROUP_SKB", refused: "R0"},
	{name: "sock ops", section: "sockops", oldest: "4.13", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SOCK_OPS"},
	{name: "connect4", section: "cgroup/connect4", oldest: "4.17", kind: compat.AttachType, what: "BPF_CGROUP_INET4_CONNECT"},
	{name: "sendmsg6", section: "cgroup/sendmsg6", oldest: "4.18", kind: compat.AttachType, what: "BPF_CGROUP_UDP6_SENDMSG"},
	{name: "recvmsg4", section: "cgroup/recvmsg4", oldest: "5.2", kind: compat.AttachType, what: "BPF_CGROUP_UDP4_RECVMSG", refused: "R0"},
	{name: "sysctl", section: "cgroup/sysctl", oldest: "5.2", kind: compat.ProgramType, what: "BPF_PROG_TYPE_CGROUP_SYSCTL"},
	{name: "sockopt", section: "cgroup/getsockopt", oldest: "5.3", kind: compat.ProgramType, what: "BPF_PROG_TYPE_CGROUP_SOCKOPT"},
	{name: "fentry", section: "fentry/do_unlinkat", oldest: "5.5", kind: compat.AttachType, what: "BPF_TRACE_FENTRY"},
	{name: "tp_btf", section: "tp_btf/sched_switch", oldest: "5.5", kind: compat.AttachType, what: "BPF_TRACE_RAW_TP"},
	{name: "fmod_ret", section: "fmod_ret/bpf_modify_return_test", oldest: "5.7", kind: compat.AttachType, what: "BPF_MODIFY_RETURN"},
	{name: "lsm", section: "lsm/file_open", oldest: "5.7", kind: compat.ProgramType, what: "BPF_PROG_TYPE_LSM"},
	{name: "iter task", section: "iter/task", oldest: "5.8", kind: compat.Target, what: "iter/task"},
	{name: "iter ksym", section: "iter/ksym", oldest: "6.0", kind: compat.Target, what: "iter/ksym"},
	{name: "xdp devmap", section: "xdp/devmap", oldest: "5.8", kind: compat.AttachType, what: "BPF_XDP_DEVMAP"},
	{name: "xdp cpumap", section: "xdp/cpumap", oldest: "5.9", kind: compat.AttachType, what: "BPF_XDP_CPUMAP"},
	{name: "sk_lookup", section: "sk_lookup", oldest: "5.9", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SK_LOOKUP"},
	{name: "sleepable lsm", section: "lsm.s/bpf", oldest: "5.10", kind: compat.Section, what: "lsm.s"},
	{name: "sleepable fentry", section: "fentry.s/bpf_fentry_test1", oldest: "5.10", kind: compat.Section, what: "fentry.s"},
	{name: "sk_skb verdict", section: "sk_skb/verdict", oldest: "5.13", kind: compat.AttachType, what: "BPF_SK_SKB_VERDICT"},
	{name: "syscall", section: "syscall", oldest: "5.14", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SYSCALL"},
	{name: "reuseport migrate", section: "sk_reuseport/migrate", oldest: "5.14", kind: compat.AttachType, what: "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE"},
	{name: "reuseport", section: "sk_reuseport", oldest: "4.19", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SK_REUSEPORT"},
	{name: "kprobe.multi", section: "kprobe.multi/vfs_*", oldest: "5.18", kind: compat.AttachType, what: "BPF_TRACE_KPROBE_MULTI"},
	{name: "frags", section: "xdp.frags", oldest: "5.18", kind: compat.Section, what: "xdp.frags"},
	{name: "sleepable iter", section: "iter.s/task", oldest: "5.18", kind: compat.Section, what: "iter.s"},
	{name: "sleepable uprobe", section: "uprobe.s//bin/sh:main", oldest: "6.0", kind: compat.Section, what: "uprobe.s"},
	{name: "netfilter", section: "netfilter", oldest: "6.4", kind: compat.ProgramType, what: "BPF_PROG_TYPE_NETFILTER"},
	{name: "tcx", section: "tcx/ingress", oldest: "6.6", kind: compat.AttachType, what: "BPF_TCX_INGRESS"},
	{name: "tc/ingress", section: "tc/ingress", oldest: "4.1", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SCHED_CLS"},
	{name: "uprobe.multi", section: "uprobe.multi//bin/sh:main", oldest: "6.6", kind: compat.AttachType, what: "BPF_TRACE_UPROBE_MULTI"},
	{name: "connect_unix", section: "cgroup/connect_unix", oldest: "6.7", kind: compat.AttachType, what: "BPF_CGROUP_UNIX_CONNECT"},
	{name: "netkit", section: "netkit/primary", oldest: "6.7", kind: compat.AttachType, what: "BPF_NETKIT_PRIMARY"},
	{name: "kprobe.session", section: "kprobe.session/vfs_*", oldest: "6.10", kind: compat.AttachType, what: "BPF_TRACE_KPROBE_SESSION"},

	// Instructions.
	{name: "jump on less", body: "r1 = 1\nif r1 < 2 goto out" + out, oldest: "4.14", kind: compat.Instruction, what: "jumps on less-than"},
	{name: "32-bit shift", body: "w1 = 1\nw1 s>>= 1", oldest: "5.0", kind: compat.Instruction, what: "32-bit arithmetic shift right"},
	{name: "32-bit jump", body: "w1 = 1\nif w1 == 2 goto out" + out, oldest: "5.1", kind: compat.Instruction, what: "32-bit jumps"},
	{name: "32-bit jump on less", body: "w1 = 1\nif w1 < 2 goto out" + out, oldest: "5.1", kind: compat.Instruction, what: "32-bit jumps"},
	{name: "atomic add", body: "r1 = 1\n*(u64 *)(r10 - 8) = r1\nlock *(u64 *)(r10 - 8) += r1", oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "atomic or", body: "r1 = 1\n*(u64 *)(r10 - 8) = r1\nlock *(u64 *)(r10 - 8) |= r1", oldest: "5.12", kind: compat.Instruction, what: "fetching and bitwise atomics"},
	{name: "fetch add", body: "r1 = 1\n*(u64 *)(r10 - 8) = r1\nr1 = atomic_fetch_add((u64 *)(r10 - 8), r1)", oldest: "5.12", kind: compat.Instruction, what: "fetching and bitwise atomics"},
	{name: "movsx", body: "r1 = 1\nr1 = (s8)r1", oldest: "6.6", kind: compat.Instruction, what: "instruction set v4"},
	{name: "ldsx", body: "r1 = 1\n*(u64 *)(r10 - 8) = r1\nr1 = *(s8 *)(r10 - 8)", oldest: "6.6", kind: compat.Instruction, what: "instruction set v4"},
	{name: "sdiv", body: "r1 = 4\nr1 s/= 2", oldest: "6.6", kind: compat.Instruction, what: "instruction set v4"},
	{name: "bswap", body: "r1 = 4\nr1 = bswap32 r1", oldest: "6.6", kind: compat.Instruction, what: "instruction set v4"},
	{name: "gotol", body: "gotol out" + out, oldest: "6.6", kind: compat.Instruction, what: "instruction set v4"},
	{name: "may_goto", body: "1: may_goto out\ngoto 1b" + out, oldest: "6.9", kind: compat.Instruction, what: "may_goto"},
	{name: "load_acquire", body: "r1 = 1\n*(u64 *)(r10 - 8) = r1\nr2 = load_acquire((u64 *)(r10 - 8))", oldest: "6.15", kind: compat.Instruction, what: "load_acquire and store_release"},
	{name: "store_release", body: "r1 = 1\nstore_release((u64 *)(r10 - 8), r1)", oldest: "6.15", kind: compat.Instruction, what: "load_acquire and store_release"},
	{name: "callx", body: ".byte 0x8d, 0, 0, 0, 0, 0, 0, 0", oldest: "unknown", kind: compat.Instruction, what: "callx r0", refused: "unknown opcode 8d"},
	{name: "no instruction", body: ".byte 0x0f, 0x10, 1, 0, 0, 0, 0, 0", oldest: "unknown", kind: compat.Instruction, what: "opcode 0x0f", refused: "BPF_ALU uses reserved fields"},
	{name: "legacy load", section: "socket", body: "r6 = r1\nr0 = *(u8 *)skb[0]", oldest: "3.19", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SOCKET_FILTER"},

	// The shape of programs.
	{name: "loop", body: "r1 = 0\n1: r1 += 1\nif r1 != 4 goto 1b", oldest: "5.3", kind: compat.Loop, what: "bounded loops"},
	{name: "jump back without a loop", body: "goto 2f\n1: r1 = 1\ngoto out\n2: r1 = 2\ngoto 1b" + out, oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "4096 instructions", body: ".rept 4094\nr1 = 0\n.endr", oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "4097 instructions", body: ".rept 4095\nr1 = 0\n.endr", oldest: "5.2", kind: compat.ProgramSize, what: "more than 4096 instructions"},
	{name: "call", body: "call f", tail: "\n.text\n.type f, @function\nf:\nr0 = 1\nexit\n", oldest: "4.16", kind: compat.Call, what: "calls between functions"},
	{
		name: "tail call beside a call", decl: ".map m, type=prog_array, key=u32, value=u32, max_entries=1\n", body: "r6 = r1\ncall f\nr1 = r6\nr2 = m ll\nr3 = 0\ncall bpf_tail_call",
		tail: "\n.text\n.type f, @function\nf:\nr0 = 1\nexit\n", oldest: "5.10", kind: compat.Call, what: "tail calls beside calls between functions",
	},
	{
		name: "legacy load beside a call", section: "socket", body: "r6 = r1\ncall f\nr0 = *(u8 *)skb[0]",
		tail: "\n.text\n.type f, @function\nf:\nr0 = 1\nexit\n", oldest: "5.10", kind: compat.Call, what: "legacy packet loads beside calls between functions",
	},
	{
		name: "callback", body: "r1 = 4\nr2 = f ll\nr3 = 0\nr4 = 0\ncall bpf_loop",
		tail: "\n.text\n.type f, @function\nf:\nr0 = 0\nexit\n", oldest: "5.17", kind: compat.Helper, what: "bpf_loop",
	},
	{
		name: "private stack", section: "kprobe/do_unlinkat", body: "r1 = 0\n*(u64 *)(r10 - 400) = r1\ncall f",
		tail: "\n.text\n.type f, @function\nf:\nr1 = 0\n*(u64 *)(r10 - 400) = r1\nr0 = 0\nexit\n", oldest: "6.13", kind: compat.Stack, what: "private stack",
	},
	{
		name: "stack of two frames", section: "kprobe/do_unlinkat", body: "r1 = 0\n*(u64 *)(r10 - 256) = r1\ncall f",
		tail: "\n.text\n.type f, @function\nf:\nr1 = 0\n*(u64 *)(r10 - 256) = r1\nr0 = 0\nexit\n", oldest: "4.16", kind: compat.Call, what: "calls between functions",
	},

	// Helpers, and what a type may call later than others.
	{name: "prandom", body: "call bpf_get_prandom_u32", oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "ktime in a socket filter", section: "socket", body: "call bpf_ktime_get_ns", oldest: "4.2", kind: compat.Helper, what: "bpf_ktime_get_ns"},
	{name: "ktime in a kprobe", section: "kprobe/do_unlinkat", body: "call bpf_ktime_get_ns", oldest: "4.1", kind: compat.ProgramType, what: "BPF_PROG_TYPE_KPROBE"},
	{name: "redirect in xdp", body: "r1 = 1\nr2 = 0\ncall bpf_redirect", oldest: "4.14", kind: compat.Helper, what: "bpf_redirect"},
	{name: "boot time", body: "call bpf_ktime_get_boot_ns", oldest: "5.8", kind: compat.Helper, what: "bpf_ktime_get_boot_ns"},
	{name: "current task in xdp", body: "call bpf_get_current_task", oldest: "5.8", kind: compat.Helper, what: "bpf_get_current_task"},
	{name: "current task in a kprobe", section: "kprobe/do_unlinkat", body: "call bpf_get_current_task", oldest: "4.8", kind: compat.Helper, what: "bpf_get_current_task"},
	{name: "cgroup id in tc", section: "tc", body: "call bpf_get_current_cgroup_id", oldest: "6.4", kind: compat.Helper, what: "bpf_get_current_cgroup_id"},
	{name: "cgroup id in a kprobe", section: "kprobe/do_unlinkat", body: "call bpf_get_current_cgroup_id", oldest: "4.18", kind: compat.Helper, what: "bpf_get_current_cgroup_id"},
	{name: "pid in xdp", body: "call bpf_get_current_pid_tgid", oldest: "6.10", kind: compat.Helper, what: "bpf_get_current_pid_tgid"},
	{name: "pid in connect4", section: "cgroup/connect4", body: "call bpf_get_current_pid_tgid", oldest: "5.7", kind: compat.Helper, what: "bpf_get_current_pid_tgid"},
	{name: "netns cookie in tc", section: "tc", body: "r1 = 0\ncall bpf_get_netns_cookie", oldest: "6.13", kind: compat.Helper, what: "bpf_get_netns_cookie"},
	{name: "attach cookie in fentry", section: "fentry/bpf_fentry_test1", body: "call bpf_get_attach_cookie", oldest: "5.19", kind: compat.Helper, what: "bpf_get_attach_cookie"},
	{name: "attach cookie in a kprobe", section: "kprobe/do_unlinkat", body: "call bpf_get_attach_cookie", oldest: "5.15", kind: compat.Helper, what: "bpf_get_attach_cookie"},
	{name: "tai time", body: "call bpf_ktime_get_tai_ns", oldest: "6.1", kind: compat.Helper, what: "bpf_ktime_get_tai_ns"},
	{name: "no helper", body: "call 9999", oldest: "unknown", kind: compat.Helper, what: "helper 9999", refused: "invalid func unknown#9999"},

	// Maps.
	{name: "array", decl: array, body: useLookup, oldest: "4.8", kind: compat.ProgramType, what: "BPF_PROG_TYPE_XDP"},
	{name: "lru hash", decl: mapOf("lru_hash", ""), body: useLookup, oldest: "4.10", kind: compat.MapType, what: "BPF_MAP_TYPE_LRU_HASH"},
	{name: "numa node", decl: mapOf("hash", ", flags=BPF_F_NUMA_NODE"), body: useLookup, oldest: "4.14", kind: compat.MapFlag, what: "BPF_F_NUMA_NODE"},
	{name: "rdonly", decl: mapOf("hash", ", flags=BPF_F_RDONLY"), body: useLookup, oldest: "4.15", kind: compat.MapFlag, what: "BPF_F_RDONLY"},
	{name: "zero seed", decl: mapOf("hash", ", flags=BPF_F_ZERO_SEED"), body: useLookup, oldest: "5.0", kind: compat.MapFlag, what: "BPF_F_ZERO_SEED"},
	{name: "rdonly_prog", decl: mapOf("array", ", flags=BPF_F_RDONLY_PROG"), body: useLookup, oldest: "5.2", kind: compat.MapFlag, what: "BPF_F_RDONLY_PROG"},
	{name: "mmapable", decl: mapOf("array", ", flags=BPF_F_MMAPABLE"), body: useLookup, oldest: "5.5", kind: compat.MapFlag, what: "BPF_F_MMAPABLE"},
	{name: "inner map", decl: mapOf("array", ", flags=BPF_F_INNER_MAP"), body: useLookup, oldest: "5.10", kind: compat.MapFlag, what: "BPF_F_INNER_MAP"},
	{name: "no such flag", decl: mapOf("array", ", flags=0x80000000"), body: useLookup, oldest: "unknown", kind: compat.MapFlag, what: "map flags 0x80000000", refused: "map create"},
	{name: "ringbuf", decl: ringbuf, body: reserve, oldest: "5.8", kind: compat.MapType, what: "BPF_MAP_TYPE_RINGBUF"},
	{name: "no such map type", decl: mapOf("99", ""), body: useLookup, oldest: "unknown", kind: compat.MapType, what: "map_type(99)", refused: "map create"},
	{
		name: "spin lock", decl: ".map m, type=array, key=u32, value={struct bpf_spin_lock lock, u32 x}, max_entries=1\n",
		body: lookup + "r6 = r0\nr1 = r0\ncall bpf_spin_lock\nr1 = r6\ncall bpf_spin_unlock" + out, oldest: "5.1", kind: compat.MapField, what: "struct bpf_spin_lock",
	},
	{
		name: "timer", decl: ".map m, type=array, key=u32, value={struct bpf_timer t}, max_entries=1\n",
		body: useLookup, oldest: "5.15", kind: compat.MapField, what: "struct bpf_timer",
	},
	{
		name: "workqueue", decl: ".map m, type=array, key=u32, value={struct bpf_wq w}, max_entries=1\n",
		body: useLookup, oldest: "6.10", kind: compat.MapField, what: "struct bpf_wq",
	},
	{name: "variable", decl: ".data\n.type v, u64\n.globl v\nv: .quad 1\n.size v, 8\n", body: "r1 = v ll\nr1 = *(u64 *)(r1 + 0)", oldest: "5.2", kind: compat.GlobalData, what: ".data"},
	{name: "constant", decl: ".section .rodata,\"a\",@progbits\n.type v, u64\n.globl v\nv: .quad 1\n.size v, 8\n", body: "r1 = v ll\nr1 = *(u64 *)(r1 + 0)", oldest: "5.2", kind: compat.GlobalData, what: ".rodata"},

	// Functions of the kernel.
	{name: "kfunc", section: "tc", decl: ".extern bpf_rcu_read_lock\n.extern bpf_rcu_read_unlock\n", body: "call bpf_rcu_read_lock\ncall bpf_rcu_read_unlock", oldest: "6.2", kind: compat.Kfunc, what: "bpf_rcu_read_lock"},
	{name: "kfunc in a tracepoint", section: "tp/sched/sched_switch", decl: ".extern bpf_cpumask_create\n.extern bpf_cpumask_release\n", body: "call bpf_cpumask_create\nif r0 == 0 goto out\nr1 = r0\ncall bpf_cpumask_release" + out, oldest: "6.12", kind: compat.Kfunc, what: "bpf_cpumask_create"},
	{name: "weak kfunc", section: "tc", decl: ".weak bpf_rcu_read_lock\n.weak bpf_rcu_read_unlock\n", body: "r1 = bpf_rcu_read_lock ll\nif r1 == 0 goto out\ncall bpf_rcu_read_lock\ncall bpf_rcu_read_unlock" + out, oldest: "4.1", kind: compat.ProgramType, what: "BPF_PROG_TYPE_SCHED_CLS"},
	{name: "weak kfunc without asking", section: "tc", decl: ".weak bpf_rcu_read_lock\n.weak bpf_rcu_read_unlock\n", body: "call bpf_rcu_read_lock\ncall bpf_rcu_read_unlock", oldest: "6.2", kind: compat.Kfunc, what: "bpf_rcu_read_lock"},
	{name: "seccomp", section: "seccomp", oldest: "3.5", kind: compat.ProgramType, what: "seccomp", refused: "seccomp"},
}

// source is the assembly of the program.
func (f feature) source() string {
	section := f.section
	if section == "" {
		section = "xdp"
	}
	return ".license \"GPL\"\n" + f.decl + ".program \"" + section + "\", prog\n" + f.body + "\nr0 = 0\nexit\n" + f.tail
}

func (f feature) load(t testing.TB) (*elf.Image, *bpf.Object) {
	t.Helper()
	img, problems := asm.Assemble(f.name+".s", []byte(f.source()), asm.Options{})
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\n%s", err, f.source())
	}
	obj, problems, err := elf.Load(img, f.name, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if len(obj.Programs) != 1 {
		t.Fatalf("%d programs", len(obj.Programs))
	}
	return img, obj
}

func text(needs []compat.Need) string {
	var b strings.Builder
	for _, n := range needs {
		fmt.Fprintf(&b, "\t%v\t%s %s, optional %v, at insn %d line %d: %s\n", n.Since, n.Kind, n.Name, n.Optional, n.PC, n.Line.Pos.Line, n.Detail)
	}
	return b.String()
}

func TestFeatures(t *testing.T) {
	for _, f := range features {
		t.Run(f.name, func(t *testing.T) {
			_, obj := f.load(t)
			needs := compat.Of(obj, obj.Programs[0])
			if got := compat.Oldest(needs).String(); got != f.oldest {
				t.Errorf("oldest is %s, want %s\n%s", got, f.oldest, text(needs))
			}
			for _, n := range needs {
				if n.Kind == f.kind && n.Name == f.what {
					if n.Optional || n.Since != compat.Oldest(needs) && f.kind != compat.Kfunc {
						t.Errorf("%s %s is of %v and optional is %v", n.Kind, n.Name, n.Since, n.Optional)
					}
					if n.PC != bpf.NoPC && n.Line.Pos.Line == 0 {
						t.Errorf("%s %s has no source line", n.Kind, n.Name)
					}
					return
				}
			}
			t.Errorf("%s %s is not needed:\n%s", f.kind, f.what, text(needs))
		})
	}
}

func TestOldestAndTooNew(t *testing.T) {
	v := func(major, minor uint8) linux.Version { return linux.Version{Major: major, Minor: minor} }
	needs := []compat.Need{
		{Since: v(6, 1), Name: "a", Optional: true},
		{Since: v(5, 8), Name: "b"},
		{Since: v(4, 8), Name: "c"},
	}
	if got := compat.Oldest(needs); got != v(5, 8) {
		t.Errorf("oldest is %v", got)
	}
	if got := compat.TooNew(needs, v(5, 4)); len(got) != 1 || got[0].Name != "b" {
		t.Errorf("too new for 5.4: %v", got)
	}
	if got := compat.TooNew(needs, v(5, 8)); got != nil {
		t.Errorf("too new for 5.8: %v", got)
	}
	needs = append(needs, compat.Need{Name: "d"})
	if got := compat.Oldest(needs); got != (linux.Version{}) {
		t.Errorf("with something that no release has, oldest is %v", got)
	}
	if got := compat.TooNew(needs, v(255, 0)); len(got) != 1 || got[0].Name != "d" {
		t.Errorf("too new for any: %v", got)
	}
	if got := compat.Oldest(nil); got != v(3, 19) {
		t.Errorf("oldest of nothing is %v", got)
	}
}
