package x11

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// A menu over the edge of a picture neither moves nor scales it while the screen has
// room for the menu, and is in that room. Where it has none the picture makes way; it
// becomes smaller only if nothing else helps.
func TestViewWithMenu(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 10))
	box := func(in image.Rectangle) image.Rectangle {
		min := in.Min.Add(image.Pt(rng.IntN(in.Dx()), rng.IntN(in.Dy())))
		return image.Rectangle{Min: min, Max: min.Add(image.Pt(1+rng.IntN(400), 1+rng.IntN(400)))}
	}
	kept, made := 0, 0
	for range 2000 {
		lasting := image.Rectangle{Max: image.Pt(50+rng.IntN(1500), 50+rng.IntN(1000))}
		over := box(lasting.Inset(-20))
		canvas := lasting.Union(over)
		plain := view{window: image.Pt(64+rng.IntN(1500), 64+rng.IntN(1000)), canvas: lasting.Size()}
		plain.fit()
		v := view{window: plain.window, canvas: canvas.Size(), lasting: lasting.Sub(canvas.Min), over: over.Sub(canvas.Min)}
		v.room = image.Rect(-rng.IntN(300), -rng.IntN(300), v.window.X+rng.IntN(300), v.window.Y+rng.IntN(300))
		v.fit()
		is, menu := v.covers(v.lasting), v.covers(v.over)
		if !menu.In(v.room.Inset(-1)) || !is.In(v.room.Inset(-1)) {
			t.Fatalf("%+v: window at %v, menu at %v", v, is, menu)
		}
		if off := is.Size().Sub(plain.at.Size()); abs(off.X) > 1 || abs(off.Y) > 1 {
			if s := is.Union(menu).Size(); s.X < v.window.X-2 && s.Y < v.window.Y-2 {
				t.Fatalf("%+v: smaller than it need be: %v", v, is)
			}
			continue
		}
		free := plain.at.Add(image.Point{})
		if free.Union(menu.Sub(is.Min).Add(free.Min)).In(v.room) {
			kept++
			if off := is.Min.Sub(plain.at.Min); abs(off.X) > 1 || abs(off.Y) > 1 {
				t.Fatalf("%+v: moved by %v", v, off)
			}
		} else {
			made++
		}
	}
	if kept < 100 || made < 100 {
		t.Errorf("%d times nothing moved, %d times the picture made way", kept, made)
	}
}

// menuOver is a picture with a window of 300x200 and a menu of 100x110 over its lower edge.
var menuOver = screen.Picture{Rect: image.Rect(10, 10, 310, 270), Main: image.Rect(0, 0, 300, 200), Over: image.Rect(50, 150, 150, 260)}

func (s *shown) layMenu(p screen.Picture) {
	s.t.Helper()
	if err := s.Layout(&screen.Layout{Pictures: []screen.Picture{p}}); err != nil {
		s.t.Fatal(err)
	}
	s.draw(s.pic.Rect)
}

// at is where the window is on the screen.
func (s *shown) at() image.Rectangle {
	r, _, err := s.p.x.stands(s.win)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// showsPart tells whether a part of the picture is seen in its place on the screen, the picture
// being moved by off from where it is without a menu.
func (s *shown) showsPart(part image.Rectangle, off image.Point) bool {
	on := part.Add(s.at().Min).Add(off)
	got := s.p.shot(xproto.Drawable(s.p.x.root), on)
	for y := range part.Dy() {
		if string(got.Row(on.Min.Y+y, on.Min.X, on.Max.X)) != string(s.pic.Row(part.Min.Y+y, part.Min.X, part.Max.X)) {
			return false
		}
	}
	return true
}

// A menu over the window's edge is seen where it belongs, the window being what it
// was; it can be clicked, goes with the window, and is gone at once. // issue 5
func TestMenuOverTheEdge(t *testing.T) {
	for _, manager := range []string{"", "openbox"} {
		t.Run("manager "+manager, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "800x600x24")
			if manager != "" {
				x.manage(t, manager)
			}
			s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
			s.lay(image.Pt(300, 200), noisy(1))
			s.equals("the window alone")
			p := s.hands(t)
			place := func(r image.Rectangle) {
				s.place(r)
				s.await("the window stands there", func() bool { return s.at().Size() == r.Size() && s.at().Min.Sub(r.Min).In(image.Rect(0, 0, 40, 40)) })
			}
			place(image.Rect(100, 100, 400, 300))

			s.pic = screen.NewFrame(image.Rectangle{Max: menuOver.Rect.Size()})
			noisy(2)(s.pic)
			s.layMenu(menuOver)
			s.await("window and menu in their places", func() bool {
				return s.showsPart(menuOver.Main, image.Point{}) && s.showsPart(menuOver.Over, image.Point{})
			})
			if s.size() != image.Pt(300, 200) {
				t.Errorf("the window is %v now", s.size())
			}
			click := image.Pt(100, 240)
			p.fake(xproto.MotionNotify, 0, s.at().Min.Add(click))
			p.fake(xproto.ButtonPress, 1, image.Point{})
			p.fake(xproto.ButtonRelease, 1, image.Point{})
			p.x.Sync()
			s.await("a click in the menu", func() bool {
				for _, e := range s.seen {
					if q, ok := e.(screen.Pointer); ok && q.Buttons == screen.Left && q.At == click {
						return true
					}
				}
				return false
			})
			noisy(3)(s.pic)
			s.draw(s.pic.Rect)
			s.await("what is new in the menu", func() bool { return s.showsPart(menuOver.Over, image.Point{}) })

			place(image.Rect(300, 200, 600, 400))
			s.await("the menu goes with the window", func() bool { return s.showsPart(menuOver.Over, image.Point{}) })
			place(image.Rect(300, 360, 600, 560)) // there is no room below
			off := image.Pt(0, 600-s.at().Min.Y-menuOver.Over.Max.Y)
			if off.Y >= 0 {
				t.Fatalf("the menu has room at %v", s.at())
			}
			s.await("the picture makes way", func() bool { return s.showsPart(menuOver.Over, off) })
			place(image.Rect(100, 100, 400, 300))
			s.await("the menu comes back", func() bool { return s.showsPart(menuOver.Over, image.Point{}) })

			s.State(screen.State{ViewOnly: true})
			arrow := &screen.CursorShape{Size: image.Pt(4, 4), Pix: bytes.Repeat([]byte{0, 0xff, 0, 0xff}, 16)}
			s.Cursor(&screen.Cursor{At: image.Pt(100, 240), Shape: arrow})
			s.await("the host's pointer in the menu", func() bool {
				got := s.p.shot(xproto.Drawable(p.x.root), image.Rect(100, 240, 104, 244).Add(s.at().Min))
				return bytes.Equal(got.Pix, bytes.Repeat([]byte{0, 0xff, 0, 0}, 16))
			})
			s.Cursor(&screen.Cursor{At: image.Pt(20, 20)})
			s.await("and away from it", func() bool { return s.showsPart(menuOver.Over, image.Point{}) })
			s.State(screen.State{})

			place(image.Rect(50, 50, 500, 350))
			const colour = 0x3366aa
			s.pic.Fill(menuOver.Over, colour)
			s.draw(s.pic.Rect)
			s.await("a larger window has a larger menu", func() bool {
				got := s.p.shot(xproto.Drawable(p.x.root), image.Rect(76, 226, 224, 389).Add(s.at().Min)) // 3:2
				for i := 0; i < len(got.Pix); i += 4 {
					if string(got.Pix[i:i+3]) != "\xaa\x66\x33" {
						return false
					}
				}
				return true
			})
			place(image.Rect(100, 100, 400, 300))

			gone := menuOver
			gone.Over = image.Rectangle{}
			s.layMenu(gone) // the picture stays as large for a while
			s.await("the menu is gone", func() bool {
				return s.showsPart(menuOver.Main, image.Point{}) && !s.showsPart(menuOver.Over, image.Point{})
			})
		})
	}
}

// In full screen a menu has the room beside the picture; without any the picture makes way.
func TestMenuInFullScreen(t *testing.T) {
	t.Parallel()
	x := startX(t, "300x280x24")
	s := show(t, x, WindowOptions{Size: image.Pt(100, 100)})
	s.State(screen.State{FullScreen: true, Scale: screen.OneToOne})
	s.pic = screen.NewFrame(image.Rectangle{Max: menuOver.Rect.Size()})
	noisy(2)(s.pic)
	s.layMenu(menuOver)
	// 280 px are there, of which the window has 200 in the middle, and the menu wants 60 below.
	s.await("the picture makes way for the menu", func() bool { return s.showsPart(menuOver.Over, image.Pt(0, 20)) })
}
