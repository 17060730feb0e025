package x11

import (
	"errors"
	"fmt"
	"image"
	"strings"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
)

// ResizeScreen gives a display without a monitor another size, px, within what its
// server can; that is what it returns. Xvfb (since 21.1) can be anything that is not
// larger than at its start, Xtigervnc anything.
func ResizeScreen(display, authority string, size image.Point) (image.Point, error) {
	x, err := connect(display, authority)
	if err != nil {
		return size, err
	}
	defer x.drain()
	defer x.close()
	if err := x.use("RANDR"); err != nil {
		return size, err
	}
	if _, err := randr.QueryVersion(x.Conn, 1, 3).Reply(); err != nil {
		return size, err
	}
	room, err := randr.GetScreenSizeRange(x.Conn, x.root).Reply()
	if err != nil {
		return size, err
	}
	size.X = min(max(size.X, int(room.MinWidth)), int(room.MaxWidth))
	size.Y = min(max(size.Y, int(room.MinHeight)), int(room.MaxHeight))
	m, err := x.readMonitor()
	if err != nil || m.size == size {
		return size, err
	}
	if err := x.setMode(m, size); err != nil {
		return size, fmt.Errorf("make the display %dx%d: %w", size.X, size.Y, err)
	}
	x.dropModes(m)
	return size, nil
}

// monitor is the only one of a display without a monitor.
type monitor struct {
	out  randr.Output
	crtc randr.Crtc
	size image.Point
	ours []randr.Mode // modes that were made for sizes before this one
	now  xproto.Timestamp
}

// modePrefix begins the names of modes that we made.
const modePrefix = "sightline-"

func (c *client) readMonitor() (m monitor, err error) {
	if m.size, err = c.rootSize(); err != nil {
		return m, err
	}
	res, err := randr.GetScreenResourcesCurrent(c.Conn, c.root).Reply()
	if err != nil {
		return m, err
	}
	if len(res.Outputs) != 1 || len(res.Crtcs) == 0 {
		return m, errors.New("it has not just one monitor")
	}
	m.out, m.crtc, m.now = res.Outputs[0], res.Crtcs[0], res.ConfigTimestamp
	names := string(res.Names)
	for _, mode := range res.Modes {
		n := min(int(mode.NameLen), len(names))
		if strings.HasPrefix(names[:n], modePrefix) {
			m.ours = append(m.ours, randr.Mode(mode.Id))
		}
		names = names[n:]
	}
	return m, nil
}

// setMode makes a mode of this size and switches to it, in one step for everybody
// who watches. The rate of 60 Hz is nobody's, but programs read it.
func (c *client) setMode(m monitor, size image.Point) error {
	name := fmt.Sprintf("%s%dx%d", modePrefix, size.X, size.Y)
	w, h := uint16(size.X), uint16(size.Y)
	made, err := randr.CreateMode(c.Conn, c.root, randr.ModeInfo{
		Width: w, Height: h, DotClock: uint32(60 * size.X * size.Y), NameLen: uint16(len(name)),
		HsyncStart: w, HsyncEnd: w, Htotal: w, VsyncStart: h, VsyncEnd: h, Vtotal: h,
	}, name).Reply()
	if err != nil {
		return err
	}
	if err := randr.AddOutputModeChecked(c.Conn, m.out, made.Mode).Check(); err != nil {
		return err
	}
	xproto.GrabServer(c.Conn)
	defer xproto.UngrabServer(c.Conn)
	if err := c.lightUp(m, 0); err != nil {
		return err
	}
	mm := func(px int) uint32 { return uint32(px * 254 / 960) } // at 96 dpi
	if err := randr.SetScreenSizeChecked(c.Conn, c.root, w, h, mm(size.X), mm(size.Y)).Check(); err != nil {
		return err
	}
	return c.lightUp(m, made.Mode)
}

// lightUp switches the monitor to a mode; 0: off.
func (c *client) lightUp(m monitor, mode randr.Mode) error {
	var on []randr.Output
	if mode != 0 {
		on = []randr.Output{m.out}
	}
	r, err := randr.SetCrtcConfig(c.Conn, m.crtc, xproto.TimeCurrentTime, m.now, 0, 0, mode, randr.RotationRotate0, on).Reply()
	if err == nil && r.Status != randr.SetConfigSuccess {
		err = fmt.Errorf("RANDR status %d", r.Status)
	}
	return err
}

// dropModes forgets what was made for sizes before.
func (c *client) dropModes(m monitor) {
	for _, mode := range m.ours {
		randr.DeleteOutputMode(c.Conn, m.out, mode)
		randr.DestroyMode(c.Conn, mode)
	}
	c.Sync()
}
