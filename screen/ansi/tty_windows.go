package ansi

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// rawOutput makes the console understand escape sequences (Windows 10 and later).
func rawOutput(out *os.File) (undo func(), err error) {
	h := windows.Handle(out.Fd())
	var old uint32
	if err := windows.GetConsoleMode(h, &old); err != nil {
		return nil, fmt.Errorf("console mode: %w", err)
	}
	mode := old | windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	if err := windows.SetConsoleMode(h, mode); err != nil {
		return nil, fmt.Errorf("console escape sequences: %w", err)
	}
	return func() { windows.SetConsoleMode(h, old) }, nil
}

// watchSize: the console does not tell; the size is looked at with each input.
func watchSize() (changed chan struct{}, stop func()) { return nil, func() {} }
