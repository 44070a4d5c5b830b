package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ebtools/internal/require"
)

var dotNode = regexp.MustCompile(`(?m)^\s*"?p\d+_f\d+_b\d+"?\s+\[`)

// TestGraphvizReads gives graphs to dot: it takes them without a warning, and
// finds the same nodes.
func TestGraphvizReads(t *testing.T) {
	require.Tools(t, "dot")
	nodes := 0
	for _, name := range corpus(t, 10) {
		_, graph, _ := dumpOf(nil, "--dot", "--source", "--btf", "../../testdata/objects/xdp_count.o", name)
		var stderr strings.Builder
		cmd := exec.Command("dot", "-Tcanon")
		cmd.Stdin, cmd.Stderr = strings.NewReader(graph), &stderr
		out, err := cmd.Output()
		if err != nil || stderr.Len() > 0 {
			t.Errorf("%s: %v: %s", name, err, stderr.String())
			continue
		}
		want, got := len(dotNode.FindAllString(graph, -1)), len(dotNode.FindAllString(string(out), -1))
		if want != got {
			t.Errorf("%s: dot finds %d nodes of %d", name, got, want)
		}
		nodes += got
	}
	t.Logf("%d nodes", nodes)
}
