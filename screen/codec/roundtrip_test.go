package codec

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"sightline/screen"
)

// rig is a host's picture, the two ends of a stream and what the viewer has.
type rig struct {
	t     testing.TB
	rng   *rand.Rand
	enc   *TilesEncoder
	dec   *TilesDecoder
	host  map[screen.PictureID]*screen.Frame
	owed  map[screen.PictureID]screen.Region // what the budget left over
	moves []screen.Move
	got   map[screen.PictureID]*screen.Frame
	buf   []byte
	clock time.Duration
}

func newRig(t testing.TB, seed uint64) *rig {
	r := &rig{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), enc: NewEncoder(), dec: NewDecoder(),
		host: map[screen.PictureID]*screen.Frame{}, owed: map[screen.PictureID]screen.Region{},
		got: map[screen.PictureID]*screen.Frame{},
	}
	r.enc.now = func() time.Duration { return r.clock }
	return r
}

// step sends one message and checks what Decode says of it.
func (r *rig) step(id screen.PictureID, b Budget) int {
	r.t.Helper()
	r.clock += 33 * time.Millisecond
	c := &screen.Change{Picture: id, Frame: r.host[id], Damage: r.owed[id], Moves: r.moves}
	msg, rest, err := r.enc.Encode(r.buf[:0], c, b)
	if err != nil {
		r.t.Fatalf("Encode: %v", err)
	}
	r.buf, r.moves = msg, nil
	r.owed[id] = append(screen.Region(nil), rest...)
	if len(msg) == 0 {
		return 0
	}
	r.feed(msg)
	return len(msg)
}

// feed decodes msg and checks that nothing changed outside the region.
func (r *rig) feed(msg []byte) {
	r.t.Helper()
	before := map[screen.PictureID]*screen.Frame{}
	for id, p := range r.dec.pictures {
		before[id] = clone(p.frame)
	}
	id, f, region, err := r.dec.Decode(msg)
	if err != nil {
		r.t.Fatalf("Decode: %v", err)
	}
	r.got[id] = f
	old := before[id]
	if old == nil || old.Rect != f.Rect {
		if len(region) != 1 || region[0] != f.Rect {
			r.t.Fatalf("new picture, region %v", region)
		}
		return
	}
	for i, a := range region {
		if a.Empty() || !a.In(f.Rect) {
			r.t.Fatalf("region %v out of %v", a, f.Rect)
		}
		for _, b := range region[i+1:] {
			if a.Overlaps(b) {
				r.t.Fatalf("region %v overlaps %v", a, b)
			}
		}
		old.Copy(f, a)
	}
	if !old.Equal(f) {
		r.t.Fatal("pixels changed outside the region")
	}
}

// settle lets the picture rest until it is exact.
func (r *rig) settle(id screen.PictureID) {
	r.t.Helper()
	for i := 0; len(r.owed[id]) > 0 || !r.enc.Exact(id); i++ {
		if i > 1000 {
			r.t.Fatalf("picture %d does not become exact", id)
		}
		r.step(id, Budget{Idle: true})
	}
}

// equal lets a picture rest and compares.
func (r *rig) equal(id screen.PictureID) {
	r.t.Helper()
	r.settle(id)
	if !r.host[id].Equal(r.got[id]) {
		r.t.Fatalf("picture %d differs", id)
	}
}

func clone(f *screen.Frame) *screen.Frame {
	g := *f
	g.Pix = append([]byte(nil), f.Pix...)
	return &g
}

// scribble changes a random rectangle in one of a few ways and owes it.
func (r *rig) scribble(id screen.PictureID) {
	f := r.host[id]
	w, h := f.Rect.Dx(), f.Rect.Dy()
	x, y := r.rng.IntN(w), r.rng.IntN(h)
	box := image.Rect(x, y, x+1+r.rng.IntN(w-x), y+1+r.rng.IntN(h-y))
	switch r.rng.IntN(5) {
	case 0:
		f.Fill(box, r.rng.Uint32()&0xffffff)
	case 1:
		speckle(f, box, r.rng, 2+r.rng.IntN(20))
	case 2:
		speckle(f, box, r.rng, 1<<24)
	case 3:
		to := image.Pt(r.rng.IntN(w-box.Dx()+1), r.rng.IntN(h-box.Dy()+1))
		m := screen.Move{To: box.Sub(box.Min).Add(to), From: box.Min}
		f.Shift(m)
		r.moves = append(r.moves, m)
		return
	case 4: // damage without a change
	}
	r.owed[id] = r.owed[id].Add(box)
}

// speckle fills box with random pixels of so many colours.
func speckle(f *screen.Frame, box image.Rectangle, rng *rand.Rand, colours int) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := f.Row(y, box.Min.X, box.Max.X)
		for i := 0; i < len(row); i += 4 {
			c := uint32(rng.IntN(colours)) * 2654435761
			row[i], row[i+1], row[i+2] = byte(c>>8), byte(c>>16), byte(c)
		}
	}
}

func TestRandomDamage(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {16, 16}, {17, 15}, {333, 211}, {64, 1}, {1, 300}, {1037, 40}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t, uint64(size.X*size.Y))
			for id := range screen.PictureID(3) {
				r.host[id] = screen.NewFrame(image.Rectangle{Max: size})
			}
			for range 150 {
				id := screen.PictureID(r.rng.IntN(3))
				for range r.rng.IntN(4) {
					r.scribble(id)
				}
				r.step(id, Budget{})
				if r.got[id] != nil {
					r.equal(id)
				}
			}
		})
	}
}

func TestBudget(t *testing.T) {
	r := newRig(t, 7)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 700, 500))
	speckle(r.host[0], r.host[0].Rect, r.rng, 1<<24)
	for step := range 200 {
		if step%7 == 0 {
			r.scribble(0)
		}
		b := Budget{Bytes: 1 + r.rng.IntN(20000), First: image.Rect(300, 200, 350, 250), Idle: step%5 == 0}
		if step%3 == 0 {
			b.CPU = time.Nanosecond
		}
		moves := len(r.moves)
		n := r.step(0, b)
		// A tile more than the budget; the film meets its aim per row of tiles, and a
		// row of white noise is up to 16 kB.
		if limit := max(b.Bytes, least)*2 + 16<<10 + moves*20; n > limit {
			t.Fatalf("%d bytes, budget %d", n, b.Bytes)
		}
	}
	for i := 0; len(r.owed[0]) > 0 || !r.enc.Exact(0); i++ {
		if i > 2000 {
			t.Fatalf("still owed: %v", r.owed[0])
		}
		r.step(0, Budget{Bytes: 5000, Idle: true})
	}
	r.equal(0)
}

// Noise without loss makes large messages, but none too large.
func TestLargestMessage(t *testing.T) {
	r := newRig(t, 14)
	f := screen.NewFrame(image.Rect(0, 0, 1920, 1080))
	v := uint32(1)
	for i := 0; i < len(f.Pix); i += 4 {
		v = v*1664525 + 1013904223
		f.Pix[i], f.Pix[i+1], f.Pix[i+2] = byte(v>>8), byte(v>>16), byte(v>>24)
	}
	r.host[0] = f
	largest := 0
	for i := 0; i == 0 || !r.enc.Exact(0) || len(r.owed[0]) > 0; i++ {
		largest = max(largest, r.step(0, Budget{Idle: true}))
	}
	if largest > MaxMessage || largest < 2<<20 {
		t.Errorf("largest message %d bytes", largest)
	}
	r.equal(0)
}

func TestFirstComesFirst(t *testing.T) {
	r := newRig(t, 8)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 640, 480))
	speckle(r.host[0], r.host[0].Rect, r.rng, 1<<24)
	first := image.Rect(400, 300, 430, 330)
	r.step(0, Budget{Bytes: 16 << 10, First: first})
	for y := first.Min.Y; y < first.Max.Y; y++ {
		if string(r.host[0].Row(y, first.Min.X, first.Max.X)) != string(r.got[0].Row(y, first.Min.X, first.Max.X)) {
			t.Fatalf("row %d of what comes first is not there", y)
		}
	}
	if len(r.owed[0]) == 0 {
		t.Fatal("nothing left over")
	}
}

func TestResizeResetAndLayout(t *testing.T) {
	r := newRig(t, 9)
	for _, size := range []image.Point{{320, 200}, {200, 320}, {1, 1}, {320, 200}} {
		r.host[0] = screen.NewFrame(image.Rectangle{Max: size})
		speckle(r.host[0], r.host[0].Rect, r.rng, 5)
		r.step(0, Budget{})
		r.equal(0)
	}
	r.enc.Reset()
	if r.step(0, Budget{}) == 0 {
		t.Fatal("nothing sent after Reset")
	}
	r.equal(0)

	gone := &screen.Layout{}
	if _, _, err := r.enc.Encode(nil, &screen.Change{Layout: gone}, Budget{}); err != nil {
		t.Fatal(err)
	}
	r.dec.Keep(gone)
	if len(r.dec.pictures) != 0 || len(r.enc.views) != 0 {
		t.Fatal("a picture that is gone is kept")
	}
}

func TestNothingNew(t *testing.T) {
	r := newRig(t, 10)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 100, 100))
	if r.step(0, Budget{}) == 0 {
		t.Fatal("a black picture is not announced")
	}
	r.owed[0] = screen.Region{r.host[0].Rect}
	if n := r.step(0, Budget{}); n != 0 {
		t.Fatalf("%d bytes for nothing", n)
	}
}

func TestDesync(t *testing.T) {
	start := func(t *testing.T) *rig {
		r := newRig(t, 11)
		r.host[0] = screen.NewFrame(image.Rect(0, 0, 128, 200))
		speckle(r.host[0], r.host[0].Rect, r.rng, 9)
		r.step(0, Budget{})
		return r
	}
	next := func(r *rig) []byte {
		speckle(r.host[0], image.Rect(0, 0, 20, 20), r.rng, 9)
		msg, _, err := r.enc.Encode(nil, &screen.Change{Frame: r.host[0], Damage: screen.Region{r.host[0].Rect}}, Budget{})
		if err != nil {
			r.t.Fatal(err)
		}
		return msg
	}
	t.Run("message lost", func(t *testing.T) {
		r := start(t)
		next(r)
		if _, _, _, err := r.dec.Decode(next(r)); !errors.Is(err, ErrDesync) {
			t.Fatalf("got %v", err)
		}
		if _, _, _, err := r.dec.Decode(next(r)); !errors.Is(err, ErrDesync) {
			t.Fatalf("then got %v", err)
		}
		r.enc.Reset()
		r.step(0, Budget{})
		r.equal(0)
	})
	t.Run("pixels differ", func(t *testing.T) {
		r := start(t)
		r.dec.pictures[0].frame.Fill(image.Rect(50, 150, 51, 151), 0x123456)
		for range 4 * checkEvery * 4 {
			if _, _, _, err := r.dec.Decode(next(r)); errors.Is(err, ErrDesync) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
		t.Fatal("not noticed")
	})
	t.Run("never started", func(t *testing.T) {
		r := start(t)
		if _, _, _, err := NewDecoder().Decode(next(r)); !errors.Is(err, ErrDesync) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestTooManyPictures(t *testing.T) {
	enc := NewEncoder()
	for id := range screen.PictureID(screen.MaxPictures) {
		if _, _, err := enc.Encode(nil, &screen.Change{Picture: id, Frame: screen.NewFrame(image.Rect(0, 0, 2, 2))}, Budget{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := enc.Encode(nil, &screen.Change{Picture: 99, Frame: screen.NewFrame(image.Rect(0, 0, 2, 2))}, Budget{}); err == nil {
		t.Fatal("one too many is taken")
	}
}

// A steady stream allocates nothing on either end.
func TestSteadyStateAllocates(t *testing.T) {
	r := newRig(t, 12)
	r.host[0] = screen.NewFrame(image.Rect(0, 0, 640, 480))
	f := r.host[0]
	c := &screen.Change{Frame: f, Damage: screen.Region{f.Rect}}
	var buf []byte
	colour := uint32(0)
	once := func() {
		colour += 77
		f.Fill(image.Rect(10, 10, 300, 200), colour&0xffffff)
		speckle(f, image.Rect(310, 10, 400, 100), r.rng, 12)
		speckle(f, image.Rect(410, 10, 500, 100), r.rng, 1<<24)
		msg, _, err := r.enc.Encode(buf[:0], c, Budget{})
		if err != nil {
			t.Fatal(err)
		}
		buf = msg
		if _, _, _, err := r.dec.Decode(msg); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		once()
	}
	if n := testing.AllocsPerRun(100, once); n > 0 {
		t.Errorf("%v allocations per frame", n)
	}
	r.host[0], r.got[0] = f, r.dec.pictures[0].frame
	r.equal(0)
}

// pawnshop lends frames and counts what comes back.
type pawnshop struct {
	out   map[*screen.Frame]bool
	begun int
	begin func() // called by Begin; may be nil
}

func (p *pawnshop) Begin() error {
	if p.begun++; p.begin != nil {
		p.begin()
	}
	return nil
}

func (p *pawnshop) Frame(_ screen.PictureID, size image.Point) *screen.Frame {
	f := screen.NewFrame(image.Rectangle{Max: size})
	for i := range f.Pix {
		f.Pix[i] = 0x5a // what was shown before
	}
	p.out[f] = true
	return f
}

func (p *pawnshop) Free(f *screen.Frame) { delete(p.out, f) }

// TestLentFrames: pictures are decoded into what was lent, and all of it is
// given back.
func TestLentFrames(t *testing.T) {
	r := newRig(t, 41)
	shop := &pawnshop{out: map[*screen.Frame]bool{}}
	r.dec = NewLentDecoder(shop)
	for _, size := range []image.Point{{100, 80}, {100, 80}, {60, 90}} {
		r.enc.Reset()
		r.host[0] = screen.NewFrame(image.Rectangle{Max: size})
		speckle(r.host[0], r.host[0].Rect.Inset(20), r.rng, 9)
		r.step(0, Budget{})
		r.equal(0)
		if !shop.out[r.got[0]] || len(shop.out) != 1 {
			t.Fatalf("%d frames are lent", len(shop.out))
		}
	}
	if shop.begun != 3 {
		t.Errorf("%d times asked for three messages", shop.begun)
	}
	r.dec.Keep(&screen.Layout{})
	if len(shop.out) != 0 {
		t.Errorf("%d frames were not given back", len(shop.out))
	}
}
