package x11

import (
	"errors"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// desk makes a layout of up to four monitors as people have them: side by side or
// one above the other, of different sizes, with gaps, left and above of the first,
// and some that show the same part of the desktop.
func desk(rng *rand.Rand) *screen.Layout {
	l := &screen.Layout{}
	var at image.Point
	for n := range 1 + rng.IntN(4) {
		size := image.Pt(16+rng.IntN(2000), 16+rng.IntN(1500))
		r := image.Rectangle{Max: size}.Add(at)
		l.Pictures = append(l.Pictures, screen.Picture{ID: screen.PictureID(n), Rect: r})
		switch rng.IntN(5) {
		case 0:
			at = r.Min.Sub(image.Pt(16+rng.IntN(2000), 0))
		case 1:
			at = image.Pt(r.Min.X, r.Max.Y)
		case 2:
			at = r.Min // a mirror
		default:
			at = image.Pt(r.Max.X+rng.IntN(2)*rng.IntN(50), r.Min.Y+rng.IntN(300)-150)
		}
	}
	return l
}

// Whoever clicks on a pixel of a picture hits that pixel of that picture, however
// the monitors stand, whatever the window's size and scale; where several pixels
// of the host share one of the window it is one of those.
func TestTransformOfManyDesks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	for range 2000 {
		l := desk(rng)
		pics, size, err := arrange(l)
		if err != nil {
			t.Fatalf("%+v: %v", l, err)
		}
		s := &store{pics: pics, size: size}
		v := &view{window: image.Pt(64+rng.IntN(4000), 64+rng.IntN(3000)), canvas: size, scale: screen.Scale(rng.IntN(2))}
		v.pan = image.Pt(rng.IntN(3000), rng.IntN(3000))
		v.fit()
		to := v.at.Size()
		slack := image.Pt(max(0, (size.X-1)/to.X), max(0, (size.Y-1)/to.Y)) // whole pixels under one of the window
		if to.X < size.X {
			slack.X++
		}
		if to.Y < size.Y {
			slack.Y++
		}
		for _, p := range pics {
			if p.at.Size() != p.Rect.Size() {
				t.Fatalf("a picture of %v has room for %v", p.Rect.Size(), p.at.Size())
			}
			pixel := image.Pt(rng.IntN(p.Rect.Dx()), rng.IntN(p.Rect.Dy()))
			in := pixel.Add(p.at.Min)
			// The middle of where it is shown.
			click := image.Pt((2*in.X+1)*to.X/(2*size.X), (2*in.Y+1)*to.Y/(2*size.Y)).Add(v.at.Min)
			got := v.source(click)
			off := got.Sub(in)
			if abs(off.X) > slack.X || abs(off.Y) > slack.Y {
				t.Fatalf("%v in %v, scale %d: pixel %v of picture %d is hit at %v", size, v.window, v.scale, pixel, p.ID, got.Sub(p.at.Min))
			}
			if q, ok := s.under(got); slack == (image.Point{}) && (!ok || q.ID != p.ID) {
				t.Fatalf("%+v: a click on picture %d is one on %d", l, p.ID, q.ID)
			}
		}
		// Both ways agree about the corners of what is seen.
		for _, c := range []image.Point{v.at.Min, v.at.Max.Sub(image.Pt(1, 1))} {
			if got := v.source(c); !got.In(image.Rectangle{Max: size}) {
				t.Fatalf("%v in %v: the corner %v lies outside at %v", size, v.window, c, got)
			}
		}
	}
}
func abs(n int) int { return max(n, -n) }

// A region is a part of the root window, of which there may be less than was asked
// for; it never moves.
func TestRegion(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	p.fill(image.Rect(0, 0, 640, 480), 0x112233)
	p.fill(image.Rect(100, 50, 101, 51), 0xaabbcc)
	for name, want := range map[string]image.Rectangle{
		"200x100+100+50": image.Rect(100, 50, 300, 150),
		"9999x100+600+0": image.Rect(600, 0, 640, 100),
		"all":            image.Rect(0, 0, 640, 480),
	} {
		w := watch(t, Options{Display: x.display, Screen: name})
		w.next()
		if w.src.area != want || w.src.Size() != want.Size() {
			t.Errorf("%s is %v, want %v", name, w.src.area, want)
		}
		w.shows(p, want)
	}
	i := inject(t, x, InjectorOptions{Screen: "200x100+100+50"})
	if err := i.Pointer(screen.Pointer{At: image.Pt(3, 4)}); err != nil {
		t.Fatal(err)
	}
	i.x.Sync()
	if q, err := xproto.QueryPointer(p.x.Conn, p.x.root).Reply(); err != nil || q.RootX != 103 || q.RootY != 54 {
		t.Errorf("the pointer is at %d,%d: %v", q.RootX, q.RootY, err)
	}
	var no *screen.Refused
	if err := i.Pointer(screen.Pointer{At: image.Pt(200, 4)}); !errors.As(err, &no) || no.Reason != refuseOutside {
		t.Errorf("beside the region: %v", err)
	}
	for _, name := range []string{"200x100+640+0", "0x0+0+0", "99999x1+99999+99999", "100x100", "1x1+-1+0"} {
		if _, err := OpenSource(Options{Display: x.display, Screen: name}); err == nil {
			t.Errorf("%s was shared", name)
		}
	}
}
