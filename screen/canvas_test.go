package screen

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

// ended is a context for a Take that shall not wait.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// desk is a source's own pictures, changed at random.
type desk struct {
	rnd    *rand.Rand
	layout *Layout
	pics   map[PictureID]*Frame
}

func (d *desk) rect(in image.Rectangle) image.Rectangle {
	w, h := in.Dx(), in.Dy()
	x, y := d.rnd.IntN(w+4)-2, d.rnd.IntN(h+4)-2
	return image.Rect(x, y, x+d.rnd.IntN(w), y+d.rnd.IntN(h))
}

// relayout makes other pictures, of which some stay as they are.
func (d *desk) relayout(c *Canvas) {
	l := &Layout{}
	for id := range PictureID(4) {
		switch old := d.pics[id]; {
		case d.rnd.IntN(3) == 0:
			delete(d.pics, id)
			continue
		case old != nil && d.rnd.IntN(2) == 0: // stays
		default:
			d.pics[id] = NewFrame(image.Rectangle{Max: image.Pt(1+d.rnd.IntN(40), 1+d.rnd.IntN(40))})
		}
		at := image.Pt(d.rnd.IntN(100), 0)
		l.Pictures = append(l.Pictures, Picture{ID: id, Rect: d.pics[id].Rect.Add(at)})
	}
	d.layout = l
	c.Update(&Change{Layout: l})
	for id, f := range d.pics { // "the pixels of every picture follow in full"
		f.Fill(f.Rect, d.rnd.Uint32())
		c.Update(&Change{Picture: id, Frame: f, Damage: Region{f.Rect}})
	}
}

// change draws and moves in one picture.
func (d *desk) change(c *Canvas) {
	if len(d.layout.Pictures) == 0 {
		return
	}
	id := d.layout.Pictures[d.rnd.IntN(len(d.layout.Pictures))].ID
	f := d.pics[id]
	ch := &Change{Picture: id, Frame: f}
	for d.rnd.IntN(3) == 0 {
		m := Move{To: d.rect(f.Rect), From: d.rect(f.Rect).Min}
		f.Shift(m)
		ch.Moves = append(ch.Moves, m)
	}
	for d.rnd.IntN(2) == 0 {
		r := d.rect(f.Rect)
		f.Fill(r, d.rnd.Uint32())
		ch.Damage = append(ch.Damage, r)
	}
	c.Update(ch)
}

// eye is a viewer at the end of a tap: it does with a Take what the codec and
// the other side do together.
type eye struct {
	tap    *Tap
	into   Pictures
	layout *Layout
	pics   map[PictureID]*Frame
	cursor Cursor
}

// take shows one Take; a part of the damage may be left for later, as a budget
// does. It tells whether there was anything.
func (e *eye) take(t *testing.T, rnd *rand.Rand, all bool) bool {
	t.Helper()
	got, err := e.tap.Take(ended(), &e.into)
	if errors.Is(err, context.Canceled) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.Layout != nil {
		e.layout = got.Layout
		for id := range e.pics {
			if p, ok := e.layout.Find(id); !ok || p.Bounds() != e.pics[id].Rect {
				delete(e.pics, id)
			}
		}
	}
	for i := range got.Frames {
		e.show(t, rnd, &got.Frames[i], all)
	}
	if got.Cursor != nil {
		shape := e.cursor.Shape
		if e.cursor = *got.Cursor; e.cursor.Shape == nil {
			e.cursor.Shape = shape
		}
	}
	return true
}

func (e *eye) show(t *testing.T, rnd *rand.Rand, ch *Change, all bool) {
	t.Helper()
	p, ok := e.layout.Find(ch.Picture)
	if !ok || ch.Frame.Rect != p.Bounds() {
		t.Fatalf("picture %d of %v does not stand in the layout %v", ch.Picture, ch.Frame.Rect, e.layout)
	}
	mine := e.pics[ch.Picture]
	if mine == nil {
		mine = NewFrame(ch.Frame.Rect)
		e.pics[ch.Picture] = mine
	}
	for _, m := range ch.Moves {
		mine.Shift(m)
	}
	var rest Region
	for _, r := range ch.Damage {
		if !r.In(ch.Frame.Rect) || r.Empty() {
			t.Fatalf("damage %v of %v", r, ch.Frame.Rect)
		}
		if !all && rnd.IntN(4) == 0 {
			cut := image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+rnd.IntN(r.Dy()+1))
			mine.Copy(ch.Frame, cut)
			r.Min.Y = cut.Max.Y
			rest = rest.Add(r)
			continue
		}
		mine.Copy(ch.Frame, r)
	}
	e.tap.Owe(ch.Picture, rest)
}

// TestEveryEyeSeesTheCanvas: random drawing, moves and layouts, and viewers
// that look at different speeds, leave parts for later and lose their picture.
// Once each has taken everything, each sees what the canvas holds.
func TestEveryEyeSeesTheCanvas(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		var c Canvas
		d := &desk{rnd: rnd, pics: map[PictureID]*Frame{}}
		var eyes []*eye
		open := func() { eyes = append(eyes, &eye{tap: c.Tap(), pics: map[PictureID]*Frame{}}) }
		open() // before there is anything
		d.relayout(&c)
		for range 150 {
			switch rnd.IntN(40) {
			case 0:
				d.relayout(&c)
			case 1:
				open()
			case 2: // its picture was lost
				e := eyes[rnd.IntN(len(eyes))]
				clear(e.pics)
				e.tap.OweAll()
			default:
				d.change(&c)
			}
			for i, e := range eyes {
				if rnd.IntN(1+4*i) == 0 {
					e.take(t, rnd, false)
				}
			}
		}
		for i, e := range eyes {
			for e.take(t, rnd, true) {
			}
			if e.tap.Owes() {
				t.Fatalf("seed %d: eye %d is still owed something", seed, i)
			}
			compare(t, &c, d, e, seed, i)
			if len(e.into.frames) > len(d.pics) {
				t.Fatalf("memory of %d pictures, there are %d", len(e.into.frames), len(d.pics))
			}
		}
	}
}

func compare(t *testing.T, c *Canvas, d *desk, e *eye, seed uint64, i int) {
	t.Helper()
	if e.layout != d.layout || len(e.pics) != len(d.pics) {
		t.Fatalf("seed %d: eye %d sees %d pictures of %d", seed, i, len(e.pics), len(d.pics))
	}
	for id, want := range d.pics {
		if !c.Snapshot(id).Equal(want) {
			t.Fatalf("seed %d: the canvas is not what the source showed", seed)
		}
		if !e.pics[id].Equal(want) {
			t.Fatalf("seed %d: eye %d does not see picture %d as it is", seed, i, id)
		}
	}
}

// one is a canvas of one picture with a frame that has just been drawn.
func one(w, h int) (*Canvas, *Frame) {
	c := &Canvas{}
	f := NewFrame(image.Rect(0, 0, w, h))
	c.Update(&Change{Layout: &Layout{Pictures: []Picture{{ID: 1, Rect: f.Rect}}}})
	c.Update(&Change{Picture: 1, Frame: f, Damage: Region{f.Rect}})
	return c, f
}

// TestMovesArePassedOn only where the viewer has what they move.
func TestMovesArePassedOn(t *testing.T) {
	c, f := one(16, 16)
	tap := c.Tap()
	var into Pictures
	if got, err := tap.Take(ended(), &into); err != nil || len(got.Frames) != 1 || got.Layout == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	scroll := &Change{Picture: 1, Frame: f, Moves: []Move{{To: image.Rect(0, 0, 16, 12), From: image.Pt(0, 4)}}, Damage: Region{image.Rect(0, 12, 16, 16)}}
	c.Update(scroll)
	got, err := tap.Take(ended(), &into)
	if err != nil || len(got.Frames) != 1 || len(got.Frames[0].Moves) != 1 || got.Frames[0].Damage.Area() != 16*4 {
		t.Errorf("a scroll: %+v, %v", got, err)
	}
	c.Update(scroll)
	c.Update(scroll) // two at once: all that was moved is damage
	got, err = tap.Take(ended(), &into)
	if err != nil || len(got.Frames) != 1 || len(got.Frames[0].Moves) != 0 || got.Frames[0].Damage.Area() != 256 {
		t.Errorf("two scrolls: %+v, %v", got, err)
	}
	c.Update(scroll)
	tap.Owe(1, Region{image.Rect(0, 0, 1, 1)}) // the viewer did not get all of the frame before
	got, err = tap.Take(ended(), &into)
	if err != nil || len(got.Frames[0].Moves) != 0 || got.Frames[0].Damage.Area() != 256 {
		t.Errorf("a scroll of what was not there: %+v, %v", got, err)
	}
}

func TestCursorOfATap(t *testing.T) {
	c, _ := one(8, 8)
	shape := &CursorShape{Size: image.Pt(1, 1), Pix: make([]byte, 4)}
	c.Update(&Change{Cursor: &Cursor{Picture: 1, At: image.Pt(1, 1), Shape: shape}})
	tap := c.Tap()
	var into Pictures
	for _, row := range []struct {
		name  string
		do    func()
		at    image.Point
		shape *CursorShape
	}{
		{"a new tap learns the shape", func() {}, image.Pt(1, 1), shape},
		{"a place alone", func() { c.Update(&Change{Cursor: &Cursor{Picture: 1, At: image.Pt(2, 2)}}) }, image.Pt(2, 2), nil},
		{"two places, the last counts, a shape between them is not lost", func() {
			c.Update(&Change{Cursor: &Cursor{Picture: 1, At: image.Pt(3, 3), Shape: shape}})
			c.Update(&Change{Cursor: &Cursor{Picture: 1, At: image.Pt(4, 4)}})
		}, image.Pt(4, 4), shape},
		{"after a loss", func() { tap.OweAll() }, image.Pt(4, 4), shape},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.do()
			got, err := tap.Take(ended(), &into)
			if err != nil || got.Cursor == nil || got.Cursor.At != row.at || got.Cursor.Shape != row.shape {
				t.Errorf("%+v %v", got.Cursor, err)
			}
		})
	}
}

// TestTakeEnds: by Fail, by Close, by the context, each with its own error, and
// without a change it waits.
func TestTakeEnds(t *testing.T) {
	errGone, errCause := errors.New("gone"), errors.New("cause")
	for _, row := range []struct {
		name string
		end  func(*Canvas, *Tap, context.CancelCauseFunc)
		want error
	}{
		{"fail", func(c *Canvas, _ *Tap, _ context.CancelCauseFunc) { c.Fail(errGone); c.Fail(errCause) }, errGone},
		{"close", func(_ *Canvas, tap *Tap, _ context.CancelCauseFunc) { tap.Close() }, context.Canceled},
		{"context", func(_ *Canvas, _ *Tap, cancel context.CancelCauseFunc) { cancel(errCause) }, errCause},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := one(8, 8)
				tap := c.Tap()
				var into Pictures
				tap.Take(ended(), &into)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				end := make(chan error, 1)
				go func() {
					_, err := tap.Take(ctx, &into)
					end <- err
				}()
				synctest.Wait()
				select {
				case err := <-end:
					t.Fatalf("did not wait: %v", err)
				default:
				}
				row.end(c, tap, cancel)
				if err := <-end; !errors.Is(err, row.want) {
					t.Errorf("%v, want %v", err, row.want)
				}
			})
		})
	}
}

// TestAfterTheEnd: nothing of a tap or a canvas that ended panics or wakes up.
func TestAfterTheEnd(t *testing.T) {
	c, f := one(8, 8)
	tap := c.Tap()
	tap.Close()
	tap.Close()
	c.Update(&Change{Picture: 1, Frame: f, Damage: Region{f.Rect}})
	tap.Owe(1, Region{f.Rect})
	tap.OweAll()
	var into Pictures
	if _, err := tap.Take(ended(), &into); !errors.Is(err, context.Canceled) {
		t.Errorf("take of a closed tap: %v", err)
	}
	lost := errors.New("lost")
	c.Fail(lost)
	if _, err := c.Tap().Take(ended(), &into); !errors.Is(err, lost) {
		t.Errorf("take after Fail: %v", err)
	}
	if c.Snapshot(1) == nil || c.Snapshot(2) != nil {
		t.Error("the last pictures stay")
	}
}

// TestStrangeUpdates: pictures that the layout does not name, frames of another
// size, damage outside.
func TestStrangeUpdates(t *testing.T) {
	c, f := one(8, 8)
	tap := c.Tap()
	var into Pictures
	tap.Take(ended(), &into)
	c.Update(&Change{Picture: 9, Frame: f, Damage: Region{f.Rect}})
	tap.Owe(9, Region{f.Rect})
	if tap.Owes() {
		t.Error("an unknown picture is owed")
	}
	big := NewFrame(image.Rect(0, 0, 20, 20))
	big.Fill(big.Rect, 0x123456)
	c.Update(&Change{Picture: 1, Frame: big, Damage: Region{image.Rect(-5, -5, 20, 20)}})
	got, err := tap.Take(ended(), &into)
	if err != nil || len(got.Frames) != 1 || got.Frames[0].Damage.Area() != 64 {
		t.Fatalf("%+v, %v", got, err)
	}
	small := NewFrame(image.Rect(0, 0, 2, 2))
	c.Update(&Change{Picture: 1, Frame: small, Damage: Region{f.Rect}})
	if _, err := tap.Take(ended(), &into); err != nil {
		t.Fatal(err)
	}
	if s := c.Snapshot(1); pixel(s, 1, 1)[0] != 0 || pixel(s, 2, 2)[0] != 0x56 {
		t.Error("a small frame changed more than it holds")
	}
}

// TestSlowEyeDelaysNobody: a tap that is never taken costs Update no waiting,
// and what it owes stays bounded.
func TestSlowEyeDelaysNobody(t *testing.T) {
	c, f := one(64, 64)
	slow := c.Tap()
	rnd := rand.New(rand.NewPCG(7, 7))
	for range 5000 {
		x, y := rnd.IntN(60), rnd.IntN(60)
		c.Update(&Change{Picture: 1, Frame: f, Damage: Region{image.Rect(x, y, x+4, y+4)}})
	}
	if n := len(slow.dirty[1]); n > maxRegion {
		t.Errorf("%d rectangles are owed", n)
	}
	var into Pictures
	if got, err := slow.Take(ended(), &into); err != nil || got.Frames[0].Damage.Area() > 64*64 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoGarbageInSteadyState(t *testing.T) {
	c, f := one(640, 480)
	tap := c.Tap()
	var into Pictures
	ch := &Change{Picture: 1, Frame: f, Damage: Region{image.Rect(10, 10, 50, 40), image.Rect(100, 100, 300, 120)}}
	ctx := context.Background()
	step := func() {
		c.Update(ch)
		if _, err := tap.Take(ctx, &into); err != nil {
			t.Fatal(err)
		}
		tap.Owe(1, ch.Damage[:1])
		if _, err := tap.Take(ctx, &into); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

// TestManyAtOnce is for the race detector: one writer, several readers, and
// whoever opens, closes and resets.
func TestManyAtOnce(t *testing.T) {
	c, f := one(64, 64)
	done := make(chan struct{})
	for range 4 {
		tap := c.Tap()
		go func() {
			defer func() { done <- struct{}{} }()
			var into Pictures
			for range 200 {
				got, err := tap.Take(context.Background(), &into)
				if err != nil {
					break
				}
				for _, ch := range got.Frames {
					tap.Owe(ch.Picture, ch.Damage[:1])
				}
			}
			tap.Close()
		}()
		go func() {
			for range 20 {
				tap.OweAll()
				c.Snapshot(1)
				c.Layout()
			}
		}()
	}
	for running := 4; running > 0; {
		select {
		case <-done:
			running--
		default:
			f.Fill(image.Rect(3, 3, 9, 9), 1)
			c.Update(&Change{Picture: 1, Frame: f, Damage: Region{image.Rect(3, 3, 9, 9)}})
		}
	}
}

func TestBlind(t *testing.T) {
	b := NewBlind()
	b.Send(Focus{In: true})
	if e := <-b.Events(); e != (Focus{In: true}) {
		t.Error(e)
	}
	if err := errors.Join(b.Layout(nil), b.Draw(0, nil, nil), b.Cursor(nil), b.State(State{}), b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if _, ok := <-b.Events(); ok {
		t.Error("events go on after Close")
	}
}

func BenchmarkUpdateTake1080p(b *testing.B) {
	for _, row := range []struct {
		name string
		r    image.Rectangle
	}{{"key", image.Rect(400, 300, 416, 320)}, {"window", image.Rect(100, 100, 900, 700)}, {"all", image.Rect(0, 0, 1920, 1080)}} {
		b.Run(row.name, func(b *testing.B) {
			c, f := one(1920, 1080)
			tap := c.Tap()
			var into Pictures
			ch := &Change{Picture: 1, Frame: f, Damage: Region{row.r}}
			tap.Take(context.Background(), &into)
			b.ReportAllocs()
			b.SetBytes(int64(row.r.Dx() * row.r.Dy() * BytesPerPixel))
			for b.Loop() {
				c.Update(ch)
				if _, err := tap.Take(context.Background(), &into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What was forgotten is not seen again by a change that was on its way.
func TestCanvasForgets(t *testing.T) {
	at := func(id PictureID) Picture { return Picture{ID: id, Rect: image.Rect(0, 0, 8, 8)} }
	f := NewFrame(image.Rect(0, 0, 8, 8))
	f.Fill(f.Rect, 0x123456)
	both := &Layout{Pictures: []Picture{at(0), at(1)}}
	var c Canvas
	c.Forget(0) // before there is anything
	c.Update(&Change{Layout: both, Picture: 1, Frame: f, Damage: Region{f.Rect}})
	tap := c.Tap()
	c.Forget(1)
	c.Update(&Change{Layout: both, Picture: 1, Frame: f, Damage: Region{f.Rect}}) // from before
	var p Pictures
	got, err := tap.Take(t.Context(), &p)
	if err != nil || len(got.Layout.Pictures) != 1 || len(got.Frames) != 1 || got.Frames[0].Picture != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if c.Snapshot(1) != nil {
		t.Error("still there")
	}
	c.Update(&Change{Layout: &Layout{Pictures: []Picture{at(0)}}})
	c.Update(&Change{Layout: both, Picture: 1, Frame: f, Damage: Region{f.Rect}}) // chosen again
	if s := c.Snapshot(1); s == nil || s.Pix[0] != 0x56 {
		t.Error("not shown again")
	}
}
