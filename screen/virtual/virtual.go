// Package virtual starts an X server without a monitor and programs on it, so
// that a machine without a display can share one, and one program can be shared
// with nothing else beside it: there is no other window that a remote hand could
// reach.
//
// The server (Xvfb, else Xtigervnc) takes a free number itself, listens on no
// network and lets in only who has its cookie. Server and program end with the
// Display, and on Linux with this process however it dies: the kernel ends them
// (PR_SET_PDEATHSIG). The package does not speak X; package x11 does.
package virtual

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sizes of a display, px. The default fits a laptop's screen beside other windows.
var (
	DefaultSize = image.Pt(1280, 800)
	MinSize     = image.Pt(320, 200)
	MaxSize     = image.Pt(7680, 4320)
	// MaxRoom is as much as Xvfb makes room for, which it does at its start: 4 bytes
	// for each of these pixels, 33 MB. A viewer's screen is seldom larger.
	MaxRoom = image.Pt(3840, 2160)
)

// Options of Open.
type Options struct {
	Size image.Point // px; zero: DefaultSize
	// Room makes the server such that it can take other sizes later, up to MaxRoom
	// at least. Until it is told one it has any.
	Room bool
	Log  *slog.Logger
}

// Display is an X server and what runs on it.
type Display struct {
	Name      string // ":99"
	Authority string // file with its cookie, 0600
	Size      image.Point

	dir     string
	server  *child
	program *child // nil: none yet
	log     *slog.Logger
}

// ErrNoServer means that no X server for this is installed.
var ErrNoServer = errors.New("a display of its own needs Xvfb or Xtigervnc, and neither is installed")

// Hint says where they come from.
const Hint = "install one: the package xvfb (Debian, Ubuntu), xorg-x11-server-Xvfb (Fedora), xorg-server-xvfb (Arch, Alpine: xvfb)"

// startIn is how long a server may take: some 30 ms are usual, a loaded machine
// needs seconds.
const startIn = 20 * time.Second

// Open starts a server and returns when it takes connections.
func Open(o Options) (*Display, error) {
	if o.Size == (image.Point{}) {
		o.Size = DefaultSize
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	size := o.Size
	if o.Room {
		size = image.Pt(max(size.X, MaxRoom.X), max(size.Y, MaxRoom.Y))
	}
	cmd, err := command(size)
	if err != nil {
		return nil, err
	}
	d := &Display{Size: o.Size, log: o.Log}
	if d.dir, err = os.MkdirTemp("", "sightline-display-"); err != nil { // 0700
		return nil, err
	}
	d.Authority = filepath.Join(d.dir, "cookie")
	if err := os.WriteFile(d.Authority, cookie(), 0o600); err != nil {
		d.Close()
		return nil, err
	}
	if err := d.start(cmd); err != nil {
		d.Close()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return d, nil
}

// command is the server's line without what is only known later.
func command(size image.Point) (*exec.Cmd, error) {
	wh := fmt.Sprintf("%dx%d", size.X, size.Y)
	for _, line := range [][]string{
		{"Xvfb", "-screen", "0", wh + "x24", "-noreset"},
		{"Xtigervnc", "-geometry", wh, "-depth", "24", "-rfbport", "-1", "-SecurityTypes", "None"},
	} {
		if path, err := exec.LookPath(line[0]); err == nil {
			return exec.Command(path, line[1:]...), nil
		}
	}
	return nil, ErrNoServer
}

// start starts the server and reads its number.
func (d *Display) start(cmd *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Args = append(cmd.Args, "-displayfd", "3", "-nolisten", "tcp", "-auth", d.Authority)
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = os.Environ()
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	d.server, err = begin(cmd, true)
	w.Close()
	if err != nil {
		return err
	}
	r.SetReadDeadline(time.Now().Add(startIn))
	line, err := bufio.NewReader(r).ReadString('\n')
	number, bad := strconv.ParseUint(strings.TrimSpace(line), 10, 16)
	if err != nil || bad != nil {
		d.server.end()
		return fmt.Errorf("it did not come up: %s", said.last())
	}
	d.Name = ":" + strconv.FormatUint(number, 10)
	return nil
}

// cookie is an authority file with one entry that fits this server by whatever
// name it is called (libXau, Xauth.h: family wild, no number).
func cookie() []byte {
	const name = "MIT-MAGIC-COOKIE-1"
	b := []byte{0xff, 0xff, 0, 0, 0, 0}
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(name))), name...)
	b = binary.BigEndian.AppendUint16(b, 16)
	secret := make([]byte, 16)
	rand.Read(secret)
	return append(b, secret...)
}

// Run starts the program, by sh, with this display as its own. It is called once.
func (d *Display) Run(line string) error {
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = d.environment(os.Environ())
	var err error
	d.program, err = begin(cmd, false)
	return err
}

// environment is ours without what leads to another desktop: a toolkit that
// finds a Wayland session would open its windows there, and what is meant for
// this process alone stays here.
func (d *Display) environment(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "SIGHTLINE_") || slices.Contains([]string{
			"DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_SESSION_TYPE", "XDG_SESSION_ID", "WINDOWID", "DESKTOP_STARTUP_ID",
		}, name)
	})
	return append(env, "DISPLAY="+d.Name, "XAUTHORITY="+d.Authority, "XDG_SESSION_TYPE=x11")
}

// Ended is closed when the program has ended; nil before Run.
func (d *Display) Ended() <-chan struct{} {
	if d.program == nil {
		return nil
	}
	return d.program.done
}

// Fault tells, once Ended, that the program could not be run at all. How one
// that ran ended is its own matter.
func (d *Display) Fault() error {
	var exit *exec.ExitError
	if d.program != nil && errors.As(d.program.err, &exit) && (exit.ExitCode() == 126 || exit.ExitCode() == 127) {
		return errors.New("the program to be shared cannot be run")
	}
	return nil
}

// Close ends program and server and removes the cookie.
func (d *Display) Close() error {
	d.program.end()
	d.server.end()
	return os.RemoveAll(d.dir)
}

// Session is the line that starts a whole desktop, as a login would; "": none is
// installed.
func Session() string {
	for _, name := range sessions {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// sessions in the order of preference: what the distribution or the person chose,
// then what can be found.
var sessions = []string{
	"/etc/X11/Xsession", "startxfce4", "mate-session", "startlxqt", "startlxde", "cinnamon-session", "gnome-session",
	"icewm-session", "openbox-session", "openbox", "i3", "fluxbox", "twm",
}

// tail keeps the last bytes of what a server says, for an error message.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-1024):]
	return len(p), nil
}

// last is the last line that says something.
func (t *tail) last() string {
	lines := strings.FieldsFunc(string(t.b), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, l := range slices.Backward(lines) {
		if l = strings.TrimSpace(l); l != "" {
			return l
		}
	}
	return "it says nothing"
}
