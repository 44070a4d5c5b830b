package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/internal/cli"
	"ebtools/internal/require"
)

// againstKernel runs ebrun --against-kernel on a capture of 337 packets.
func againstKernel(t *testing.T, program string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	if !strings.HasSuffix(program, ".s") {
		name := filepath.Join(t.TempDir(), "p.s")
		if err := os.WriteFile(name, []byte(".license \"GPL\"\n"+program), 0o644); err != nil {
			t.Fatal(err)
		}
		program = name
	}
	var out, errs bytes.Buffer
	args := append([]string{"--against-kernel", "--pcap", "../../testdata/captures/mixed.pcap", program}, flags...)
	code = command().Main(&cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

// TestAgainstKernel compares the gallery.
func TestAgainstKernel(t *testing.T) {
	require.Kernel(t)
	programs, err := filepath.Glob("../../programs/*/xdp_*.s")
	if err != nil || len(programs) == 0 {
		t.Fatal("no programs", err)
	}
	for _, p := range programs {
		code, out, errs := againstKernel(t, p)
		if code != cli.OK || !strings.Contains(out, ": 0 of 337 packets differ\n") || !strings.Contains(out, "\nmaps: the same each time") {
			t.Errorf("%s: exit code %d\n%s%s", p, code, out, errs)
		}
	}
}

// TestAgainstKernelDiffers: the time is not what the capture says.
func TestAgainstKernelDiffers(t *testing.T) {
	require.Kernel(t)
	const clock = `.program xdp, clock
	call bpf_ktime_get_ns
	r0 >>= 55
	r0 += 1
	exit
`
	code, out, errs := againstKernel(t, clock)
	if code != cli.Failed || !strings.Contains(out, "note: program clock calls bpf_ktime_get_ns: what depends on that differs by nature") ||
		!strings.Contains(out, "clock (xdp): 337 of 337 packets differ\n  packet 1: verdict: the kernel has XDP_DROP, the vm ") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	code, out, _ = againstKernel(t, clock, "--json")
	var c comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != cli.Failed {
		t.Fatal(code, err)
	}
	if p := c.Programs[0]; p.Differ != 337 || len(p.Differences) != mostDifferences || p.Differences[1].Packet != 2 || p.Differences[0].Kernel != "XDP_DROP" {
		t.Errorf("%+v", p)
	}
}

// TestAgainstKernelRefused: what the kernel's verifier says ends it.
func TestAgainstKernelRefused(t *testing.T) {
	require.Kernel(t)
	code, out, errs := againstKernel(t, ".program xdp, bad\n\tr0 = *(u64 *)(r1 + 64)\n\texit\n", "--unchecked")
	if code != cli.Rejected || !strings.Contains(errs, "invalid bpf_context access off=64 size=8") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
