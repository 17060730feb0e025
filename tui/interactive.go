package tui

import (
	"os"

	"github.com/charmbracelet/x/term"
)

// Interactive tells whether a full-screen page can be shown: both files are
// terminals and TERM names one that can move its cursor. env is os.Getenv,
// except in tests. --json and --plain are the caller's to check.
func Interactive(in, out *os.File, env func(string) string) bool {
	if t := env("TERM"); t == "dumb" || t == "" && !consoleWithoutTERM {
		return false
	}
	return IsTerminal(in) && IsTerminal(out)
}

// IsTerminal tells whether the file is a terminal; nil is none.
func IsTerminal(f *os.File) bool { return f != nil && term.IsTerminal(f.Fd()) }
