package motion

import (
	"image"
	"testing"

	"sightline/screen"
	"sightline/screen/codec/clips"
	"sightline/screen/codec/grid"
)

// played is what moves did for a clip.
type played struct {
	frames, found, moves int // frames with many dirty tiles, of them with moves
	before, after        int // dirty tiles of those frames
}

// play finds the moves of every behind-th frame of c, as a viewer sees it that
// is so many frames behind.
func play(t testing.TB, c *clips.Clip, behind int) (p played) {
	var f Finder
	var s grid.Set
	ref := screen.NewFrame(image.Rectangle{Max: c.Size})
	n := 0
	err := c.Play(func(src *screen.Frame, _ screen.Region) error {
		if n++; n > 1 && n%behind == 0 {
			if differ(&s, src, ref); s.Len() > 40 {
				before, after, moves := run(t, &f, src, ref)
				if after > before {
					t.Errorf("%s, frame %d: %d tiles before, %d after", c.Name, n, before, after)
				}
				p.frames++
				p.moves += len(moves)
				p.before += before
				p.after += after
				if len(moves) > 0 {
					p.found++
				}
			}
		}
		if n == 1 || n%behind == 0 {
			ref.Copy(src, src.Rect)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestClips: in films of real programs and of made-up ones whatever scrolls or
// is dragged is found in every frame.
func TestClips(t *testing.T) {
	for _, c := range []struct {
		name   string
		behind int // frames that the viewer is behind
		left   int // percent of the dirty tiles that may be left
	}{
		{"drag", 1, 30}, {"drag", 3, 35}, {"scroll-bitmap", 1, 10}, {"scroll", 1, 10}, {"scroll", 3, 20},
		{"page", 1, 10}, {"page", 3, 25}, {"other-editor", 1, 10}, {"other-lcd", 1, 10},
		{"camera", 1, 100},
	} {
		clip, err := clips.Load(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if !clip.Recorded() {
			if clip, err = clip.Sized(960, 540); err != nil {
				t.Fatal(err)
			}
		}
		p := play(t, clip.Head(5), c.behind)
		t.Logf("%s, %d behind: %+v", c.name, c.behind, p)
		if found := c.left < 100; found && p.found < p.frames || !found && p.found > 0 || p.after*100 > p.before*c.left {
			t.Errorf("%s, %d behind: %+v", c.name, c.behind, p)
		}
	}
}
