package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// writeHead says where this was measured, and by what.
func writeHead(w io.Writer) {
	profile := "no profile: not what go build makes of ebrun"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-pgo" && s.Value != "" {
				profile = "built with ebrun's profile"
			}
		}
	}
	fmt.Fprintf(w, `# Performance

Written by this command, not by hand; both sides of a comparison take turns within one run of it, and times are medians.

    go run -pgo cmd/ebrun/default.pgo ./bench -o docs/performance.md

Measured on %s, Linux %s, with %s, %s.

`, fileField("/proc/cpuinfo", "model name"), strings.TrimSpace(fileText("/proc/sys/kernel/osrelease")), runtime.Version(), profile)
}

func fileText(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return "?"
	}
	return string(b)
}

// fileField gives what follows a name and a colon in a file.
func fileField(name, field string) string {
	for line := range strings.Lines(fileText(name)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == field {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}

// ofGoal are the workloads whose mean ratio is watched.
var ofGoal = []string{"xorshift", "csum", "memrw", "rc4", "parse"}

func writeWorkloads(w io.Writer, all []workload) {
	fmt.Fprint(w, `## Beside the kernel's JIT

Nanoseconds a run; the kernel's are what it reports of BPF_PROG_TEST_RUN (bench/workloads/workloads.c, clang -O2). Lookups are
1000 a run, with the loop around them.

| workload | what it does | here | kernel | ratio |
|---|---|--:|--:|--:|
`)
	product, n := 1.0, 0
	reasons := map[string][]string{}
	for i := range all {
		l := &all[i]
		ours := median(l.ours)
		if l.kernel == nil {
			fmt.Fprintf(w, "| %s | %s | %.0f | - | - |\n", l.name, l.about, ours)
			reasons[l.why] = append(reasons[l.why], l.name)
			continue
		}
		ratio := ours / median(l.theirs)
		fmt.Fprintf(w, "| %s | %s | %.0f | %.0f | %.2f |\n", l.name, l.about, ours, median(l.theirs), ratio)
		if slices.Contains(ofGoal, l.name) {
			product *= ratio
			n++
		}
	}
	fmt.Fprintln(w)
	if n > 0 {
		fmt.Fprintf(w, "Geometric mean of the ratios of %s: %.2f.\n\n", strings.Join(ofGoal, ", "), math.Pow(product, 1/float64(n)))
	}
	for why, names := range reasons {
		fmt.Fprintf(w, "Not measured in the kernel: %s (%s).\n\n", strings.Join(names, ", "), why)
	}
}

// write gives the times of the commands.
func (c *commands) write(w io.Writer) {
	fmt.Fprintf(w, `## Beside tcpdump

A capture of %d packets, %d MB, from the page cache; milliseconds, processes as a whole.

| command | ms |
|---|--:|
| ebrun --pcap FILE xdp_drop_icmp.s | %.0f |
`, c.packets, c.bytes/1e6, median(c.ebrun))
	if c.why == "" {
		fmt.Fprintf(w, "| tcpdump -r FILE icmp -w /dev/null | %.0f |\n", median(c.tcpdump))
	}
	fmt.Fprintf(w, "| ebrun on one packet | %.1f |\n\n", median(c.onePacket))
	if c.why == "" {
		fmt.Fprintf(w, "ebrun is %.2f times as fast.\n", median(c.tcpdump)/median(c.ebrun))
	} else {
		fmt.Fprintf(w, "tcpdump was not measured: %s.\n", c.why)
	}
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
