package x11

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

func openBanner(t *testing.T, x *server) *Banner {
	t.Helper()
	b, err := OpenBanner(x.display, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// bar is where the colour of the banner stands on the screen.
func (p *painter) bar() (r image.Rectangle) {
	size, err := p.x.rootSize()
	if err != nil {
		p.t.Fatal(err)
	}
	f := p.shot(xproto.Drawable(p.x.root), image.Rectangle{Max: size})
	for y := range size.Y {
		row := f.Row(y, 0, size.X)
		for x := range size.X {
			if row[4*x] == bannerColour&0xff && row[4*x+1] == bannerColour>>8&0xff && row[4*x+2] == bannerColour>>16 {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

func TestBanner(t *testing.T) {
	x := startX(t, "800x600x24", "-noreset")
	p := x.painter(t)
	if err := p.x.use("XTEST"); err != nil {
		t.Fatal(err)
	}
	b := openBanner(t, x)
	if r := p.bar(); !r.Empty() {
		t.Fatalf("shown before anybody watches: %v", r)
	}
	if err := b.Show("anna watches \x1b[2J 你"); err != nil {
		t.Fatal(err)
	}
	r := p.bar()
	if r.Min.Y != 0 || r.Dx() < 100 || r.Dy() > 30 || r.Min.X+r.Max.X < 790 || r.Min.X+r.Max.X > 810 {
		t.Fatalf("the banner stands at %v", r)
	}
	if f := p.shot(xproto.Drawable(p.x.root), r); func() bool { // white on it
		for i := 0; i < len(f.Pix); i += 4 {
			if f.Pix[i] == 0xff && f.Pix[i+1] == 0xff && f.Pix[i+2] == 0xff {
				return false
			}
		}
		return true
	}() {
		t.Error("no words are on it")
	}

	// Windows come and cover it; a click moves it out of the way.
	for range 3 {
		over := p.cover(image.Rect(0, 0, 800, 600))
		waitFor(t, "the banner above a new window", func() bool { return p.bar() == r })
		xproto.DestroyWindow(p.x.Conn, over)
	}
	click := func(at image.Point) {
		xtest.FakeInput(p.x.Conn, xproto.MotionNotify, 0, 0, p.x.root, int16(at.X), int16(at.Y), 0)
		xtest.FakeInput(p.x.Conn, xproto.ButtonPress, 1, 0, p.x.root, 0, 0, 0)
		xtest.FakeInput(p.x.Conn, xproto.ButtonRelease, 1, 0, p.x.root, 0, 0, 0)
		p.x.Sync()
	}
	click(r.Min.Add(image.Pt(3, 3)))
	waitFor(t, "the banner at the lower edge", func() bool { return p.bar() == r.Add(image.Pt(0, 600-r.Dy())) })
	click(image.Pt(r.Min.X+3, 597))
	waitFor(t, "the banner at the upper edge", func() bool { return p.bar() == r })
	select {
	case <-b.Hidden():
		t.Error("told that it is hidden")
	default:
	}
	if err := b.Show(""); err != nil || !p.bar().Empty() {
		t.Errorf("it stays: %v, %v", err, p.bar())
	}
}

// Whoever does not let the banner be seen ends it, not for long unseen.
func TestBannerGivesUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(p *painter, b *Banner)
	}{
		{"raises itself each time", func(p *painter, b *Banner) {
			w := p.cover(image.Rect(0, 0, 800, 100))
			for range 200 {
				xproto.ConfigureWindow(p.x.Conn, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
				p.x.Sync()
				b.x.Sync()
			}
		}},
		{"unmaps it each time", func(p *painter, b *Banner) {
			for range 200 {
				xproto.UnmapWindow(p.x.Conn, b.win)
				p.x.Sync()
				b.x.Sync()
			}
		}},
		{"destroys it", func(p *painter, b *Banner) { xproto.DestroyWindow(p.x.Conn, b.win); p.x.Sync() }},
		{"kills us", func(p *painter, b *Banner) { xproto.KillClient(p.x.Conn, uint32(b.win)); p.x.Sync() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := startX(t, "800x600x24", "-noreset")
			p := x.painter(t)
			b := openBanner(t, x)
			if err := b.Show("anna watches"); err != nil {
				t.Fatal(err)
			}
			c.spoil(p, b)
			select {
			case <-b.Hidden():
			case <-time.After(10 * time.Second):
				t.Fatal("nobody is told")
			}
		})
	}
}
