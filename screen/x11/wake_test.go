package x11

import (
	"testing"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/screensaver"
	"github.com/jezek/xgb/xproto"
)

// A display that sleeps is switched on for a viewer that comes.
func TestWake(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	s, err := OpenSource(Options{Display: x.display})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := x.painter(t)
	if err := p.x.use("MIT-SCREEN-SAVER"); err != nil {
		t.Fatal(err)
	}
	saving := p.x.use("DPMS") == nil // Xvfb has no monitor to switch off
	if _, err := screensaver.QueryVersion(p.x.Conn, 1, 0).Reply(); err != nil {
		t.Fatal(err)
	}
	asleep := func() (saver bool, level uint16) {
		q, err := screensaver.QueryInfo(p.x.Conn, xproto.Drawable(p.x.root)).Reply()
		if err != nil {
			t.Fatal(err)
		}
		if saving {
			i, err := dpms.Info(p.x.Conn).Reply()
			if err != nil {
				t.Fatal(err)
			}
			level = i.PowerLevel
		}
		return q.State == screensaver.StateOn, level
	}
	if saving {
		dpms.Enable(p.x.Conn)
		dpms.ForceLevel(p.x.Conn, dpms.DPMSModeOff)
	}
	waitFor(t, "the display sleeps", func() bool {
		xproto.ForceScreenSaver(p.x.Conn, xproto.ScreenSaverActive)
		saver, level := asleep()
		return saver && (!saving || level == dpms.DPMSModeOff)
	})
	s.Wake()
	waitFor(t, "the display is awake", func() bool { saver, level := asleep(); return !saver && level == dpms.DPMSModeOn })
}
