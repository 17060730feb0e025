package x11

import (
	"image"
	"testing"

	"github.com/jezek/xgb/randr"
)

// TestResizeScreen: an Xvfb takes any size up to its first one, as often as somebody
// likes, and tells its clients; nothing is left of the sizes before.
func TestResizeScreen(t *testing.T) {
	t.Parallel()
	x := startX(t, "1920x1080x24")
	resize := func(size image.Point) image.Point {
		t.Helper()
		got, err := ResizeScreen(x.display, "", size)
		if err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		return got
	}
	w := watch(t, Options{Display: x.display})
	for _, size := range []image.Point{{640, 480}, {801, 603}, {1920, 1080}, {320, 200}, {801, 603}} {
		resize(size)
		w.until("the picture has the display's size", func() bool { return w.pic != nil && w.pic.Rect.Size() == size })
	}
	if got, want := resize(image.Pt(60000, 700)), image.Pt(1920, 700); got != want {
		t.Errorf("too wide became %v", got)
	}
	p := x.painter(t)
	if err := p.x.use("RANDR"); err != nil {
		t.Fatal(err)
	}
	randr.QueryVersion(p.x.Conn, 1, 3).Reply()
	if m, err := p.x.readMonitor(); err != nil || len(m.ours) != 1 {
		t.Errorf("%d modes of ours are left, %v", len(m.ours), err)
	}
	if _, err := ResizeScreen(":987", "", image.Pt(640, 480)); err == nil {
		t.Error("a display that is not there was resized")
	}
}
