package elf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

const arenaSource = `
#define arena __attribute__((address_space(1)))
#define number(name, n) int (*name)[n]
#define section(s) __attribute__((section(s), used))
struct { number(type, 33); number(map_flags, 1024); number(max_entries, 2); } pages section(".maps");
unsigned long arena before = 3;
unsigned int arena list[4] = { 10, 20, 30, 40 };
static unsigned long arena own = 7;
section("syscall") int sum(void *ctx)
{
	void *used = &pages;
	__asm__ volatile ("" : : "r"(used));
	own += before;
	return list[2] + own;
}
char _license[] section("license") = "GPL";
`

// TestArenaVariables runs a program in the kernel that has variables in an arena.
func TestArenaVariables(t *testing.T) {
	require.LLVM(t)
	require.Kernel(t)
	obj, problems := loadArenaSource(t, arenaSource)
	if len(problems) > 0 || len(obj.Programs) != 1 || len(obj.Maps) != 1 {
		t.Fatal(problems, obj.Programs, obj.Maps)
	}
	k, err := kernel.New(obj.Maps)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	program, err := k.Load(obj.Programs[0], kernel.LoadOptions{Flags: linux.FSleepable})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, want := range []uint32{40, 43} {
		if out, err := program.Run(kernel.Input{}); err != nil || out.Return != want {
			t.Errorf("the kernel returns %d, %v; want %d", out.Return, err, want)
		}
	}
}

func loadArenaSource(t *testing.T, source string) (*bpf.Object, bpf.Diagnostics) {
	t.Helper()
	dir := t.TempDir()
	c, o := filepath.Join(dir, "a.c"), filepath.Join(dir, "a.o")
	if err := os.WriteFile(c, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "clang-19", "-O2", "-g", "-target", "bpfel", "-mcpu=v3", "-c", c, "-o", o)
	obj, problems, err := Load(readImage(t, o), "a.o", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return obj, problems
}

// TestArenaMissing: variables need one arena, and room in it.
func TestArenaMissing(t *testing.T) {
	require.LLVM(t)
	const definition = `struct { number(type, 33); number(map_flags, 1024); number(max_entries, 2); } pages section(".maps");`
	for _, test := range []struct{ name, change, want string }{
		{"none", strings.Replace(strings.Replace(arenaSource, definition, "", 1), "&pages", "0", 1), "there is no arena"},
		{"two", strings.Replace(arenaSource, definition, definition+strings.Replace(definition, "pages", "more", 1), 1), "there are two arenas"},
		{"large", strings.Replace(arenaSource, "list[4]", "list[4096]", 1), "16400 bytes of variables are more than the 2 pages of arena pages hold"},
	} {
		_, problems := loadArenaSource(t, test.change)
		if text := problems.Err(); text == nil || !strings.Contains(text.Error(), test.want) {
			t.Errorf("%s: problems are %v, want %q", test.name, text, test.want)
		}
	}
}
