//go:build linux || freebsd || openbsd || netbsd || dragonfly || solaris || illumos

package desktop

import (
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"strings"

	"sightline/screen"
	"sightline/screen/virtual"
	"sightline/screen/x11"
)

// waylandWords is the one true sentence about Wayland.
const waylandWords = "this desktop runs on Wayland, where X11 capture would only show black; log in to an Xorg session, or share a program on a display of its own (--app CMD, --virtual 1920x1080) or the built-in desktop (--source pattern)"

// fileSystem is where displays are looked for.
func fileSystem() fs.FS { return os.DirFS("/") }

// openScreen shares the first display that answers. An X server inside a
// Wayland desktop answers too, with a black root window: that is refused.
func openScreen(o Options, output string) (*Shared, error) {
	found, err := find(o.Env, fileSystem())
	if err != nil {
		return nil, err
	}
	shared, size, err := open(o, found.Display, found.Authority, output)
	if err != nil {
		return nil, err
	}
	sign, err := x11.OpenBanner(found.Display, found.Authority)
	if err != nil {
		shared.Close()
		return nil, err
	}
	shared.Sign = sign
	shared.Env = []string{"DISPLAY=" + found.Display}
	if found.Authority != "" {
		shared.Env = append(shared.Env, "XAUTHORITY="+found.Authority)
	}
	shared.What = fmt.Sprintf("display %s (%dx%d), found through %s", found.Display, size.X, size.Y, found.How)
	if output != "" {
		shared.What = fmt.Sprintf("screen %s of display %s (%dx%d), found through %s", output, found.Display, size.X, size.Y, found.How)
	}
	return shared, nil
}

// openWindows shares single windows of the first display that answers.
func openWindows(o Options) (*Shared, error) {
	found, err := find(o.Env, fileSystem())
	if err != nil {
		return nil, err
	}
	src, err := x11.OpenWindows(x11.WindowsOptions{
		Display: found.Display, Authority: found.Authority, Windows: o.Windows, MaxFPS: o.MaxFPS, Log: o.Log,
	})
	var none *x11.NoWindow
	if errors.As(err, &none) {
		return nil, &NoWindow{err, none.Hint()}
	}
	if err != nil {
		return nil, err
	}
	inj, err := x11.OpenInjector(x11.InjectorOptions{
		Display: found.Display, Authority: found.Authority, Group: src.Group(), Raise: o.Raise,
		Guardian: o.Guardian, LocalPause: o.LocalPause, Log: o.Log,
	})
	if err != nil {
		src.Close()
		return nil, err
	}
	shared := &Shared{Source: src, Injector: inj, Panic: inj.Panic()}
	if shared.Sign, err = x11.OpenBanner(found.Display, found.Authority); err != nil {
		shared.Close()
		return nil, err
	}
	if clip, err := x11.OpenClipboard(x11.ClipboardOptions{Display: found.Display, Authority: found.Authority, Group: src.Group(), Log: o.Log}); err == nil {
		shared.Clipboard = clip // else everything but copying works
	}
	shared.What = fmt.Sprintf("windows of display %s: %s", found.Display, src.Shared())
	return shared, nil
}

// open opens a display for a host.
func open(o Options, display, authority, output string) (*Shared, image.Point, error) {
	src, err := x11.OpenSource(x11.Options{Display: display, Authority: authority, Screen: output, MaxFPS: o.MaxFPS, Log: o.Log})
	if err != nil {
		return nil, image.Point{}, err
	}
	inj, err := x11.OpenInjector(x11.InjectorOptions{
		Display: display, Authority: authority, Screen: output, Guardian: o.Guardian, LocalPause: o.LocalPause, Log: o.Log,
	})
	if err != nil {
		src.Close()
		return nil, image.Point{}, err
	}
	shared := &Shared{Source: src, Injector: inj, Panic: inj.Panic()}
	if clip, err := x11.OpenClipboard(x11.ClipboardOptions{Display: display, Authority: authority, Log: o.Log}); err == nil {
		shared.Clipboard = clip // else everything but copying works
	}
	return shared, src.Size(), nil
}

// noServer is virtual.ErrNoServer with what to do about it.
type noServer struct{ error }

func (noServer) Hint() string    { return virtual.Hint }
func (e noServer) Unwrap() error { return e.error }

// openVirtual starts a display and what is to run there.
func openVirtual(o Options) (*Shared, error) {
	line, what := o.App, o.App
	if line == "" {
		if line, what = virtual.Session(), "a desktop session"; line == "" {
			return nil, fmt.Errorf("%w: no desktop session is installed that could be started; name a program with --app", screen.ErrNoDisplay)
		}
	}
	d, resize, err := openDisplay(o)
	if err != nil {
		return nil, err
	}
	o.LocalPause = 0
	shared, size, err := open(o, d.Name, d.Authority, "")
	if err != nil {
		d.Close()
		return nil, err
	}
	shared.own = []io.Closer{d}
	if o.App != "" { // a session brings its own
		m, err := x11.OpenManager(d.Name, d.Authority)
		if err != nil {
			shared.Close()
			return nil, err
		}
		shared.own = []io.Closer{m, d}
	}
	if err := d.Run(line); err != nil {
		shared.Close()
		return nil, err
	}
	shared.What = fmt.Sprintf("%s, alone on a display of its own (%s, %dx%d)", what, d.Name, size.X, size.Y)
	if shared.Resize = resize; resize != nil {
		shared.What = fmt.Sprintf("%s, alone on a display of its own (%s, as large as the window of who controls it)", what, d.Name)
	}
	shared.Ended, shared.Fault = d.Ended(), d.Fault
	return shared, nil
}

// openDisplay starts a display and, if it is to follow others' sizes and can, gives a
// function for that. A server that cannot, as Xvfb before 21.1, is started anew.
func openDisplay(o Options) (*virtual.Display, func(image.Point) error, error) {
	d, err := virtual.Open(virtual.Options{Size: o.Virtual, Room: o.Follow, Log: o.Log})
	if err != nil {
		err = fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
		if errors.Is(err, virtual.ErrNoServer) {
			err = noServer{err}
		}
		return nil, nil, err
	}
	if !o.Follow {
		return d, nil, nil
	}
	resize := func(size image.Point) error {
		size.X = min(max(size.X, virtual.MinSize.X), virtual.MaxSize.X)
		size.Y = min(max(size.Y, virtual.MinSize.Y), virtual.MaxSize.Y)
		_, err := x11.ResizeScreen(d.Name, d.Authority, size)
		return err
	}
	if err := resize(d.Size); err != nil {
		if o.Log != nil {
			o.Log.Warn("the display keeps its size, whoever controls it", "err", err)
		}
		d.Close()
		o.Follow = false
		return openDisplay(o)
	}
	return d, resize, nil
}

// find looks for the display that is to be shared. The first that answers
// decides: behind an Xwayland there may be an Xvfb of somebody's tests, which
// is not what a person means by "my screen".
func find(env func(string) string, root fs.FS) (x11.Attempt, error) {
	wayland := fmt.Errorf("%w: %s", screen.ErrNoDisplay, waylandWords)
	if env("WAYLAND_DISPLAY") != "" && env("DISPLAY") == "" {
		return x11.Attempt{}, wayland
	}
	a, err := x11.Find(env, root)
	var none *x11.NotFound
	switch {
	case errors.As(err, &none) && none.Session.Wayland, err == nil && a.Info.Xwayland:
		return x11.Attempt{}, wayland
	}
	return a, err
}

// openNative opens a window on the display of our environment; where that is
// not set, on one of this machine. A display behind ssh -X is as good.
func openNative(o WindowOptions) (screen.Window, error) {
	s := x11.Search{Env: o.Env, Forwarded: true}
	if o.Env("DISPLAY") == "" && o.Env("SSH_CONNECTION") == "" {
		s.Root = fileSystem()
	}
	tried, session := s.Run()
	for _, a := range tried {
		if a.Err != nil {
			continue
		}
		w, err := x11.OpenWindow(x11.WindowOptions{Display: a.Display, Authority: a.Authority, Title: o.Title, Log: o.Log})
		if err != nil {
			return nil, err
		}
		return w, nil
	}
	return nil, &x11.NotFound{Tried: tried, Session: session}
}

// describeDisplays lists the displays of this machine.
func describeDisplays(env func(string) string) (all []Finding) {
	tried, session := x11.Search{Env: env, Root: fileSystem(), All: true, Forwarded: true}.Run()
	for _, a := range tried {
		all = append(all, describe(a))
	}
	if len(tried) == 0 {
		all = append(all, Finding{
			What: "display", Detail: "DISPLAY is not set and no X server runs on this machine",
			Fix: "start this in a desktop session; or share a program on a display of its own (`host --app CMD`) or a whole session there (`host --virtual 1920x1080`)",
		})
	}
	if session.Wayland {
		all = append(all, Finding{What: "session", Detail: "Wayland, found in " + session.How, Fix: waylandWords})
	}
	return all
}

func describe(a x11.Attempt) Finding {
	f := Finding{What: "display " + a.Display}
	cookie := "no cookie needed"
	if _, err := os.Stat(a.Authority); err == nil {
		cookie = "cookie file " + a.Authority
	}
	if a.Err != nil {
		why := strings.TrimPrefix(a.Err.Error(), screen.ErrNoDisplay.Error()+": ")
		f.Detail = fmt.Sprintf("%s (found in %s)", strings.TrimPrefix(why, a.Display+": "), a.How)
		f.Fix = fixFor(a.Err)
		return f
	}
	i := a.Info
	f.OK = !i.Xwayland
	parts := []string{fmt.Sprintf("%dx%d, %d bits", i.Size.X, i.Size.Y, i.Depth), "found in " + a.How, cookie}
	for _, out := range i.Outputs {
		parts = append(parts, fmt.Sprintf("screen:%s %dx%d+%d+%d", out.Name, out.Rect.Dx(), out.Rect.Dy(), out.Rect.Min.X, out.Rect.Min.Y))
	}
	if a.Forwarded {
		parts = append(parts, "forwarded by SSH: for windows only")
	}
	if !i.Shared {
		parts = append(parts, "no shared memory, pictures go through the socket")
	}
	if len(i.Missing) > 0 {
		parts = append(parts, "without "+strings.Join(i.Missing, ", "))
		f.OK = f.OK && !needed(i.Missing)
	}
	if i.Xwayland {
		parts = append(parts, "Xwayland: windows work, capture would be black")
		f.Fix = waylandWords
	}
	f.Detail = strings.Join(parts, "; ")
	return f
}

// needed tells whether a host cannot do without one of these extensions.
func needed(missing []string) bool {
	for _, m := range missing {
		if m == "DAMAGE" || m == "XFIXES" || m == "XTEST" {
			return true
		}
	}
	return false
}

func fixFor(err error) string {
	switch {
	case strings.Contains(err.Error(), "permission denied"):
		return "run as the user of that session, or as root"
	case strings.Contains(err.Error(), "the X server refused"):
		return "set XAUTHORITY to the cookie file of that session"
	case strings.Contains(err.Error(), "is gone"):
		return "" // a leftover harms nobody
	case errors.Is(err, screen.ErrNoDisplay):
		return "start this in a desktop session, or set DISPLAY"
	}
	return ""
}
