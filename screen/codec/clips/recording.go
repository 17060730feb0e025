package clips

import (
	"fmt"

	"sightline/screen"
)

// maxRecording bounds what a Recording may keep, in bytes: 90 frames of
// 1920x1080 that change everywhere are 750 MB.
const maxRecording = 1 << 30

// Recording is a clip in memory: the pixels of each frame's damage. It may be
// played any number of times, also by several at once.
type Recording struct {
	*Clip
	steps []step
}

type step struct {
	damage screen.Region
	pix    []byte // the rows of each rectangle, without gaps
}

// Record plays the clip into memory, which must hold no more than 1 GiB.
func (c *Clip) Record() (*Recording, error) {
	r, total := &Recording{Clip: c}, 0
	err := c.Play(func(f *screen.Frame, damage screen.Region) error {
		s := step{damage: append(screen.Region{}, damage...)}
		if total += damage.Area() * screen.BytesPerPixel; total > maxRecording {
			return fmt.Errorf("clip %s: %d frames are more than %d MiB of pixels", c.Name, c.Frames, maxRecording>>20)
		}
		s.pix = make([]byte, 0, damage.Area()*screen.BytesPerPixel)
		for _, b := range damage {
			for y := b.Min.Y; y < b.Max.Y; y++ {
				s.pix = append(s.pix, f.Row(y, b.Min.X, b.Max.X)...)
			}
		}
		r.steps = append(r.steps, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Play is Clip.Play from memory. The region passed to show is the recording's
// own: read it only.
func (r *Recording) Play(show func(f *screen.Frame, damage screen.Region) error) error {
	t := r.Tape()
	for range r.steps {
		if err := show(t.Next()); err != nil {
			return err
		}
	}
	return nil
}

// head is the first frame alone.
func (r *Recording) head() *Recording { return &Recording{r.Head(1), r.steps[:1]} }

// Tape plays a recording frame by frame, for benchmarks that stop their clock
// in between. It is for one goroutine.
type Tape struct {
	r     *Recording
	frame *screen.Frame
	n     int
}

// Tape puts the recording on a tape, at its beginning.
func (r *Recording) Tape() *Tape { return &Tape{r: r} }

// Next gives the next frame and its damage; after the last the first again,
// damaged all over. The frame is used again for the next, the region is read only.
func (t *Tape) Next() (*screen.Frame, screen.Region) {
	s := t.r.steps[t.n]
	if t.frame == nil {
		t.frame = screen.NewFrame(s.damage.Bounds()) // the first is whole
	}
	pix := s.pix
	for _, b := range s.damage {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			pix = pix[copy(t.frame.Row(y, b.Min.X, b.Max.X), pix):]
		}
	}
	t.n = (t.n + 1) % len(t.r.steps)
	return t.frame, s.damage
}
