package verifier

import (
	"fmt"
	"slices"

	"ebtools/bpf"
)

// MaxInstructions is how many slots a program may have (Linux
// BPF_COMPLEXITY_LIMIT_INSNS).
const MaxInstructions = 1_000_000

// Check judges the structure of a program of obj: see the package's
// documentation for what that is. It returns all findings, one for each cause,
// in the order of their instructions, and nil when there is nothing to say.
// Err of the list tells whether the program is refused; warnings are about
// instructions that the kernel refuses if it finds a way to them. Each finding
// wraps one of this package's errors and notes the line that the kernel logs.
//
// Functions are those of p.Functions; when that is empty, whatever is called
// begins a function. A nil obj stands for maps that are not known, and
// references to them are not judged.
func Check(p *bpf.Program, obj *bpf.Object) bpf.Diagnostics {
	if p == nil {
		p = &bpf.Program{}
	}
	c := &checker{prog: p, obj: obj, insns: p.Instructions}
	if !c.checkSize() {
		return c.findings
	}
	c.markSlots()
	if c.findFunctions() {
		c.checkJumps()
		c.findReachable()
		c.findCertain()
		c.checkInstructions()
		c.checkReachable()
		c.checkEnds()
		c.checkCallDepth()
	}
	slices.SortStableFunc(c.findings, func(a, b *bpf.Diagnostic) int { return a.PC - b.PC })
	return c.findings
}

// checker is a program while it is judged. Slices that are not of functions
// have an element for each slot.
type checker struct {
	prog  *bpf.Program
	obj   *bpf.Object
	insns []bpf.Instruction

	second    []bool // second slots of 64-bit immediate loads
	functions []function
	owner     []int32 // index of the function that the slot belongs to
	lostCalls []int   // where calls lead that hit no function; what they were to call looks unused
	reachable []bool
	certain   []bool // every run comes past, or the kernel refuses the program

	findings bpf.Diagnostics
}

// violation is a rule that an instruction breaks.
type violation struct {
	err    error
	kernel string // what the kernel logs about it
	// onVisit rules hold for instructions that the kernel gets to, the others for
	// the text of a program.
	onVisit bool
}

// notVisited is the note of a warning.
const notVisited = "refused only if the kernel finds a way to this instruction"

// reject reports a breach, at the instruction at pc, of a rule for all text.
func (c *checker) reject(pc int, kernel string, err error) {
	c.report(pc, violation{err: err, kernel: kernel})
}

func (c *checker) report(pc int, v violation) *bpf.Diagnostic {
	d := c.prog.Diagnose(pc, v.err)
	d.Note = append(d.Note, kernelNote(v.kernel))
	if v.onVisit && !c.certain[pc] {
		d.Warn = true
		d.Note = append(d.Note, notVisited)
	}
	c.findings = append(c.findings, d)
	return d
}

// kernelNote marks what the kernel logs, so that it can be searched for.
func kernelNote(line string) string { return "kernel: " + line }

func (c *checker) checkSize() bool {
	const tooBig = "argument list too long (E2BIG)" // there is no line in the log
	switch n := len(c.insns); {
	case n == 0:
		c.reject(bpf.NoPC, tooBig, fmt.Errorf("%w: there are no instructions, at least an exit is needed", ErrSize))
	case n > MaxInstructions:
		c.reject(bpf.NoPC, tooBig, fmt.Errorf("%w: %d instructions, at most %d are allowed", ErrSize, n, MaxInstructions))
	default:
		return true
	}
	return false
}

// text is the instruction at pc, quoted for a message.
func (c *checker) text(pc int) string {
	s, _ := bpf.Disassemble(c.insns, pc)
	return "`" + s + "`"
}
