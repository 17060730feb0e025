package x11

import (
	"context"
	"image"
	"testing"
	"time"

	"sightline/screen"
)

// A window is shared and taken away while another one is: what is not chosen is
// never seen, and the fence follows at once.
func TestWindowsChosenMidway(t *testing.T) {
	x := startX(t, "640x480x24")
	first := x.victim(t, "first", image.Rect(20, 20, 200, 150), 0x204060)
	second := x.victim(t, "second", image.Rect(220, 20, 400, 150), 0x00aa00)
	x.victim(t, "private", image.Rect(20, 200, 400, 400), forbidden)
	a := x.share(t, "first")
	var _ screen.Chooser = a.src
	a.until("the first", func() bool { return a.pixel(0, 5, 5) == 0x204060 })

	chosen := func() map[string]bool {
		list, err := a.src.Choices()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, c := range list {
			if c.Size.X < 100 || c.Class != c.Title {
				t.Errorf("choice %+v", c)
			}
			got[c.Title] = c.Shared
		}
		return got
	}
	if got := chosen(); len(got) != 3 || !got["first"] || got["second"] || got["private"] {
		t.Errorf("choices %v", got)
	}
	if err := a.src.Share(0x7fffffff); err == nil {
		t.Error("a window that does not exist was shared")
	}
	share := func(id screen.WindowID) {
		t.Helper()
		if err := a.src.Share(id); err != nil {
			t.Fatal(err)
		}
	}

	// While Next waits, as it does for most of the time.
	waiting, came := make(chan struct{}), make(chan screen.Change, 1)
	go func() {
		close(waiting)
		var c screen.Change
		for c.Layout == nil {
			if a.src.Next(deadline(t), &c) != nil {
				break
			}
		}
		came <- c
	}()
	<-waiting
	share(screen.WindowID(second.win))
	c := <-came
	if c.Layout == nil || len(c.Layout.Pictures) != 2 {
		t.Fatalf("a Next that waited tells %+v", c.Layout)
	}
	a.canvas.Update(&c)
	share(screen.WindowID(second.win)) // again: no news
	a.until("the second", func() bool { return len(a.canvas.Layout().Pictures) == 2 && a.pixel(1, 5, 5) == 0x00aa00 })
	if _, ok := a.src.Group().has(second.win); !ok {
		t.Error("the fence does not know the second")
	}

	gone, err := a.src.Unshare(screen.WindowID(first.win))
	if err != nil || gone != 0 {
		t.Fatalf("picture %d taken away, %v", gone, err)
	}
	if _, ok := a.src.Group().has(first.win); ok {
		t.Error("the fence lets hands into the first")
	}
	a.canvas.Forget(gone)
	if a.canvas.Snapshot(gone) != nil {
		t.Error("the picture of the first is kept")
	}
	a.until("the second alone", func() bool { return len(a.canvas.Layout().Pictures) == 1 })
	if got := chosen(); got["first"] || !got["second"] {
		t.Errorf("choices %v", got)
	}
	share(screen.WindowID(first.win)) // as another picture
	a.until("the first again", func() bool { return len(a.canvas.Layout().Pictures) == 2 && a.pixel(2, 5, 5) == 0x204060 })
	for _, w := range []screen.WindowID{screen.WindowID(first.win), screen.WindowID(second.win)} {
		id, err := a.src.Unshare(w)
		if err != nil {
			t.Fatal(err)
		}
		a.canvas.Forget(id)
	}
	if _, ok := a.src.Group().has(first.win); ok || a.src.Shared() != "none now" {
		t.Errorf("shared is %s", a.src.Shared())
	}
	if c.Reset(); a.src.Next(deadline(t), &c) != nil || c.Layout == nil || len(c.Layout.Pictures) != 0 {
		t.Errorf("without a window the layout is %+v", c.Layout)
	}
	quiet, enough := context.WithTimeout(t.Context(), 300*time.Millisecond) // the pointer's looks, and nothing to tell
	defer enough()
	if c.Reset(); a.src.Next(quiet, &c) == nil {
		t.Errorf("without a window it tells %+v", c)
	}
	share(screen.WindowID(second.win))
	a.until("the second after nothing", func() bool {
		return len(a.canvas.Layout().Pictures) == 1 && a.pixel(a.canvas.Layout().Pictures[0].ID, 5, 5) == 0x00aa00
	})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := a.src.Next(ctx, &c); err == nil {
		t.Error("goes on after its end")
	}
}
