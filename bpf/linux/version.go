package linux

import "strconv"

// Version is a release of the Linux kernel, such as 5.10. The zero Version
// means that the release is not known.
type Version struct{ Major, Minor uint8 }

// String gives "5.10", or "unknown" for the zero Version.
func (v Version) String() string {
	if v == (Version{}) {
		return "unknown"
	}
	return strconv.Itoa(int(v.Major)) + "." + strconv.Itoa(int(v.Minor))
}

// Less reports whether v was released before w. An unknown release comes
// before every other.
func (v Version) Less(w Version) bool {
	if v.Major != w.Major {
		return v.Major < w.Major
	}
	return v.Minor < w.Minor
}
