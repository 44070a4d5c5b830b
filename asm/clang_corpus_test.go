package asm

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// clangSource is a program in C and what clang needs to know to compile it.
type clangSource struct {
	path  string
	flags []string
}

// clangSources lists the sources at hand: our own, then those of the corpus.
func clangSources(t *testing.T) (own, corpus []clangSource) {
	var host []string
	for _, d := range hostIncludes(t) {
		host = append(host, "-idirafter", d)
	}
	for _, path := range append(glob(t, "testdata/clang/*.c"), glob(t, "../programs/*/*.c")...) {
		own = append(own, clangSource{path, host})
	}
	bench, err := filepath.Glob("../../shared/bench/*_*.c")
	if err != nil {
		t.Fatal(err)
	}
	if len(bench) == 0 {
		t.Log("skipped: no programs in ../shared/bench")
	}
	for _, path := range bench {
		own = append(own, clangSource{path, []string{"-fno-unroll-loops", "-Wno-int-conversion", "-DABI_XDP"}})
	}
	dir := require.CorpusDir()
	built, err := filepath.Glob(filepath.Join(dir, "selftests_*", "*.o"))
	if err != nil {
		t.Fatal(err)
	}
	if len(built) == 0 {
		t.Logf("skipped: no kernel programs in %q (EBTOOLS_CORPUS names another folder)", dir)
		return own, nil
	}
	kernel := filepath.Join(dir, "linux-source-6.12")
	tests := filepath.Join(kernel, "tools/testing/selftests/bpf")
	flags := append([]string{
		"-D__TARGET_ARCH_x86", "-DENABLE_ATOMICS_TESTS", "-std=gnu11", "-fno-strict-aliasing", "-Wno-compare-distinct-pointer-types",
		"-I" + filepath.Join(dir, "include"), "-I" + tests, "-I" + filepath.Join(kernel, "tools/include/uapi"),
	}, host...)
	for _, object := range built {
		name := strings.TrimSuffix(filepath.Base(object), ".o")
		corpus = append(corpus, clangSource{filepath.Join(tests, "progs", name+".c"), flags})
	}
	return own, corpus
}

// hostIncludes asks clang where this machine's own headers are.
func hostIncludes(t *testing.T) (dirs []string) {
	out, err := exec.Command("clang-19", "-v", "-E", "-xc", os.DevNull).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, list, _ := strings.Cut(string(out), "#include <...> search starts here:\n")
	list, _, _ = strings.Cut(list, "End of search list.")
	for _, line := range strings.Split(list, "\n") {
		if dir := strings.TrimSpace(line); dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// clangVariant is a way to compile.
type clangVariant struct {
	cpu   string
	debug []string
	order binary.ByteOrder
}

func (v clangVariant) String() string {
	return v.triple() + "-" + v.cpu + strings.Join(v.debug, "")
}

func (v clangVariant) triple() string {
	if bpf.IsBigEndian(v.order) {
		return "bpfeb"
	}
	return "bpfel"
}

// args are clang's arguments to compile s.
func (v clangVariant) args(s clangSource, more ...string) []string {
	args := append([]string{"-O2", "--target=" + v.triple(), "-mcpu=" + v.cpu, "-w"}, v.debug...)
	return append(append(append(args, s.flags...), s.path), more...)
}

var clangVariants = func() (all []clangVariant) {
	for _, cpu := range []string{"v1", "v2", "v3", "v4"} {
		for _, debug := range [][]string{{"-g"}, nil} {
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				all = append(all, clangVariant{cpu, debug, order})
			}
		}
	}
	return all
}()

// corpusCount sums up what a run has seen.
type corpusCount struct {
	sync.Mutex
	same, byClang, lines int
	skipped              map[string]int
}

// TestClangOutput assembles what clang -S prints for all sources at hand, and
// compares the object with llvm-mc's; and with that of clang where llvm-mc refuses
// the text. One way to compile each source is tried, and a sample of the
// corpus; with EBTOOLS_LONG=1, all ways to compile all sources.
func TestClangOutput(t *testing.T) {
	require.LLVM(t)
	own, corpus := clangSources(t)
	long := require.Long()
	const sample = 60
	sources := append(own, corpus...)
	if !long && len(corpus) > sample {
		slices.SortStableFunc(corpus, func(x, y clangSource) int {
			return int(hashOf(filepath.Base(x.path))>>1) - int(hashOf(filepath.Base(y.path))>>1)
		})
		sources = append(own, corpus[:sample]...)
		t.Logf("skipped: %d of %d kernel programs (EBTOOLS_LONG=1 takes all)", len(corpus)-sample, len(corpus))
	}
	count := &corpusCount{skipped: map[string]int{}}
	t.Run("files", func(t *testing.T) {
		for _, s := range sources {
			variants := clangVariants
			if !long {
				variants = variants[hashOf(filepath.Base(s.path))%uint32(len(variants)):][:1]
			}
			t.Run(filepath.Base(s.path), func(t *testing.T) {
				t.Parallel()
				for _, v := range variants {
					compareClang(t, s, v, long, count)
				}
			})
		}
	})
	t.Logf("%d sources, %d objects the same, %d of them as clang's, %d lines; skipped: %v",
		len(sources), count.same, count.byClang, count.lines, count.skipped)
}

func hashOf(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func compareClang(t *testing.T, s clangSource, v clangVariant, long bool, count *corpusCount) {
	text := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(s.path), ".c")+".s")
	defer os.Remove(text)
	if out, err := exec.Command("clang-19", v.args(s, "-S", "-o", text)...).CombinedOutput(); err != nil {
		count.Lock()
		count.skipped[v.cpu+": "+firstError(out)]++
		count.Unlock()
		return
	}
	obj := text + ".o"
	defer os.Remove(obj)
	byClang := false
	if !assembledByLLVM(text, obj, v) {
		// The same as clang makes, but for debug information, of which it knows
		// more than it prints; and that as llvm-mc has it, of another spelling.
		byClang = true
		run(t, "clang-19", v.args(s, "-c", "-o", obj)...)
		if _, same := sameObject(t, v.String()+", as clang's object", text, obj, v.order, fromClang); !same {
			return
		}
		respelled := text + ".respelled.s"
		defer os.Remove(respelled)
		src, err := os.ReadFile(text)
		if err == nil {
			err = os.WriteFile(respelled, refusedMove.ReplaceAll(src, []byte("${1}w$2")), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !assembledByLLVM(respelled, obj, v) {
			t.Errorf("%v: llvm-mc refuses the text, for another reason than moves of w registers", v)
			return
		}
	}
	how := fromText
	if !long {
		how = decoded
	}
	lines, same := sameObject(t, v.String(), text, obj, v.order, how)
	count.Lock()
	defer count.Unlock()
	count.lines += lines
	if same {
		count.same++
		if byClang {
			count.byClang++
		}
	}
}

// refusedMove is what clang-19 prints for some moves: r7 = w6 is w7 = w6.
var refusedMove = regexp.MustCompile(`(?m)^(\s*)r(\d+ = w\d+)$`)

func assembledByLLVM(text, obj string, v clangVariant) bool {
	return exec.Command("llvm-mc-19", "-triple", v.triple(), "-mcpu=v4", "-filetype=obj", text, "-o", obj).Run() == nil
}

// firstError is what a compiler's first error says, without its place.
func firstError(out []byte) string {
	for _, line := range strings.Split(string(out), "\n") {
		if _, text, ok := strings.Cut(line, "error: "); ok {
			return text
		}
	}
	return fmt.Sprintf("%.80q", out)
}
