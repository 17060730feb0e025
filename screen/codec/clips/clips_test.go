package clips

import (
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

// small is a clip in a size that even the race detector paints quickly; odd,
// so that tiles and colour samples are cut.
func small(t testing.TB, c *Clip) *Clip {
	t.Helper()
	if c.Recorded() {
		return c.Head(2)
	}
	s, err := c.Sized(301, 187)
	if err != nil {
		t.Fatal(err)
	}
	return s.Head(4)
}

func TestDamageIsHonest(t *testing.T) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) { checkDamage(t, small(t, c)) })
	}
}

// checkDamage keeps a picture by what was said to be damaged, which must then
// be the frame, and checks that no tile was named without a reason.
func checkDamage(t *testing.T, c *Clip) {
	mine, n := screen.NewFrame(image.Rectangle{Max: c.Size}), 0
	err := c.Play(func(f *screen.Frame, damage screen.Region) error {
		if f.Rect != mine.Rect {
			return fmt.Errorf("frame %d is %v", n, f.Rect)
		}
		if n == 0 && (len(damage) != 1 || damage[0] != f.Rect) {
			return fmt.Errorf("the first frame is damaged at %v", damage)
		}
		if n > 0 {
			if err := exact(mine, f, damage); err != nil {
				return fmt.Errorf("frame %d: %w", n, err)
			}
		}
		for _, r := range damage {
			mine.Copy(f, r)
		}
		if !mine.Equal(f) {
			return fmt.Errorf("frame %d changed outside %v", n, damage)
		}
		for i := 3; i < len(f.Pix); i += 4 {
			if f.Pix[i] != 0 {
				return fmt.Errorf("frame %d: the fourth byte of pixel %d is %d", n, i/4, f.Pix[i])
			}
		}
		n++
		return nil
	})
	if err != nil {
		t.Error(err)
	} else if n != c.Frames {
		t.Errorf("%d frames of %d", n, c.Frames)
	}
}

// exact checks that every damaged tile differs, and that none is named twice.
func exact(old, f *screen.Frame, damage screen.Region) error {
	var tiles grid.Set
	tiles.Size(f.Rect.Dx(), f.Rect.Dy())
	for i, a := range damage {
		for _, b := range damage[:i] {
			if a.Overlaps(b) {
				return fmt.Errorf("%v and %v overlap", a, b)
			}
		}
		tiles.AddRect(a)
	}
	for y := range tiles.Rows {
		for x := tiles.Next(0, y); x < tiles.Cols; x = tiles.Next(x+1, y) {
			r := tiles.Tile(x, y)
			same := true
			for py := r.Min.Y; py < r.Max.Y && same; py++ {
				same = string(old.Row(py, r.Min.X, r.Max.X)) == string(f.Row(py, r.Min.X, r.Max.X))
			}
			if same {
				return fmt.Errorf("tile %v did not change", r)
			}
		}
	}
	return nil
}

func TestRecordingIsTheClip(t *testing.T) {
	c, err := Load("video-window")
	if err != nil {
		t.Fatal(err)
	}
	c = small(t, c)
	r, err := c.Record()
	if err != nil {
		t.Fatal(err)
	}
	tape := r.Tape()
	for range 2 {
		if err := c.Play(func(f *screen.Frame, damage screen.Region) error {
			g, d := tape.Next()
			if !f.Equal(g) || fmt.Sprint(d) != fmt.Sprint(damage) {
				return errors.New("the recording differs from the clip")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	if err := r.Play(func(*screen.Frame, screen.Region) error { n++; return nil }); err != nil || n != c.Frames {
		t.Errorf("%d frames, %v", n, err)
	}
}

func TestPlayEndsWithShow(t *testing.T) {
	c, err := Load("synthetic")
	if err != nil {
		t.Fatal(err)
	}
	enough, n := errors.New("enough"), 0
	err = small(t, c).Play(func(*screen.Frame, screen.Region) error {
		if n++; n == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 2 {
		t.Errorf("%d frames, %v", n, err)
	}
}

func TestWhatThereIsNot(t *testing.T) {
	if _, err := Load("no such clip"); err == nil {
		t.Error("a clip that there is not")
	}
	c, err := Load("slides")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sized(0, 5); err == nil {
		t.Error("a picture without width")
	}
	if _, err := c.Sized(screen.MaxSide+1, 5); err == nil {
		t.Error("a picture that is too wide")
	}
}

// TestSamePixelsEverywhere: the sums were made on amd64; arm64 must agree, and
// so must tomorrow, or figures of different days cannot be compared. Who changes
// a clip changes its sum.
func TestSamePixelsEverywhere(t *testing.T) {
	for _, c := range generated() {
		sum := crc32.NewIEEE()
		err := small(t, c).Play(func(f *screen.Frame, _ screen.Region) error {
			sum.Write(f.Pix)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sum.Sum32(), sums[c.Name]; got != want {
			t.Errorf("%q: %#08x, want %#08x", c.Name, got, want)
		}
	}
}

func TestAllHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if c.Name == "" || c.About == "" || seen[c.Name] {
			t.Errorf("%q: %q", c.Name, c.About)
		}
		seen[c.Name] = true
		if l, err := Load(c.Name); err != nil || l.About != c.About {
			t.Error(l, err)
		}
	}
}

func TestAtlasErrors(t *testing.T) {
	for _, n := range []int{0, 5, 100, len(atlasFile) / 2, len(atlasFile) - 10} {
		if _, err := readAtlas(atlasFile[:n]); !errors.Is(err, errAtlas) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
