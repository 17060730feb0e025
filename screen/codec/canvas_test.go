package codec_test

import (
	"image"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"sightline/screen"
	"sightline/screen/codec"
)

// viewer is one who takes from a canvas at a pace of his own.
type viewer struct {
	tap    *screen.Tap
	into   screen.Pictures
	enc    *codec.TilesEncoder
	dec    *codec.TilesDecoder
	frames map[screen.PictureID]*screen.Frame
}

func newViewer(c *screen.Canvas) *viewer {
	return &viewer{tap: c.Tap(), enc: codec.NewEncoder(), dec: codec.NewDecoder(), frames: map[screen.PictureID]*screen.Frame{}}
}

// update sends what is owed, within a budget for each picture.
func (v *viewer) update(t *testing.T, budget int) {
	t.Helper()
	if !v.tap.Owes() {
		v.refine(t)
		return
	}
	got, err := v.tap.Take(t.Context(), &v.into)
	if err != nil {
		t.Fatal(err)
	}
	if got.Layout != nil {
		if _, _, err := v.enc.Encode(nil, &screen.Change{Layout: got.Layout}, codec.Budget{}); err != nil {
			t.Fatal(err)
		}
		v.dec.Keep(got.Layout)
	}
	for i := range got.Frames {
		msg, rest, err := v.enc.Encode(nil, &got.Frames[i], codec.Budget{Bytes: budget})
		if err != nil {
			t.Fatal(err)
		}
		v.tap.Owe(got.Frames[i].Picture, rest)
		if len(msg) == 0 {
			continue
		}
		id, f, _, err := v.dec.Decode(msg)
		if err != nil {
			t.Fatal(err)
		}
		v.frames[id] = f
	}
}

// refine makes a picture that rests exact.
func (v *viewer) refine(t *testing.T) {
	t.Helper()
	for id := range v.frames {
		src := v.into.Frame(id)
		if v.enc.Exact(id) || src == nil {
			continue
		}
		msg, _, err := v.enc.Encode(nil, &screen.Change{Picture: id, Frame: src}, codec.Budget{Idle: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(msg) > 0 {
			if _, _, _, err = v.dec.Decode(msg); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Viewers of different pace see the same in the end: canvas, taps, moves,
// budgets and what they leave over fit together.
func TestCanvasToViewers(t *testing.T) { synctest.Test(t, canvasToViewers) }

func canvasToViewers(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	var canvas screen.Canvas
	box := image.Rect(0, 0, 330, 210)
	layout := func(ids ...screen.PictureID) *screen.Layout {
		l := &screen.Layout{}
		for _, id := range ids {
			l.Pictures = append(l.Pictures, screen.Picture{ID: id, Rect: box})
		}
		return l
	}
	host := map[screen.PictureID]*screen.Frame{0: screen.NewFrame(box), 1: screen.NewFrame(box)}
	canvas.Update(&screen.Change{Layout: layout(0, 1)})
	viewers := []*viewer{newViewer(&canvas), newViewer(&canvas), newViewer(&canvas)}
	for step := range 600 {
		if step == 300 { // one goes and comes back
			canvas.Update(&screen.Change{Layout: layout(0)})
			viewers[0].update(t, 0)
			canvas.Update(&screen.Change{Layout: layout(0, 1)})
			host[1] = screen.NewFrame(box)
		}
		id := screen.PictureID(rng.IntN(2))
		canvas.Update(scribble(rng, id, host[id]))
		for i, v := range viewers {
			if rng.IntN(1+3*i) == 0 {
				v.update(t, rng.IntN(4000*(i+1)))
			}
		}
	}
	for i, v := range viewers {
		for range 5000 {
			v.update(t, 3000)
			if len(v.frames) == 2 && v.enc.Exact(0) && v.enc.Exact(1) && !v.tap.Owes() {
				break
			}
			time.Sleep(time.Millisecond)
		}
		for id, want := range host {
			if !canvas.Snapshot(id).Equal(want) {
				t.Fatalf("the canvas differs in picture %d", id)
			}
			if v.frames[id] == nil || !v.frames[id].Equal(want) {
				t.Errorf("viewer %d: picture %d differs", i, id)
			}
		}
	}
}

// scribble changes a frame and tells of it, sometimes as a move.
func scribble(rng *rand.Rand, id screen.PictureID, f *screen.Frame) *screen.Change {
	w, h := f.Rect.Dx(), f.Rect.Dy()
	x, y := rng.IntN(w), rng.IntN(h)
	r := image.Rect(x, y, x+1+rng.IntN(w-x), y+1+rng.IntN(h-y))
	c := &screen.Change{Picture: id, Frame: f}
	if rng.IntN(3) == 0 {
		to := image.Pt(rng.IntN(w-r.Dx()+1), rng.IntN(h-r.Dy()+1))
		m := screen.Move{To: r.Sub(r.Min).Add(to), From: r.Min}
		f.Shift(m)
		c.Moves = []screen.Move{m}
		return c
	}
	if rng.IntN(2) == 0 {
		f.Fill(r, rng.Uint32()&0xffffff)
	} else {
		for n := range 200 {
			p := r.Min.Add(image.Pt(n*7%r.Dx(), n*13%r.Dy()))
			f.Fill(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))}, rng.Uint32()&0xffffff)
		}
	}
	c.Damage = screen.Region{r}
	return c
}
