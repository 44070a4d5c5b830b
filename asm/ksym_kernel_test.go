package asm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// kernelNames calls functions of the kernel and takes the addresses of its
// variables: some that are there, and some that are not and may be missing.
const kernelNames = `.license "GPL"
.extern bpf_dynptr_from_xdp, bpf_preempt_disable, bpf_preempt_enable, __start_rodata
.weak bpf_no_such_function, bpf_no_such_variable
.type bpf_no_such_variable, const void
.type bpf_no_such_function, int (u32 a, void *b)
.type twice, u64 (u32 n)
.type limits, struct limits {u32 low; u32 high}[2]
.program xdp, names
	r6 = r1
	call bpf_preempt_disable
	call bpf_preempt_enable
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -16
	call bpf_dynptr_from_xdp
	r1 = __start_rodata ll
	r2 = bpf_no_such_variable ll
	r7 = limits ll
	r7 = *(u32 *)(r7 + limits.high)
	if r2 == 0 goto 1f
	r1 = 1
	r2 = r6
	call bpf_no_such_function
1:	r1 = r7
	call twice
	r0 = XDP_PASS
	exit
.globl twice
.func twice
	r0 = r1
	r0 += r0
	exit
.rodata
limits:	.long 1, 2, 3, 4
`

// TestKernelNames loads a program that needs the kernel's own functions and
// variables, with both loaders, and looks for what became of them.
func TestKernelNames(t *testing.T) {
	require.Kernel(t)
	for _, opts := range []Options{{}, {NoDebug: true}} {
		file := assembled(t, "names.s", kernelNames, opts)
		if err := ciliumLoad(file); err != nil {
			t.Errorf("%+v: %+v", opts, err)
		}
		if opts.NoDebug { // the loaders leave a global function without types alone
			continue
		}
		require.Tools(t, "bpftool")
		out := xlated(t, file)
		for _, want := range []string{
			"int names(struct xdp_md * ctx):", "call bpf_preempt_disable#", "call bpf_dynptr_from_xdp#",
			"r2 = 0x0", "u64 twice(u32 n):",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
	}
}

// TestTypedKernelVariable loads a program that reads a variable of the kernel by
// its type, which cilium/ebpf has no way to do.
func TestTypedKernelVariable(t *testing.T) {
	require.Kernel(t)
	file := assembled(t, "typed.s", `.license "GPL"
.weak no_such_variable
.type no_such_variable, const struct {int a; u64 b}
.program xdp, typed
	r1 = no_such_variable ll
	if r1 == 0 goto out
	r1 = *(u32 *)(r1 + 0)
out:	r0 = XDP_PASS
	exit
`, Options{})
	if err := ciliumLoad(file); err == nil || !strings.Contains(err.Error(), "expected no_such_variable to be *Void") {
		t.Errorf("cilium/ebpf: %v", err)
	}
	require.Tools(t, "bpftool")
	if err := bpftoolLoad(t, file); err != nil {
		t.Error(err)
	}
}

func assembled(t *testing.T, name, src string, opts Options) []byte {
	t.Helper()
	img, diags := Assemble(name, []byte(src), opts)
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	file, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// xlated gives bpftool's listing, with source lines, of the one program of an
// object, as the kernel has it.
func xlated(t *testing.T, file []byte) string {
	t.Helper()
	obj := filepath.Join(t.TempDir(), "a.o")
	if err := os.WriteFile(obj, file, 0o644); err != nil {
		t.Fatal(err)
	}
	fs := t.TempDir()
	run(t, "mount", "-t", "bpf", "bpf", fs)
	defer run(t, "umount", fs)
	if out, err := exec.Command("bpftool", "prog", "load", obj, filepath.Join(fs, "p")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(fs, "p"), "linum").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestVerifierLog has the kernel refuse a program, and looks for the line of the
// source in its reasons.
func TestVerifierLog(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "bpftool")
	const src = ".license \"GPL\"\n.program xdp, broken\n\tr0 = *(u32 *)(r1 + 4096) # far behind\n\texit\n"
	for _, opts := range []Options{{}, {NoDebug: true}} {
		err := bpftoolLoad(t, assembled(t, "broken.s", src, opts))
		if err == nil {
			t.Fatal("the kernel takes the program")
		}
		line := "; r0 = *(u32 *)(r1 + 4096) # far behind @ broken.s:3"
		if said := strings.Contains(err.Error(), line); said == opts.NoDebug {
			t.Errorf("%+v: %q said: %v, in\n%v", opts, line, said, err)
		}
	}
}

// TestIPRoute2 has ip attach a program that has maps to a network device.
func TestIPRoute2(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "ip", "nsenter")
	const src = `.license "GPL"
.map counts, type=percpu_array, value=u64, max_entries=1
.map flows, type=lru_hash, key=struct flow {be32 source, be16 port}, value={u64 packets, u64 bytes}, max_entries=16
.map jumps, type=prog_array, values={count}
.program xdp, count
	*(u32 *)(r10 - 4) = 0
	r1 = counts ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1
	r1 = seen ll
	*(u32 *)(r1 + 0) = 1
out:	r0 = XDP_PASS
	exit
.bss
seen:	.zero 4
`
	obj := filepath.Join(t.TempDir(), "a.o")
	if err := os.WriteFile(obj, assembled(t, "count.s", src, Options{}), 0o644); err != nil {
		t.Fatal(err)
	}
	ns := "asm" + filepath.Base(filepath.Dir(obj))
	run(t, "ip", "netns", "add", ns)
	defer run(t, "ip", "netns", "del", ns)
	in := []string{"--net=/run/netns/" + ns, "ip"}
	run(t, "nsenter", append(in, "link", "add", "near", "type", "veth", "peer", "name", "far")...)
	out, err := exec.Command("nsenter", append(in, "-force", "link", "set", "dev", "near", "xdpgeneric", "object", obj, "section", "xdp")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err = exec.Command("nsenter", append(in, "-details", "link", "show", "dev", "near")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "prog/xdp") {
		t.Errorf("%v: no program in\n%s", err, out)
	}
}
