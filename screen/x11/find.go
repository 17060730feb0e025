package x11

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"sightline/screen"
)

// Attempt is one way to a display, and how it went.
type Attempt struct {
	Display   string // as DISPLAY
	Authority string // cookie file; "": none known
	How       string // where it was found: "the environment", "process 812"
	Forwarded bool   // it came with ssh -X and belongs to the other end
	Info      Info   // if it answered
	Err       error  // why not; nil: it answers
}

// Search is where displays are looked for. The zero value looks nowhere.
type Search struct {
	Env  func(string) string // our own environment
	Root fs.FS               // the file system, from "/": proc/, tmp/.X11-unix/
	// Forwarded displays are tried too: a window may open there, but the
	// screen of the other end is not what a host wants to share.
	Forwarded bool
	All       bool // do not stop at the first that answers
}

// Session says what kind of desktop runs here, as far as processes tell.
type Session struct {
	Wayland bool // a Wayland desktop
	How     string
}

// NotFound explains why no display answers; it wraps screen.ErrNoDisplay.
type NotFound struct {
	Tried   []Attempt
	Session Session
}

func (e *NotFound) Error() string {
	if len(e.Tried) == 0 {
		return "no display: DISPLAY is not set and no X server runs on this machine"
	}
	why := make([]string, 0, len(e.Tried))
	var gone []string
	for _, a := range e.Tried {
		if errors.Is(a.Err, errGone) {
			gone = append(gone, a.Display)
		}
	}
	for _, a := range e.Tried {
		if len(gone) > 1 && errors.Is(a.Err, errGone) {
			continue // a machine that crashed may have many: they are named at the end
		}
		// What Probe returns begins with these words.
		s := strings.TrimPrefix(a.Err.Error(), screen.ErrNoDisplay.Error()+": ")
		why = append(why, fmt.Sprintf("%s (from %s)", s, a.How))
	}
	if len(gone) > 1 {
		why = append(why, "the X servers of "+strings.Join(gone, ", ")+" are gone (their sockets are left over)")
	}
	return "no display: " + strings.Join(why, "; ")
}

// Unwrap makes errors.Is(err, screen.ErrNoDisplay) true.
func (e *NotFound) Unwrap() error { return screen.ErrNoDisplay }

// Find returns the first display that answers: that of the environment, else
// one of this machine, with the cookie of a process of its session, of the X
// server's command line or of ~/.Xauthority. The error is a *NotFound.
func Find(env func(string) string, root fs.FS) (Attempt, error) {
	tried, session := Search{Env: env, Root: root}.Run()
	for _, a := range tried {
		if a.Err == nil {
			return a, nil
		}
	}
	return Attempt{}, &NotFound{tried, session}
}

// Run tries what there is and tells how each went.
func (s Search) Run() ([]Attempt, Session) {
	list, session := s.candidates()
	if !s.All {
		list = s.asTold(list)
	}
	var tried []Attempt
	answered := map[string]bool{}
	for _, a := range list {
		if answered[a.Display] {
			continue
		}
		if a.Forwarded && !s.Forwarded {
			a.Err = errors.New(a.Display + ": forwarded by SSH, it is the screen of the other end")
		} else {
			a.Info, a.Err = Probe(a.Display, a.Authority)
		}
		tried = append(tried, a)
		if a.Err == nil {
			answered[a.Display] = true
			if !s.All {
				break
			}
		}
	}
	return tried, session
}

// asTold leaves only the display that DISPLAY names, with every cookie found for
// it: to share or to open another screen than the one that was named would show
// somebody what nobody meant to show. What SSH forwarded was not named by a
// person.
func (s Search) asTold(list []Attempt) []Attempt {
	if s.Env == nil {
		return list
	}
	told := s.Env("DISPLAY")
	want, err := parseDisplay(told)
	if told == "" || forwarded(told, s.Env) && !s.Forwarded {
		return list
	}
	return slices.DeleteFunc(list, func(a Attempt) bool {
		d, derr := parseDisplay(a.Display)
		return a.Display != told && (err != nil || derr != nil || d.host != want.host || d.number != want.number)
	})
}

// candidates lists each display with each cookie file once, best first.
func (s Search) candidates() ([]Attempt, Session) {
	var list []Attempt
	seen := map[[2]string]bool{}
	add := func(a Attempt) {
		if key := [2]string{a.Display, a.Authority}; !seen[key] {
			seen[key] = true
			list = append(list, a)
		}
	}
	home := ""
	if s.Env != nil {
		home = defaultAuthority(s.Env)
		if d := s.Env("DISPLAY"); d != "" {
			add(Attempt{Display: d, Authority: home, How: "the environment", Forwarded: forwarded(d, s.Env)})
		}
	}
	found, session := scan(s.Root)
	for _, a := range found {
		add(a)
	}
	for _, display := range sockets(s.Root) {
		add(Attempt{Display: display, Authority: home, How: "its socket"})
	}
	if s.Env != nil && (s.Env("WAYLAND_DISPLAY") != "" || s.Env("XDG_SESSION_TYPE") == "wayland") {
		session = Session{true, "the environment"}
	}
	return list, session
}

// forwarded recognises what sshd sets: localhost and a number from 10 on.
func forwarded(display string, env func(string) string) bool {
	a, err := parseDisplay(display)
	return err == nil && env("SSH_CONNECTION") != "" && a.host != "" && a.number >= 10
}

// sockets lists the displays whose X server listens on this machine.
func sockets(root fs.FS) (displays []string) {
	if root == nil {
		return nil
	}
	entries, err := fs.ReadDir(root, socketDir[1:])
	if err != nil {
		return nil
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.ParseUint(strings.TrimPrefix(e.Name(), "X"), 10, 15); err == nil && e.Name()[0] == 'X' {
			numbers = append(numbers, int(n))
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers[:min(len(numbers), maxDisplays)] {
		displays = append(displays, ":"+strconv.Itoa(n))
	}
	return displays
}

// Limits of looking at other people's processes, whose bytes are foreign.
const (
	maxProcesses = 4096
	maxEnviron   = 128 << 10 // bytes of one environment or command line
	maxDisplays  = 16        // different ways from processes, and sockets
)

// scan reads environments and command lines of processes that we may read: our
// own user's, or all as root. Only displays of this machine count: a foreign
// environment must not make us connect to anywhere else.
func scan(root fs.FS) (found []Attempt, session Session) {
	if root == nil {
		return nil, session
	}
	entries, err := fs.ReadDir(root, "proc")
	if err != nil {
		return nil, session
	}
	read := 0
	for _, e := range entries {
		if _, err := strconv.ParseUint(e.Name(), 10, 32); err != nil {
			continue
		}
		if read++; read > maxProcesses {
			break
		}
		p := process{dir: "proc/" + e.Name(), how: "process " + e.Name()}
		p.read(root)
		if a, ok := p.server(); ok {
			found = append(found, a)
		}
		if a, ok := p.client(); ok {
			found = append(found, a)
		}
		if p.env["WAYLAND_DISPLAY"] != "" || p.env["XDG_SESSION_TYPE"] == "wayland" {
			session = Session{true, p.how}
		}
	}
	return sorted(found), session
}

// sorted puts the most used way of each display first, and low numbers before
// high ones: the desktop's own display is older than nested ones.
func sorted(found []Attempt) []Attempt {
	votes := map[[2]string]int{}
	var list []Attempt
	for _, a := range found {
		key := [2]string{a.Display, a.Authority}
		if votes[key]++; votes[key] == 1 {
			list = append(list, a)
		}
	}
	number := func(a Attempt) int { d, _ := parseDisplay(a.Display); return d.number }
	slices.SortStableFunc(list, func(a, b Attempt) int {
		return cmp.Or(cmp.Compare(number(a), number(b)),
			-cmp.Compare(votes[[2]string{a.Display, a.Authority}], votes[[2]string{b.Display, b.Authority}]))
	})
	return list[:min(len(list), maxDisplays)]
}

// process is what one process tells about displays.
type process struct {
	dir, how string
	env      map[string]string // the names below only
	args     []string
}

func (p *process) read(root fs.FS) {
	p.env = map[string]string{}
	for _, kv := range fields(root, p.dir+"/environ") {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "DISPLAY", "XAUTHORITY", "HOME", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE":
			p.env[name] = value
		}
	}
	p.args = fields(root, p.dir+"/cmdline")
}

// fields reads strings that end with NUL, up to maxEnviron bytes of them.
func fields(root fs.FS, name string) (all []string) {
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, maxEnviron))
	for field := range bytes.SplitSeq(b, []byte{0}) {
		all = append(all, string(field))
	}
	return all
}

// client is the display that a process shows itself on.
func (p *process) client() (Attempt, bool) {
	display, ok := local(p.env["DISPLAY"])
	if !ok {
		return Attempt{}, false
	}
	return Attempt{Display: display, Authority: defaultAuthority(func(n string) string { return p.env[n] }), How: p.how}, true
}

// server is the display of an X server, by its command line:
//
//	/usr/lib/xorg/Xorg :0 -auth /run/user/1000/gdm/Xauthority ...
func (p *process) server() (Attempt, bool) {
	if len(p.args) < 2 || !isServer(p.args[0]) {
		return Attempt{}, false
	}
	display, auth := ":0", ""
	for i, arg := range p.args[1:] {
		if d, ok := local(arg); ok {
			display = d
		}
		if arg == "-auth" && i+2 < len(p.args) {
			auth = p.args[i+2]
		}
	}
	return Attempt{Display: display, Authority: auth, How: "the command line of its X server"}, auth != ""
}

func isServer(program string) bool {
	switch program[strings.LastIndexByte(program, '/')+1:] {
	case "X", "Xorg", "Xorg.wrap", "Xvfb", "Xvnc", "Xtigervnc", "Xephyr", "Xwayland":
		return true
	}
	return false
}

// local takes a display of this machine, without the screen: ":0.0" is ":0".
func local(display string) (string, bool) {
	a, err := parseDisplay(display)
	if err != nil || a.host != "" || a.socket != "" {
		return "", false
	}
	return ":" + strconv.Itoa(a.number), true
}
