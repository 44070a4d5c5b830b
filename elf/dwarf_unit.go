package elf

// Attributes of the entry that a compilation unit begins with (DWARF 5, 7.5.4).
const (
	attrStmtList = 0x10
	attrCompDir  = 0x1b
)

// Before DWARF 5 a line table does not say which folder the compiler ran in;
// the unit that it belongs to does.
//
// unitFolders gives these folders by the offset of the line table. Only what
// that takes is read of .debug_info: the first entry of each unit. Damage there
// costs the folders, not the lines.
func unitFolders(img *Image, str *dwarfStrings) map[uint64]string {
	info, abbrev := img.Section(".debug_info"), img.Section(".debug_abbrev")
	folders := map[uint64]string{}
	if info == nil || abbrev == nil {
		return folders
	}
	all := &dwarfReader{dwarfSection: newDWARFSection(img, info), end: len(info.Data)}
	abbrevs := newDWARFSection(img, abbrev)
	// Units that make each other's abbreviations be read over and over are no
	// compiler's.
	budget := 4 * (len(info.Data) + len(abbrev.Data))
	for all.err == nil && all.at < all.end && budget > 0 {
		u := all.unit()
		switch version := u.number(2); {
		case u.err != nil || version < 2 || version > 5:
			return folders
		case version == 5:
			continue // its line table has the folder
		}
		at := u.offset()
		addressSize := u.number(1)
		code := u.unsigned()
		if u.err != nil || addressSize != 8 || at > uint64(len(abbrev.Data)) {
			return folders
		}
		a := &dwarfReader{dwarfSection: abbrevs, at: int(at), end: len(abbrev.Data)}
		lines, folder, ok := u.firstEntry(a, code, str)
		budget -= a.at - int(at)
		if ok {
			folders[lines] = folder
		}
	}
	return folders
}

// firstEntry reads a unit's first entry, whose abbreviation has the given code
// among those that a reads.
func (r *dwarfReader) firstEntry(a *dwarfReader, code uint64, str *dwarfStrings) (lines uint64, folder string, ok bool) {
	for a.err == nil {
		is := a.unsigned()
		a.unsigned() // its tag
		a.number(1)  // whether it has children
		if is == 0 {
			return 0, "", false // the end
		}
		for a.err == nil {
			attr, form := a.unsigned(), a.unsigned()
			if form == formImplicit {
				a.signed()
				continue
			}
			if attr == 0 && form == 0 {
				break
			}
			if is != code {
				continue
			}
			n, text := r.form(form, str)
			switch attr {
			case attrStmtList:
				lines, ok = n, true
			case attrCompDir:
				folder = text
			}
		}
		if is == code {
			return lines, folder, ok && r.err == nil
		}
	}
	return 0, "", false
}
