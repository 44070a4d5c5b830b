package elf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// arenaSection holds the variables of address space 1, which are in the memory
// of the object's arena: what this begins with (libbpf, ARENA_SEC).
const arenaSection = ".addr_space.1"

// arenaPage is the size of an arena's pages, in which its size is given. Some
// machines have larger ones.
const arenaPage = 4096

// loadArena gives the variables of the arena to its map.
func (l *loader) loadArena() {
	s := l.img.Section(arenaSection)
	if s == nil || s.Len() == 0 || s.IsExecutable() {
		return
	}
	if err := l.arenaVariables(s); err != nil {
		l.problem(false, "", fmt.Errorf("section %s: %w", arenaSection, err))
	}
}

func (l *loader) arenaVariables(s *Section) error {
	if err := checkVariables(s, nil); err != nil {
		return err
	}
	found := -1
	for i, m := range l.obj.Maps {
		switch {
		case m.Type != linux.MapArena:
		case found >= 0:
			return errors.New("there are two arenas that the variables could be in")
		default:
			found = i
		}
	}
	if found < 0 {
		return errors.New("there is no arena that the variables could be in")
	}
	m := l.obj.Maps[found]
	if s.Len() > uint64(m.MaxEntries)*arenaPage {
		return fmt.Errorf("%d bytes of variables are more than the %d pages of arena %s hold", s.Len(), m.MaxEntries, shorten(m.Name))
	}
	m.Section, m.Contents = arenaSection, slices.Clone(s.Data)
	var datasec *btf.Datasec
	if l.obj.Types != nil && l.obj.Types.TypeByName(arenaSection, &datasec) == nil {
		m.Value = datasec
	}
	l.dataMap[s] = found
	return nil
}
