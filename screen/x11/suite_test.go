package x11

import (
	"image"
	"math/bits"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/screentest"
)

func TestSourceSuite(t *testing.T) {
	x := startX(t, "320x200x24")
	p := x.painter(t)
	n := uint32(0)
	screentest.TestSource(t, func(t *testing.T) (screen.Source, func()) {
		s, err := OpenSource(Options{Display: x.display})
		if err != nil {
			t.Fatal(err)
		}
		return s, func() {
			n += 0x010305
			p.fill(image.Rect(10, 10, 50, 40), n)
			p.x.Sync()
		}
	})
}

func TestInjectorSuite(t *testing.T) {
	x := startX(t, "320x200x24")
	p := x.painter(t)
	screentest.TestInjector(t, func(t *testing.T) screentest.Hand {
		i := inject(t, x, InjectorOptions{})
		return screentest.Hand{Injector: i, Bounds: image.Rect(0, 0, 320, 200), Held: func() (keys, buttons int) {
			i.x.Sync()
			k, err := xproto.QueryKeymap(p.x.Conn).Reply()
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range k.Keys {
				keys += bits.OnesCount8(b)
			}
			m, err := xproto.QueryPointer(p.x.Conn, p.x.root).Reply()
			if err != nil {
				t.Fatal(err)
			}
			return keys, bits.OnesCount16(m.Mask & 0x1f00)
		}}
	})
}

func TestWindowSuite(t *testing.T) {
	x := startX(t, "640x480x24")
	screentest.TestWindow(t, func(t *testing.T) screen.Window {
		w, err := OpenWindow(WindowOptions{Display: x.display})
		if err != nil {
			t.Fatal(err)
		}
		return w
	})
}
