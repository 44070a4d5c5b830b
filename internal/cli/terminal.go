package cli

import (
	"os"
	"runtime"

	"ebtools/internal/show"
)

// isTerminal reports whether f is a terminal, as well as can be told without
// asking each system in its own way: a character device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colors says in which colours to write to the environment's standard output,
// for the value of a flag --color: "always", "never", or "auto", which is on a
// terminal unless NO_COLOR is set (https://no-color.org) or the terminal has
// none.
func (env *Env) Colors(flag string) (show.Colors, error) {
	switch flag {
	case "always":
		return show.Colors{On: true}, nil
	case "never":
		return show.Colors{}, nil
	case "auto":
		return show.Colors{On: env.Terminal && terminalHasColors()}, nil
	}
	return show.Colors{}, Usagef("--color is %q, expected auto, always or never", flag)
}

func terminalHasColors() bool {
	term := os.Getenv("TERM")
	if os.Getenv("NO_COLOR") != "" || term == "dumb" {
		return false
	}
	// Consoles of Windows do what they are told only in newer programs, which
	// say who they are.
	return runtime.GOOS != "windows" || term != "" || os.Getenv("WT_SESSION") != ""
}
