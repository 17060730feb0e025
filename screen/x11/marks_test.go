package x11

import (
	"image"
	"testing"

	"sightline/screen"
)

// TestWindowMarks: others' pointers stand over the picture in their colours, and
// leave it whole when they move, when something is drawn below them, and when they go.
func TestWindowMarks(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(400, 300)})
	s.lay(image.Pt(400, 300), noisy(7))
	s.equals("the picture")
	anna := screen.Mark{At: image.Pt(100, 80), Colour: 0xff8c1a, Name: "anna"}
	bert := screen.Mark{At: image.Pt(398, 298), Colour: 0x3aa0ff, Name: "bertrand the very long"}
	gone := screen.Mark{Picture: 9, At: image.Pt(5, 5), Colour: 0xff0000, Name: "elsewhere"}
	marked := func(what string, list ...screen.Mark) {
		t.Helper()
		s.await(what, func() bool {
			got := s.pixels()
			for _, k := range list {
				inside := k.At.Add(image.Pt(1, arrowHeight/2))
				if inside.In(got.Rect) && pixelOf(got, inside) != k.Colour {
					return false
				}
			}
			return !got.Equal(s.pic) == (len(list) > 0) && untouched(s, got)
		})
	}
	s.Marks([]screen.Mark{anna, bert, gone})
	marked("two marks", anna, bert)
	s.draw(image.Rect(90, 70, 200, 150))
	marked("the marks over what was drawn", anna, bert)
	anna.At = image.Pt(300, 200)
	s.Marks([]screen.Mark{anna})
	marked("one mark elsewhere", anna)
	s.Marks(nil)
	marked("no marks")
}

// untouched tells whether the picture stands where no mark is said to.
func untouched(s *shown, got *screen.Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := screen.NewFrame(s.pic.Rect)
	want.Copy(s.pic, s.pic.Rect)
	for _, r := range s.look.marks.drawn {
		if !r.In(got.Rect.Inset(-arrowHeight)) {
			return false
		}
		want.Copy(got, r.Intersect(got.Rect))
	}
	return got.Equal(want)
}

func pixelOf(f *screen.Frame, p image.Point) uint32 {
	b := f.Row(p.Y, p.X, p.X+1)
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
}
