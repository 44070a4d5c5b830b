package linux

import (
	"go/ast"
	goconstant "go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// headerNames are the headers whose names this package knows, and those these
// take their numbers from, below /usr/include. A star is an architecture.
var headerNames = []string{
	"linux/bpf.h", "linux/if_ether.h", "linux/in.h", "linux/in6.h", "linux/icmp.h", "linux/icmpv6.h",
	"linux/if_packet.h", "linux/netfilter.h", "linux/pkt_cls.h", "linux/if_link.h", "linux/seccomp.h",
	"linux/audit.h", "linux/elf-em.h", "linux/version.h", "asm-generic/errno-base.h", "asm-generic/errno.h",
	"*/bits/socket.h", "*/bits/socket_type.h",
}

var (
	cComment   = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	cDefine    = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)[ \t]+([^\n]+)$`)
	cDirective = regexp.MustCompile(`(?m)^[ \t]*#[^\n]*$`)
	cEnum      = regexp.MustCompile(`\benum\b[^{};]*\{([^}]*)\}`)
	cSuffix    = regexp.MustCompile(`\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b`)
	cName      = regexp.MustCompile(`^[A-Za-z_]\w*$`)
)

// headerConstants evaluates the #defines and enumerators of C headers: nothing
// is compiled, but the expressions are those of Go but for number suffixes and
// "~", so Go's type checker can tell their values. Names it can't are left out.
func headerConstants(t *testing.T) map[string]int64 {
	t.Helper()
	file := &ast.File{Name: ast.NewIdent("headers")}
	declared := map[string]bool{}
	declare := func(name, expr string) {
		expr = cSuffix.ReplaceAllString(strings.ReplaceAll(expr, "~", "^"), "$1")
		value, err := parser.ParseExpr(expr)
		if id, ok := value.(*ast.Ident); err != nil || declared[name] || ok && id.Name == name {
			return
		}
		declared[name] = true
		file.Decls = append(file.Decls, &ast.GenDecl{Tok: token.CONST, Specs: []ast.Spec{
			&ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent(name)}, Values: []ast.Expr{value}},
		}})
	}
	found := 0
	for _, name := range headerNames {
		paths, _ := filepath.Glob(filepath.Join("/usr/include", name))
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found++
			source := cComment.ReplaceAllString(strings.ReplaceAll(string(text), "\\\n", " "), " ")
			for _, m := range cDefine.FindAllStringSubmatch(source, -1) {
				declare(m[1], m[2])
			}
			for _, m := range cEnum.FindAllStringSubmatch(cDirective.ReplaceAllString(source, ""), -1) {
				next := "0"
				for item := range strings.SplitSeq(m[1], ",") {
					name, expr, given := strings.Cut(item, "=")
					name = strings.TrimSpace(name)
					if !cName.MatchString(name) {
						continue
					}
					if given {
						next = strings.TrimSpace(expr)
					}
					declare(name, next)
					next = name + " + 1"
				}
			}
		}
	}
	if found == 0 {
		if require.Demanded("kernel") {
			t.Fatal("EBTOOLS_REQUIRE names kernel, but its headers are not in /usr/include")
		}
		t.Skip("skipped: no kernel headers in /usr/include")
	}
	pkg, _ := (&types.Config{Error: func(error) {}}).Check("headers", token.NewFileSet(), []*ast.File{file}, nil)
	values := map[string]int64{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && c.Val().Kind() == goconstant.Int {
			if value, exact := goconstant.Int64Val(c.Val()); exact {
				values[name] = value
			}
		}
	}
	return values
}

func TestConstantsAgainstHeaders(t *testing.T) {
	headers := headerConstants(t)
	compared := 0
	for name, value := range constants {
		got, ok := headers[name]
		if !ok {
			continue
		}
		compared++
		if got != value {
			t.Errorf("Constant(%q) = %#x, but the headers say %#x", name, value, got)
		}
	}
	t.Logf("%d of %d constants are in the headers", compared, len(constants))
	if compared < 500 {
		t.Errorf("only %d of %d constants are in the headers, expected at least 500", compared, len(constants))
	}

	// Every name of these families is known, if the headers aren't newer.
	if headers["LINUX_VERSION_MAJOR"] > 6 || headers["LINUX_VERSION_MAJOR"] == 6 && headers["LINUX_VERSION_PATCHLEVEL"] > 18 {
		t.Skip("skipped the families: the headers are newer than Linux 6.18")
	}
	families := []string{
		"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT", "TC_ACT_", "TCX_", "NETKIT_",
		"BPF_F_", "BPF_MAP_TYPE_", "BPF_PROG_TYPE_", "BPF_FUNC_", "BPF_FIB_", "BPF_SOCK_OPS_", "BPF_TCP_", "TCP_BPF_",
		"BPF_RB_", "BPF_RINGBUF_", "BPF_MTU_", "BPF_CSUM_", "BPF_ADJ_ROOM_", "BPF_HDR_START_", "BPF_LWT_", "BPF_DEVCG_",
		"BPF_SKB_", "BPF_SK_", "BPF_CGROUP_", "BTF_F_", "SK_DROP", "SK_PASS", "ETH_P_", "IPPROTO_", "SECCOMP_RET_", "AUDIT_ARCH_",
	}
	// Bounds of enumerations and what belongs to no program.
	others := []string{
		"TC_ACT_VALUE_MAX", "TC_ACT_JUMP", "TC_ACT_GOTO_CHAIN", "TC_ACT_EXT_SHIFT", "TC_ACT_EXT_VAL_MASK", "TC_ACT_EXT_OPCODE_MAX",
		"IPPROTO_MAX", "BPF_ADJ_ROOM_ENCAP_L2", "BPF_TCP_MAX_STATES",
	}
	for name := range headers {
		inFamily := slices.ContainsFunc(families, func(family string) bool { return strings.HasPrefix(name, family) })
		if _, ok := Constant(name); inFamily && !ok && !slices.Contains(others, name) {
			t.Errorf("the headers have %s, of which Constant knows nothing", name)
		}
	}
}

func TestErrnoAgainstHeaders(t *testing.T) {
	headers := headerConstants(t)
	for number, row := range errnoTable {
		if row.name == "" || Errno(number) == ENOTSUPP { // which is the kernel's own
			continue
		}
		if got, ok := headers[row.name]; !ok || got != int64(number) {
			t.Errorf("%s is %d, but %d, %v in the headers", row.name, number, got, ok)
		}
	}
}
