package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"sightline/screen"
)

// TestLastFrameIsTold: the frame that makes the picture exact is told although
// nothing follows it. (When the Stats before it were less than a second old, a
// viewer never said "refined" of a picture at rest.)
func TestLastFrameIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := newRecord()
		v := &View{o: ViewOptions{Events: told.add}, glass: newGlass(screen.NewBlind(), screen.State{})}
		frame := func(exact bool) {
			v.glass.mu.Lock()
			v.glass.shown++
			v.glass.exact = exact
			v.glass.mu.Unlock()
			v.tell()
		}
		for range 12 { // a second and a bit
			frame(false)
			time.Sleep(95 * time.Millisecond)
		}
		if s := await[Stats](t, t.Context(), told, 1); s.Refined || s.FPS != 11 {
			t.Errorf("%+v", s)
		}
		frame(true) // the first exact one, told at once
		if n := count[Stats](told); n != 2 {
			t.Errorf("%d Stats when the picture stands", n)
		}
		if s := await[Stats](t, t.Context(), told, 2); !s.Refined || s.FPS != 2 {
			t.Errorf("%+v", s)
		}
		frame(false)
		frame(true)
		time.Sleep(5 * time.Second)
		if s := await[Stats](t, t.Context(), told, 3); !s.Refined || s.FPS != 2 {
			t.Errorf("%+v", s)
		}
		if n := count[Stats](told); n != 3 {
			t.Errorf("%d Stats after all grew quiet", n)
		}
	})
}
