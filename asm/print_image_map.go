package asm

import (
	"ebtools/bpf"
	"ebtools/elf"
)

// readTypes takes .BTF and .BTF.ext apart, for comments and lines, and finds out
// which maps there are.
func (p *imagePrinter) readTypes() {
	for _, plan := range p.plans {
		if plan.s.Name == ".BTF" && p.types == nil {
			p.types = newBTFText(plan.s, p.order)
		}
	}
	for _, plan := range p.plans {
		if plan.s.Name == ".BTF.ext" && p.ext == nil {
			p.ext = newExtText(plan.s, p.order, p.types)
		}
	}
	p.maps = map[string]*bpf.Map{}
	// What can't be loaded can be written all the same.
	if obj, _, err := elf.Load(p.img, "", elf.Options{}); err == nil {
		for _, m := range obj.Maps {
			if m.Section == "" {
				p.maps[m.Name] = m
			}
		}
	}
}

// mapComment says what map a symbol is, if it is one.
func (p *imagePrinter) mapComment(plan *sectionPlan, sym *elf.Symbol) {
	if name := plan.s.Name; name != mapsSection && name != "maps" {
		return
	}
	if m := p.maps[sym.Name]; m != nil {
		p.printf("\t# map: %s\n", oneLine(shortText(MapText(m))))
	}
}
