package peer

import (
	"context"
	"image"
	"sync"
	"testing"
	"time"

	"sightline/screen"
	"sightline/screen/screentest"
)

// choosy is a source of two windows that change all the time.
type choosy struct {
	mu     sync.Mutex
	frames [2]*screen.Frame
	shared [2]bool
	told   bool
	n      int
}

func (c *choosy) Next(ctx context.Context, ch *screen.Change) error {
	if err := sleep(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.told {
		c.told, ch.Layout = true, &screen.Layout{}
		for i, on := range c.shared {
			if on {
				ch.Layout.Pictures = append(ch.Layout.Pictures, screen.Picture{ID: screen.PictureID(i), Rect: c.frames[i].Rect.Add(image.Pt(100*i, 0))})
			}
		}
	}
	if c.shared == [2]bool{} {
		return nil
	}
	c.n++
	at := c.n % 2
	if !c.shared[at] {
		at = 1 - at
	}
	f := c.frames[at]
	f.Fill(f.Rect, uint32(c.n*0x30507))
	ch.Picture, ch.Frame, ch.Damage = screen.PictureID(at), f, screen.Region{f.Rect}
	return nil
}
func (*choosy) Close() error { return nil }
func (c *choosy) Choices() ([]Window, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []Window{{ID: 0, Shared: c.shared[0]}, {ID: 1, Shared: c.shared[1]}}, nil
}
func (c *choosy) set(id WindowID, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared[id], c.told = on, false
}
func (c *choosy) Share(id WindowID) error { c.set(id, true); return nil }
func (c *choosy) Unshare(id WindowID) (screen.PictureID, error) {
	c.set(id, false)
	return screen.PictureID(id), nil
}
func (c *choosy) Shared() string { return "windows" }

// TestWindowsChangeMidway: a window that is shared in mid-session is seen, one that
// is taken away ends at once for everybody, and who comes later sees nothing of it.
func TestWindowsChangeMidway(t *testing.T) {
	src := &choosy{frames: [2]*screen.Frame{screen.NewFrame(image.Rect(0, 0, 64, 48)), screen.NewFrame(image.Rect(0, 0, 32, 32))}, shared: [2]bool{true, false}}
	r := newRig(t, func(o *HostOptions) { o.Source, o.Viewers = src, 2 })
	a := r.join(r.code(1), looks|acts)
	has := func(v *viewerRig, want ...bool) func() bool {
		return func() bool {
			for id, on := range want {
				if (v.view.Picture(screen.PictureID(id)) != nil) != on {
					return false
				}
			}
			return true
		}
	}
	until(t, r, has(a, true, false))
	must(t, r.host.ShareWindow(1))
	until(t, r, has(a, true, true))
	must(t, r.host.UnshareWindow(0))
	until(t, r, has(a, false, true))
	if r.host.canvas.Snapshot(0) != nil {
		t.Error("the host keeps the picture that was taken away")
	}
	must(t, r.host.UnshareWindow(1))
	until(t, r, has(a, false, false))
	must(t, a.glass.Wait(r.ctx, func(s screentest.Seen) bool { return s.Layout != nil && len(s.Layout.Pictures) == 0 }))
	if s := a.view.Status(); s.State != "connected" || !s.Bare {
		t.Errorf("without a picture it is %+v", s)
	}
	must(t, r.host.ShareWindow(1))
	until(t, r, has(a, false, true))
	b := r.join(r.code(1), looks)
	until(t, r, has(b, false, true))
	was := a.view.Picture(1)
	until(t, r, func() bool { now := a.view.Picture(1); return now != nil && now.Pix[0] != was.Pix[0] })
	must(t, r.host.ShareWindow(0))
	until(t, r, has(a, true, true))
	until(t, r, has(b, true, true))
	if n := count[Sharing](r.events); n != 5 {
		t.Errorf("told %d times", n)
	}
	if err := r.host.WouldShare(); ClassOf(err) != ClassPermission {
		t.Errorf("shared by ctl while a viewer holds the keyboard: %v", err)
	}
	whole := newRig(t, nil)
	if _, err := whole.host.Windows(); ClassOf(err) != ClassUsage {
		t.Errorf("windows of a whole screen: %v", err)
	}
}
