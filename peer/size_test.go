package peer

import (
	"image"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/screentest"
)

// TestSizeFollows walks through whose window decides how large the display is.
func TestSizeFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		var mu sync.Mutex
		var got []image.Point
		h.host.o.Resize = func(p image.Point) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, p)
			return nil
		}
		became := func(what string, want ...image.Point) {
			t.Helper()
			time.Sleep(2 * time.Second) // more than sizeEach, and than a question freezes input
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
			got = nil
		}
		h.open(3)
		a := h.enter()
		go a.hears()
		seq := map[*guest]uint32{}
		tell := func(g *guest, w, h int) {
			seq[g]++
			g.say(wire.TypeSize, seq[g], wire.AppendSize(nil, image.Pt(w, h)))
		}
		became("nothing told")
		tell(a, 800, 600)
		became("the only one", image.Pt(800, 600))
		for i := range 100 {
			tell(a, 900+i, 700)
			time.Sleep(time.Millisecond)
		}
		became("who tells too often: the first, then the newest", image.Pt(900, 700), image.Pt(999, 700))
		b := h.enter()
		go b.hears()
		tell(b, 640, 480)
		became("nobody has control, two may")
		must(t, h.host.Pass(b.seat))
		became("one has control", image.Pt(640, 480))
		tell(a, 1000, 1000)
		became("who has it not")
		h.host.Pause(true)
		tell(b, 700, 500)
		became("paused")
		h.host.Pause(false)
		became("it goes on", image.Pt(700, 500))
		must(t, h.host.Grant(b.seat, looks))
		became("it lost the right; the other is the only one", image.Pt(1000, 1000))
		must(t, h.host.Grant(a.seat, looks))
		tell(a, 1, 1)
		tell(b, 2, 2)
		became("nobody may")
	})
}

// TestSizeIsTold: a window on a desktop tells its size once it has a picture and keeps
// still; a terminal's size means nothing.
func TestSizeIsTold(t *testing.T) {
	for kind, want := range map[string]int{Native: 2, "terminal": 0} {
		synctest.Test(t, func(t *testing.T) {
			v, err := NewView(ViewOptions{Key: newKey(t), Window: screentest.NewGlass(), Events: func(Event) {}, Kind: kind})
			must(t, err)
			size := func(w int) { v.do(screen.Resize{Size: image.Pt(w, 600), Visible: true}) }
			size(1024)
			time.Sleep(time.Second)
			if n := v.control.Waiting(); n != 0 {
				t.Errorf("%s: told %d times before there is a picture", kind, n)
			}
			v.sizeSoon(func(f *frame) { f.shows = true })
			time.Sleep(time.Second)
			for w := range 100 {
				size(800 + w)
				time.Sleep(10 * time.Millisecond)
			}
			size(899)
			time.Sleep(time.Second)
			size(899)
			time.Sleep(time.Second)
			if n := v.control.Waiting(); n != want {
				t.Errorf("%s: told %d times, want %d", kind, n, want)
			}
		})
	}
}
