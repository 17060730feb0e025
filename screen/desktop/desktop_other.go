//go:build !(linux || freebsd || openbsd || netbsd || dragonfly || solaris || illumos)

package desktop

import (
	"fmt"
	"runtime"

	"sightline/screen"
)

// words say what works where there is no native back end yet.
func words() string {
	return "capturing and showing screens of " + runtime.GOOS + " is not available in this version; " +
		"share the built-in desktop with --source pattern, watch in the terminal with --in-terminal"
}

func openScreen(Options, string) (*Shared, error) {
	return nil, fmt.Errorf("%w: %s", screen.ErrNoDisplay, words())
}

func openVirtual(Options) (*Shared, error) {
	return nil, fmt.Errorf("%w: a display of its own needs X11; %s", screen.ErrNoDisplay, words())
}

func openWindows(Options) (*Shared, error) {
	return nil, fmt.Errorf("%w: %s", screen.ErrNoDisplay, words())
}

func openNative(WindowOptions) (screen.Window, error) {
	return nil, fmt.Errorf("%w: %s", screen.ErrNoDisplay, words())
}

func describeDisplays(func(string) string) []Finding {
	return []Finding{{What: "display", Detail: words()}}
}
