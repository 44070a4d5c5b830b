package asm

import (
	stdelf "debug/elf"
	"math"
	"slices"
	"sort"
	"strings"

	"ebtools/bpf"
)

// Dialect says whose reading counts where assemblers read the same text
// differently. What a statement is in is told by its first word, whatever the
// dialect, so a file may mix them.
type Dialect uint8

// The dialects.
const (
	// DialectAuto takes what all of them read alike, and reports the rest.
	DialectAuto Dialect = iota
	// DialectLLVM is that of llvm-mc, and of GNU as from binutils 2.42 on: a
	// semicolon separates statements.
	DialectLLVM
	// DialectGNU is that of GNU as up to binutils 2.41: a semicolon begins a
	// comment.
	DialectGNU
	// DialectUBPF is that of uBPF and the bpf_conformance suite: a semicolon
	// separates statements, and in ja 4 the number is a label.
	DialectUBPF
)

var dialectNames = []string{"auto", "llvm", "gnu", "ubpf"}

// String gives "auto", "llvm", "gnu" or "ubpf".
func (d Dialect) String() string {
	if int(d) < len(dialectNames) {
		return dialectNames[d]
	}
	return "Dialect(" + itoa(int(d)) + ")"
}

// ParseDialect finds a dialect by its name.
func ParseDialect(name string) (Dialect, bool) {
	for d, n := range dialectNames {
		if n == name {
			return Dialect(d), true
		}
	}
	return DialectAuto, false
}

// dialectState is what the assembler knows of the dialects in a file.
type dialectState struct {
	mnemonics bool        // some statement is in the mnemonic dialect
	asked     bool        // an error asked what a semicolon means
	bare      []span      // jumps of the mnemonic dialect to a number without sign
	local     []localCall // call local
	unsigned  bool        // the statement's numbers are written without sign, as the kernel does
	listing   kernelListing
	exits     map[*section]*exitTable
}

// localCall is a call that names a function of this file.
type localCall struct {
	to *symbol
	at span
}

// checkDialect looks at a statement that was recognised, for what depends on the
// dialect.
func (a *assembler) checkDialect(m *matcher) *fault {
	if m.mnemonic {
		a.checkSemicolons()
		for i := range m.bound {
			a.noteMnemonic(&m.bound[i])
		}
		return nil
	}
	if a.listing.on {
		if f := a.checkListed(m.form, a.spanOf(m.first, len(a.toks)-1)); f != nil {
			return f
		}
	}
	if m.form.Op == bpf.OpcodeCall && len(m.bound) > 0 {
		return a.helperNumber(&m.bound[0])
	}
	return nil
}

// explainStatement says why the statement is no instruction.
func (a *assembler) explainStatement(m *matcher) *fault {
	m.explaining, m.mnemonic, m.bound = true, false, m.bound[:0]
	m.match(grammar, m.first)
	if m.isMnemonic() {
		m.matchMnemonic()
	}
	a.listing.section = nil // what number comes next is not known
	f := m.explain()
	if at, ok := a.followsSemicolon(); ok && a.opts.Dialect == DialectAuto {
		_, start, _ := a.buf.line(at)
		if strings.TrimSpace(a.buf.text[start:at]) == "" {
			f.note("if the semicolon begins a comment, choose --dialect gnu, or write #")
		}
	}
	return f
}

// dropComment leaves out what stands behind a semicolon where that begins a
// comment.
func (a *assembler) dropComment() {
	if a.opts.Dialect != DialectGNU && !a.listing.on {
		return
	}
	if at, ok := a.endsAtSemicolon(); ok {
		a.skipLine(at)
	}
}

// endsAtSemicolon reports whether the statement just scanned does, and where.
func (a *assembler) endsAtSemicolon() (uint32, bool) {
	if len(a.toks) == 0 {
		return 0, false
	}
	end := a.toks[len(a.toks)-1].start
	return end, end < uint32(len(a.buf.text)) && a.buf.text[end] == ';'
}

// followsSemicolon says where the semicolon is that the statement follows on
// its line.
func (a *assembler) followsSemicolon() (uint32, bool) {
	text := a.buf.text
	for i := a.toks[0].start; i > 0; i-- {
		switch c := text[i-1]; {
		case c == ';':
			return i - 1, true
		case charClass[c]&charSpace == 0:
			return 0, false
		}
	}
	return 0, false
}

// checkSemicolons asks what a semicolon beside a statement of the mnemonic
// dialect means, unless nothing but a comment stands behind it.
func (a *assembler) checkSemicolons() {
	if a.opts.Dialect != DialectAuto || a.listing.on {
		return
	}
	at, ok := a.endsAtSemicolon()
	if ok && !a.buf.isBlank(at+1) {
		a.skipLine(at)
	} else if at, ok = a.followsSemicolon(); !ok {
		return
	}
	if a.asked {
		return
	}
	a.asked = true
	a.report(faultAt(span{a.buf, at, at + 1}, ErrSyntax, "this semicolon could begin a comment or end a statement").
		note("--dialect llvm goes on with the next statement, as llvm-mc, uBPF and GNU as from 2.42 on do").
		note("--dialect gnu takes the rest for a comment, as GNU as up to 2.41 does; # begins a comment in all of them"))
}

// skipLine leaves out the rest of the line that at is on.
func (a *assembler) skipLine(at uint32) {
	top := &a.frames[len(a.frames)-1]
	top.off = min(a.buf.lineEnd(at), top.end)
}

// isBlank reports whether the line holds no statement from i on.
func (b *buffer) isBlank(i uint32) bool {
	rest := strings.TrimLeft(b.text[i:b.lineEnd(i)], " \t\r\v\f;")
	return rest == "" || rest[0] == '\n' || rest[0] == '#' || strings.HasPrefix(rest, "//")
}

// noteMnemonic looks at an operand of the mnemonic dialect that other rules hold
// for than in LLVM's.
func (a *assembler) noteMnemonic(b *binding) {
	a.mnemonics = true
	at := a.spanOf(b.first, b.end)
	switch t := a.toks[b.first]; {
	case b.operand == operandLocal:
		a.local = append(a.local, localCall{b.expr.add, at})
	case b.operand != bpf.OperandJump && b.operand != bpf.OperandFar, t.kind != tokNumber, b.end != b.first+1:
	// A number without sign is a distance for GNU as, and a label for uBPF.
	case a.opts.Dialect == DialectUBPF:
		l := a.symbols.numeric(t.num)
		if b.expr = (expr{add: l.last}); l.last == nil {
			if l.next == nil {
				l.next = &symbol{ref: at}
			}
			b.expr.add = l.next
		}
	case a.opts.Dialect == DialectAuto:
		a.bare = append(a.bare, at)
	}
}

// settleDialects reports, at the end of the file, what its labels make wrong in
// the mnemonic dialect.
func (a *assembler) settleDialects() {
	for _, at := range a.bare {
		n, ok := parseDigits(at.text(), 10)
		if l, exists := a.symbols.local[n]; !ok || !exists || l.last == nil {
			continue
		}
		a.report(faultAt(at, ErrSyntax, "%s could be the label %[1]s or a distance of %[1]s instructions", at.text()).
			note("write +%s for the distance, %[1]sf or %[1]sb for the label; --dialect gnu takes all such for distances, ubpf for labels", at.text()))
	}
	for _, c := range a.local {
		if c.to != nil && c.to.name != "" && c.to.state == symUndefined && !c.to.bound && !c.to.broken {
			c.to.broken = true
			a.report(faultAt(c.at, ErrUndefined, "label %s is not defined", c.to.name).suggest(c.to.name, a.definedNames()))
		}
	}
}

// implicitExit is a label that programs of the conformance suite jump to without
// defining it: an exit instruction.
const implicitExit = "exit"

// exitTable says where the exit instructions of a section are and where its
// functions begin: offsets in bytes, in order.
type exitTable struct{ exits, functions []uint64 }

// jumpToExit settles a jump to exit where no label is called so: it goes to the
// first exit instruction of the function that it is in.
func (a *assembler) jumpToExit(s *section, x *fixup) *fault {
	table := a.exitsOf(s)
	here := s.address(x.place)
	first, last := uint64(0), uint64(math.MaxUint64)
	i := sort.Search(len(table.functions), func(i int) bool { return table.functions[i] > here })
	if i > 0 {
		first = table.functions[i-1]
	}
	if i < len(table.functions) {
		last = table.functions[i]
	}
	i = sort.Search(len(table.exits), func(i int) bool { return table.exits[i] >= first })
	if i == len(table.exits) || table.exits[i] >= last {
		return faultAt(x.at, ErrUndefined, "no label is called exit, and no exit instruction stands in this function")
	}
	slots := (int64(table.exits[i])-int64(here))/bpf.InstructionSize - 1
	if x.kind == fixJump && (slots < math.MinInt16 || slots > math.MaxInt16) {
		return faultAt(x.at, ErrRange, "the exit instruction is %d instructions away, and this jump reaches 32767", abs(slots))
	}
	return a.patch(s, x, slots)
}

func (a *assembler) exitsOf(s *section) *exitTable {
	if t, ok := a.exits[s]; ok {
		return t
	}
	t := &exitTable{}
	for _, l := range s.lines {
		if at := s.address(l.place); bpf.DecodeOne(s.data[at:], a.order).Op == bpf.OpcodeExit {
			t.exits = append(t.exits, at)
		}
	}
	for _, sym := range a.symbols.order {
		if sym.state == symLabel && sym.section == s && sym.typ == stdelf.STT_FUNC {
			t.functions = append(t.functions, s.address(sym.place))
		}
	}
	slices.Sort(t.functions)
	if a.exits == nil {
		a.exits = map[*section]*exitTable{}
	}
	a.exits[s] = t
	return t
}
