// Package desktop picks the back end that fits this machine: what a host
// shares, and where a viewer shows it. It is the only room of screen that
// knows the others; one file per operating system says what there is.
//
//	            Linux, BSD      other
//	host        X11, pattern,   pattern
//	            an X server of its own (virtual)
//	viewer      X11, terminal   terminal
package desktop

import (
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"sightline/screen"
	"sightline/screen/ansi"
	"sightline/screen/pattern"
)

// What Options.Source can say besides "screen:NAME".
const (
	SourceAuto    = "auto"
	SourcePattern = "pattern"
	screenPrefix  = "screen:"
	windowPrefix  = "window:"
)

// Options of OpenHost.
type Options struct {
	Source   string      // auto, pattern, screen:NAME, window:TITLE; "": auto
	Windows  []string    // single windows, by a part of the title, the class or the ID as 0x…; nil: what Source says
	Pick     bool        // single windows, to begin with those of Windows, if any
	Raise    bool        // a click on a covered window may bring it forward
	App      string      // a program to be shared alone, on a display of its own; "": none
	Virtual  image.Point // size of such a display, px; with no App it has a whole desktop session
	Follow   bool        // such a display can be given other sizes while it is shared
	Guardian []string    // command of a process that calls x11.RunGuardian; nil: none
	MaxFPS   int         // frames per second at most; 0: 60
	// LocalPause is how long input rests after the person at the display moved the
	// pointer or typed; 0: never. Nobody sits at a display of its own.
	LocalPause time.Duration
	Env        func(string) string // nil: os.Getenv
	Log        *slog.Logger        // nil: silent
}

// Shared is what a host shares. The caller closes it.
type Shared struct {
	Source    screen.Source
	Injector  screen.Injector
	Clipboard screen.Clipboard // nil: there is none
	Sign      screen.Sign      // shows that somebody watches; nil where no person's screen is shared
	What      string           // for a person: "display :0 (1920x1080), found in process 812"
	// Panic tells that the person at the host pressed Ctrl+Alt+Shift+Q; nil
	// where there is no such key.
	Panic <-chan struct{}
	// Resize gives the display another size, px, or the nearest that it can have; nil:
	// it keeps its own.
	Resize func(image.Point) error
	// Ended is closed when the program that is shared has ended; Fault says then
	// why it never ran. nil: no single program is shared.
	Ended <-chan struct{}
	Fault func() error

	Env []string // by which programs find what is shared: DISPLAY and XAUTHORITY

	own []io.Closer // what was started for this, the display last
}

// Close ends all parts.
func (s *Shared) Close() {
	if s.Clipboard != nil {
		s.Clipboard.Close()
	}
	if s.Sign != nil {
		s.Sign.Close()
	}
	s.Injector.Close()
	s.Source.Close()
	for _, c := range s.own {
		c.Close()
	}
}

// OpenHost opens what is to be shared. What wraps screen.ErrNoDisplay says in
// one sentence why there is nothing.
func OpenHost(o Options) (*Shared, error) {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	name, isScreen := strings.CutPrefix(o.Source, screenPrefix)
	if title, ok := strings.CutPrefix(o.Source, windowPrefix); ok && title != "" && len(o.Windows) == 0 {
		o.Windows = []string{title}
	}
	switch {
	case o.App != "" || o.Virtual != (image.Point{}):
		return openVirtual(o)
	case o.Pick || len(o.Windows) > 0:
		return openWindows(o)
	case o.Source == SourcePattern:
		return openPattern(), nil
	case o.Source == "" || o.Source == SourceAuto:
		return openScreen(o, "")
	case isScreen && name != "":
		return openScreen(o, name)
	}
	return nil, fmt.Errorf("%.60q is nothing that can be shared; there are: auto, pattern, screen:NAME, window:TITLE", o.Source)
}

// NoWindow tells that no window, or more than one, is meant.
type NoWindow struct {
	error
	Hint string // lists the windows that there are
}

func openPattern() *Shared {
	d := pattern.New(pattern.Options{})
	return &Shared{Source: d.Source(), Injector: d.Injector(), What: "the built-in pattern desktop"}
}

// Kinds of windows.
const (
	KindAuto     = "auto"
	KindNative   = "native"
	KindTerminal = "terminal"
	KindNone     = "none"
)

// WindowOptions of OpenWindow.
type WindowOptions struct {
	Kind    string              // auto, native, terminal, none; "": auto
	Title   string              // until State says another
	In, Out *os.File            // the terminal; nil: standard input and output
	Env     func(string) string // nil: os.Getenv
	Log     *slog.Logger        // nil: silent
}

// OpenWindow opens a window and tells which kind it became. auto is a native
// one where a display answers, else the terminal; if there is neither the
// error wraps screen.ErrNoDisplay and says why.
func OpenWindow(o WindowOptions) (screen.Window, string, error) {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Env == nil {
		o.Env = os.Getenv
	}
	switch o.Kind {
	case KindNone:
		return screen.NewBlind(), KindNone, nil
	case KindNative:
		return named(KindNative, o, openNative)
	case KindTerminal:
		return named(KindTerminal, o, openTerminal)
	case KindAuto, "":
		return openEither(o)
	}
	return nil, "", fmt.Errorf("%.60q is no kind of window; there are: auto, native, terminal, none", o.Kind)
}

func named(kind string, o WindowOptions, open func(WindowOptions) (screen.Window, error)) (screen.Window, string, error) {
	w, err := open(o)
	if err != nil {
		return nil, "", err
	}
	return w, kind, nil
}

func openEither(o WindowOptions) (screen.Window, string, error) {
	w, kind, nativeErr := named(KindNative, o, openNative)
	if nativeErr == nil {
		return w, kind, nil
	}
	if !isTerminal(o) {
		return nil, "", fmt.Errorf("%w; and standard input and output are no terminal", nativeErr)
	}
	w, kind, err := named(KindTerminal, o, openTerminal)
	if err != nil {
		return nil, "", errors.Join(nativeErr, err)
	}
	return w, kind, nil
}

func isTerminal(o WindowOptions) bool {
	return term.IsTerminal(int(o.In.Fd())) && term.IsTerminal(int(o.Out.Fd()))
}

func openTerminal(o WindowOptions) (screen.Window, error) {
	w, err := ansi.Open(ansi.Options{In: o.In, Out: o.Out, Title: o.Title, Getenv: o.Env})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Finding is one line of `doctor display`.
type Finding struct {
	What   string `json:"what"` // "display :0", "terminal"
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`        // what was found, or why not
	Fix    string `json:"fix,omitempty"` // what to do about it; "" if nothing needs to be done
}

// Describe looks at everything that this package could use.
func Describe(o WindowOptions) []Finding {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Env == nil {
		o.Env = os.Getenv
	}
	return append(describeDisplays(o.Env), describeTerminal(o))
}

// describeTerminal tells what a terminal window would look like.
func describeTerminal(o WindowOptions) Finding {
	f := Finding{What: "terminal"}
	switch {
	case !isTerminal(o):
		f.Detail = "standard input and output are no terminal"
	case o.Env("TERM") == "dumb":
		f.Detail, f.Fix = "TERM=dumb cannot show pictures", "run in a terminal that knows colours"
	default:
		f.OK = true
		colours := "256 colours"
		if c := o.Env("COLORTERM"); c == "truecolor" || c == "24bit" {
			colours = "true colour"
		}
		if o.Env("NO_COLOR") != "" {
			colours = "grey (NO_COLOR is set)"
		}
		cols, rows, err := term.GetSize(int(o.Out.Fd()))
		if err == nil {
			f.Detail = fmt.Sprintf("%s, %s, %d x %d cells", o.Env("TERM"), colours, cols, rows)
		} else {
			f.Detail = fmt.Sprintf("%s, %s", o.Env("TERM"), colours)
		}
	}
	return f
}
