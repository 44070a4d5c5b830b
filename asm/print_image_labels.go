package asm

import (
	"cmp"
	"container/heap"
	stdelf "debug/elf"
	"math"

	"ebtools/elf"
)

// labelsWriter writes the labels of a section, in order.
type labelsWriter struct {
	p       *imagePrinter
	plan    *sectionPlan
	symbols []*elf.Symbol // not written yet
	open    openSymbols   // written, but their sizes are not
}

func (p *imagePrinter) newLabels(plan *sectionPlan) *labelsWriter {
	return &labelsWriter{p: p, plan: plan, symbols: plan.symbols}
}

// at writes what stands at a place: the sizes of symbols that end there, then
// the symbols that begin there, then other labels. between is called before the
// labels, if there are any or not.
func (l *labelsWriter) at(off uint64, between func()) {
	l.sizes(off)
	first := true
	for len(l.symbols) > 0 && l.symbols[0].Value == off {
		sym := l.symbols[0]
		l.symbols = l.symbols[1:]
		name := symbolText(l.p.names[sym])
		if off > 0 && first && sym.Type != stdelf.STT_NOTYPE {
			l.p.printf("\n")
		}
		first = false
		l.p.defined(sym)
		l.p.mapComment(l.plan, sym)
		l.p.printf("%s:\n", name)
		if sym.Size > 0 || sym.Type == stdelf.STT_FUNC {
			heap.Push(&l.open, sym)
		}
	}
	l.sizes(off)
	between()
	if label := l.plan.labels[off]; label != "" {
		l.p.printf("%s:\n", label)
	}
}

// sizes writes the sizes of symbols that end at or before a place.
func (l *labelsWriter) sizes(off uint64) {
	for len(l.open) > 0 {
		sym := l.open[0]
		end := sym.Value + sym.Size
		if end > off {
			return
		}
		heap.Pop(&l.open)
		name := symbolText(l.p.names[sym])
		if end == off && sym.Size > 0 {
			l.p.printf("\t.size %s, .-%[1]s\n", name)
		} else {
			l.p.printf("\t.size %s, %d\n", name, sym.Size)
		}
	}
}

// finish writes the sizes that are left: of symbols that reach beyond the section.
func (l *labelsWriter) finish() { l.sizes(math.MaxUint64) }

// openSymbols is a heap of symbols by where they end, and of those that end at
// one place the last to begin.
type openSymbols []*elf.Symbol

func (o openSymbols) Len() int      { return len(o) }
func (o openSymbols) Swap(i, j int) { o[i], o[j] = o[j], o[i] }

func (o openSymbols) Less(i, j int) bool {
	a, b := o[i], o[j]
	return cmp.Or(cmp.Compare(a.Value+a.Size, b.Value+b.Size), cmp.Compare(b.Value, a.Value)) < 0
}

// Push is for package heap.
func (o *openSymbols) Push(x any) { *o = append(*o, x.(*elf.Symbol)) }

// Pop is for package heap.
func (o *openSymbols) Pop() any {
	last := len(*o) - 1
	sym := (*o)[last]
	*o = (*o)[:last]
	return sym
}

// next is where the next symbol ends, MaxUint64 when none is open.
func (o openSymbols) next() uint64 {
	if len(o) == 0 {
		return math.MaxUint64
	}
	return o[0].Value + o[0].Size
}
