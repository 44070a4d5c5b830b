package asm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"ebtools/internal/require"
)

// TestKernel loads assembled objects with bpftool, which is libbpf.
func TestKernel(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "bpftool")
	for _, path := range glob(t, "testdata/*.s", "../programs/*/*.s") {
		for _, opts := range []Options{{}, {NoDebug: true}} {
			name := filepath.Base(path)
			if opts.NoDebug {
				name += " without debug"
			}
			t.Run(name, func(t *testing.T) {
				src, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				img, diags := Assemble(path, src, opts)
				if img == nil {
					t.Fatal(rendered(t, diags))
				}
				file, err := img.Write()
				if err != nil {
					t.Fatal(err)
				}
				loadIntoKernel(t, file)
			})
		}
	}
}

// loadIntoKernel loads an object with bpftool, or fails the test.
func loadIntoKernel(t *testing.T, file []byte) {
	t.Helper()
	if err := bpftoolLoad(t, file); err != nil {
		t.Fatal(err)
	}
}

// TestKernelCilium loads the same objects through cilium/ebpf.
func TestKernelCilium(t *testing.T) {
	require.Kernel(t)
	for _, path := range glob(t, "testdata/*.s", "../programs/*/*.s") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			img, diags := Assemble(path, src, Options{})
			if img == nil {
				t.Fatal(rendered(t, diags))
			}
			file, err := img.Write()
			if err != nil {
				t.Fatal(err)
			}
			spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			loaded.Close()
		})
	}
}

// TestLinesInKernel looks for the source in what the kernel has of a program.
func TestLinesInKernel(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "bpftool")
	src := ".license \"GPL\"\n.program xdp, f\n\tr0 = XDP_PASS # the verdict\n\tcall g\n\texit\n.func g\n\tr0 = 1\n\texit\n"
	img, diags := Assemble("lines.s", []byte(src), Options{})
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	file, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	obj := filepath.Join(t.TempDir(), "a.o")
	if err := os.WriteFile(obj, file, 0o644); err != nil {
		t.Fatal(err)
	}
	fs := t.TempDir()
	run(t, "mount", "-t", "bpf", "bpf", fs)
	defer run(t, "umount", fs)
	run(t, "bpftool", "prog", "load", obj, filepath.Join(fs, "f"))
	out, err := exec.Command("bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(fs, "f"), "linum").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"int f(struct xdp_md * ctx):", "r0 = XDP_PASS # the verdict [file:lines.s line_num:3 line_col:2]",
		"int g():", "; r0 = 1 [file:lines.s line_num:7",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
