package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/codec/clips"
)

// patience bounds every wait for another program.
const patience = 20 * time.Second

// stage is an X server with a window manager, of one scene.
type stage struct {
	ctx     context.Context
	dir     string // for the cookie and what the scene needs
	size    image.Point
	display string
	x       *xgb.Conn
	root    xproto.Window
	codes   map[xproto.Keysym]keycode
	running []*exec.Cmd
	clip    *clips.FixtureWriter
	calm    int           // see the constant
	bare    *screen.Frame // the screen without windows
}

// build starts everything. The caller strikes the stage also after an error.
func (s *stage) build() error {
	cookie := filepath.Join(s.dir, "cookie")
	if err := writeCookie(cookie); err != nil {
		return err
	}
	if err := s.serve(cookie); err != nil {
		return err
	}
	// xgb finds the cookie in the environment only, and so do our children.
	for k, v := range map[string]string{"XAUTHORITY": cookie, "DISPLAY": s.display} {
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	x, err := xgb.NewConnDisplay(s.display)
	if err != nil {
		return fmt.Errorf("connect to Xvfb: %w", err)
	}
	s.x = x
	if err := xtest.Init(x); err != nil {
		return fmt.Errorf("ask Xvfb for XTEST: %w", err)
	}
	s.root = xproto.Setup(x).DefaultScreen(x).Root
	s.warp(image.Pt(s.size.X-1, s.size.Y-1))
	if err := s.learnKeys(); err != nil {
		return err
	}
	return s.manage()
}

// serve starts Xvfb on a number that it chooses itself.
func (s *stage) serve(cookie string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	screen := fmt.Sprintf("%dx%dx24", s.size.X, s.size.Y)
	cmd := exec.CommandContext(s.ctx, "Xvfb", "-displayfd", "3", "-screen", "0", screen, "-nolisten", "tcp", "-noreset", "-auth", cookie)
	cmd.ExtraFiles = []*os.File{w}
	err = s.begin(cmd)
	w.Close()
	if err != nil {
		return err
	}
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return fmt.Errorf("wait for Xvfb: %w", err)
	}
	s.display = ":" + strings.TrimSpace(line)
	return nil
}

// writeCookie makes an Xauthority file (Xau(3)) that fits every address and
// display number: family 65535, empty address and number.
func writeCookie(name string) error {
	const protocol = "MIT-MAGIC-COOKIE-1"
	cookie := make([]byte, 16)
	if _, err := rand.Read(cookie); err != nil {
		return err
	}
	b := []byte{0xff, 0xff, 0, 0, 0, 0}
	for _, field := range []string{protocol, string(cookie)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return os.WriteFile(name, b, 0o600)
}

// manage starts the window manager and waits until it says that it is there.
func (s *stage) manage() error {
	if err := s.run("openbox", "--sm-disable"); err != nil {
		return err
	}
	atom, err := xproto.InternAtom(s.x, false, uint16(len("_NET_SUPPORTING_WM_CHECK")), "_NET_SUPPORTING_WM_CHECK").Reply()
	if err != nil {
		return err
	}
	return s.until("openbox", func() (bool, error) {
		p, err := xproto.GetProperty(s.x, false, s.root, atom.Atom, xproto.AtomWindow, 0, 1).Reply()
		return err == nil && p.ValueLen > 0, err
	})
}

// run starts a client of the display.
func (s *stage) run(program string, args ...string) error {
	return s.begin(exec.CommandContext(s.ctx, program, args...))
}

func (s *stage) begin(cmd *exec.Cmd) error {
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+s.dir, "LESSHISTFILE=-")
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	s.running = append(s.running, cmd)
	return nil
}

// strike ends all programs, the last first, and waits for them.
func (s *stage) strike() {
	if s.x != nil {
		s.x.Close()
	}
	for i := len(s.running) - 1; i >= 0; i-- {
		s.running[i].Process.Kill()
		s.running[i].Wait() // killed: it cannot but fail
	}
}

// until asks again and again until the answer is yes.
func (s *stage) until(what string, yes func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(s.ctx, patience, errors.New("no sign of "+what))
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hang puts a photo on the root window.
func (s *stage) hang(look int, seed uint32) error {
	f := screen.NewFrame(image.Rectangle{Max: s.size})
	clips.Photo(f, look, seed)
	pixmap, err := xproto.NewPixmapId(s.x)
	if err != nil {
		return err
	}
	gc, err := xproto.NewGcontextId(s.x)
	if err != nil {
		return err
	}
	xproto.CreatePixmap(s.x, 24, pixmap, xproto.Drawable(s.root), uint16(s.size.X), uint16(s.size.Y))
	xproto.CreateGC(s.x, gc, xproto.Drawable(pixmap), 0, nil)
	const strip = 16 // rows: a request is limited to 256 kB
	for y := 0; y < s.size.Y; y += strip {
		h := min(strip, s.size.Y-y)
		xproto.PutImage(s.x, xproto.ImageFormatZPixmap, xproto.Drawable(pixmap), gc, uint16(s.size.X), uint16(h), 0, int16(y), 0, 24, f.Pix[y*f.Stride:(y+h)*f.Stride])
	}
	xproto.ChangeWindowAttributes(s.x, s.root, xproto.CwBackPixmap, []uint32{uint32(pixmap)})
	return xproto.ClearAreaChecked(s.x, false, s.root, 0, 0, 0, 0).Check()
}
