package x11

import (
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// What is decoded into the window's own memory appears as if it had been drawn
// from elsewhere, at every scale and depth, and nothing of it is copied.
func TestLentFrame(t *testing.T) {
	size := image.Pt(301, 203)
	for _, c := range []struct {
		name, x string
		o       WindowOptions
		scaled  bool
	}{
		{"shared memory", "640x480x24", WindowOptions{Size: size}, false},
		{"socket", "640x480x24", WindowOptions{Size: size, NoSHM: true}, false},
		{"16 bits", "640x480x16", WindowOptions{Size: size}, false},
		{"scaled", "640x480x24", WindowOptions{Size: image.Pt(400, 300)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := startX(t, c.x)
			borrower, plain := show(t, x, c.o), show(t, startX(t, c.x), c.o)
			f := borrower.borrow(size)
			plain.lay(size, func(*screen.Frame) {})
			for turn := range uint64(4) {
				if err := borrower.Begin(); err != nil {
					t.Fatal(err)
				}
				noisy(turn)(f)
				noisy(turn)(plain.pic)
				parts := []image.Rectangle{f.Rect}
				if turn == 0 {
					parts = append(parts[:0], image.Rect(0, 0, 301, 100), image.Rect(0, 100, 301, 203))
				}
				if err := borrower.Draw(0, f, parts); err != nil {
					t.Fatal(err)
				}
				plain.draw(parts...)
				borrower.await("the same as without", func() bool { return borrower.raw() == plain.raw() })
			}
			if n := borrower.store.copied; n != 0 {
				t.Errorf("%d bytes were copied", n)
			}
		})
	}
}

// borrow lays out one picture and borrows its memory.
func (s *shown) borrow(size image.Point) *screen.Frame {
	s.t.Helper()
	if err := s.Layout(&screen.Layout{Pictures: []screen.Picture{{Rect: image.Rectangle{Max: size}}}}); err != nil {
		s.t.Fatal(err)
	}
	f := s.Frame(0, size)
	if f == nil || f.Rect != (image.Rectangle{Max: size}) || f.Stride != 4*size.X || len(f.Pix) != 4*size.X*size.Y {
		s.t.Fatalf("lent is %+v", f)
	}
	return f
}

// raw is what the window shows, in the server's own form.
func (s *shown) raw() string {
	s.t.Helper()
	size := s.size()
	r, err := xproto.GetImage(s.p.x.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(s.win), 0, 0, uint16(size.X), uint16(size.Y), 1<<s.p.x.screen.RootDepth-1).Reply()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(r.Data)
}

// What is being written is not shown, whatever is uncovered meanwhile; it is
// shown with the next Draw, and so is what could not be drawn.
func TestHalfWrittenIsNotShown(t *testing.T) {
	x := startX(t, "640x480x24")
	size := image.Pt(300, 200)
	s := show(t, x, WindowOptions{Size: size})
	f := s.borrow(size)
	f.Fill(f.Rect, 0x224466)
	if err := s.Draw(0, f, screen.Region{f.Rect}); err != nil {
		t.Fatal(err)
	}
	s.pic = screen.NewFrame(f.Rect)
	s.pic.Copy(f, f.Rect)
	s.equals("the first picture")

	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	f.Fill(f.Rect, 0x00ff00) // garbage, or half a picture
	hole := image.Rect(10, 10, 200, 150)
	xproto.DestroyWindow(s.p.x.Conn, s.p.cover(hole))
	s.await("the window to be uncovered", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.owed })
	if got := s.pixels(); contains(got, 0x00ff00) {
		t.Error("what was half written is shown")
	}
	f.Fill(f.Rect, 0x99aabb)
	if err := s.Draw(0, f, screen.Region{image.Rect(0, 0, 5, 5)}); err != nil {
		t.Fatal(err)
	}
	s.pic.Fill(hole, 0x99aabb)
	s.await("the uncovered part", func() bool {
		got := s.pixels()
		return got.Pix[got.Offset(100, 100)] == 0xbb && got.Pix[got.Offset(2, 2)] == 0xbb
	})
}

func contains(f *screen.Frame, rgb uint32) bool {
	for i := 0; i < len(f.Pix); i += 4 {
		if uint32(f.Pix[i])|uint32(f.Pix[i+1])<<8|uint32(f.Pix[i+2])<<16 == rgb {
			return true
		}
	}
	return false
}

// Lent memory outlives the layout and the window, so that a host which says one
// size and sends another reaches nothing that is gone.
func TestLentFrameOutlives(t *testing.T) {
	x := startX(t, "640x480x24")
	size := image.Pt(300, 200)
	s := show(t, x, WindowOptions{Size: size})
	old := s.borrow(size)
	again := s.Frame(0, size)
	noisy(1)(old)
	segment := s.store.seg
	if segment == nil {
		t.Fatal("no shared memory")
	}
	for _, other := range []image.Point{{200, 100}, {300, 200}} {
		s.lay(other, noisy(2))
		if s.Frame(0, size.Add(image.Pt(1, 0))) != nil || s.Frame(3, other) != nil {
			t.Error("a picture that is not laid out was lent")
		}
		noisy(3)(old)
		if err := s.Draw(0, old, screen.Region{old.Rect}); err != nil {
			t.Fatal(err)
		}
		if s.pic.Copy(old, old.Rect); other == size {
			s.equals("a picture drawn from former memory")
		}
	}
	s.Free(old)
	noisy(4)(again)
	if segment.pix == nil {
		t.Fatal("given back while somebody writes to it")
	}
	s.Free(again)
	s.Free(again)
	if segment.pix != nil {
		t.Error("memory that nobody needs is kept")
	}

	last := s.Frame(0, size)
	segment = s.store.seg
	s.Close()
	noisy(5)(last)
	if s.Frame(0, size) != nil || s.Begin() == nil {
		t.Error("a closed window lends")
	}
	s.Free(last)
	if segment.pix != nil {
		t.Error("memory is kept after the end")
	}
}

// A picture that stands beside another one is not lent: its rows have gaps.
func TestLentBeside(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{})
	err := s.Layout(&screen.Layout{Pictures: []screen.Picture{
		{ID: 1, Rect: image.Rect(0, 0, 100, 50)}, {ID: 2, Rect: image.Rect(100, 0, 200, 50)}, {ID: 3, Rect: image.Rect(0, 50, 200, 90)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Frame(1, image.Pt(100, 50)) != nil || s.Frame(2, image.Pt(100, 50)) != nil {
		t.Error("a picture with gaps was lent")
	}
	if f := s.Frame(3, image.Pt(200, 40)); f == nil || len(f.Pix) != 4*200*40 {
		t.Error("a picture of whole rows was not lent")
	}
}
