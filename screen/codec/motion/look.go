package motion

import (
	"encoding/binary"
	"image"
	"math/bits"

	"sightline/screen"
	"sightline/screen/codec/grid"
)

const (
	// window in px: about four characters of text, so that few are alike, and
	// still a fraction of any list or pane that scrolls.
	window = 32
	// lattice in px, both ways, of the windows of the old picture.
	lattice = 8
	// rich is how many times the colour must change within a window: white
	// space and rules match everywhere.
	rich = 3
	// maxProbes bounds the tiles of the new picture that are looked up, some
	// 0.5 us each; more are thinned out evenly. A part that moves gets a vote
	// from every second of its tiles if it is text, from all if it is a photo.
	maxProbes = 400

	// tired is after how many calls in vain in a row a tile alone is no reason to
	// search.
	tired = 12

	step  = 0x9e3779b97f4a7c15 // what pixels are multiplied with: odd, bits well mixed
	final = 0xd6e8feb86659fd93 // mixes the bits of the hash up
)

// roll is a hash over the last window pixels of a row, in the way of R. Uzgalis'
// buzhash: rotated by one bit for each pixel, so that a pixel leaves by the
// window's worth of rotation. Nothing in it branches on the pixels.
type roll struct {
	sum     uint64
	before  uint32
	changes uint64 // a bit for each pixel unlike the one before it, the last lowest
}

// hit is a window found at another place of the old picture.
type hit struct {
	x, y uint16      // of the tile
	by   image.Point // from the new picture to the old
}

// look fills hits and tells whether there are any.
func (f *Finder) look(src, ref *screen.Frame) bool {
	f.hits = f.hits[:0]
	f.votes.clear()
	skip := f.thin()
	if skip == 0 {
		return false
	}
	f.index(ref)
	n := 0
	for y := range f.left.Rows {
		for x := f.left.Next(0, y); x < f.left.Cols; x = f.left.Next(x+1, y) {
			if !f.due(x, y) {
				continue
			}
			if n++; n >= skip {
				n = 0
				f.probe(src, x, y)
			}
		}
	}
	return len(f.hits) >= minVotes
}

// due tells whether a tile is worth probing in this call: always at first, of
// tiles that were probed in vain for long one in 32, another one each time.
func (f *Finder) due(x, y int) bool {
	level := min(int(f.vain[y*f.left.Cols+x])/(tired/4), 5)
	return (uint32(x*7+y*13)+f.calls)&(1<<level-1) == 0
}

// thin counts the tiles that are due and tells which of them to probe: every
// n-th, 0 for none. Where all was in vain for long it rests three calls of four.
func (f *Finder) thin() int {
	n, fresh := 0, 0
	for y := range f.left.Rows {
		for x := f.left.Next(0, y); x < f.left.Cols; x = f.left.Next(x+1, y) {
			if f.due(x, y) {
				n++
				if f.vain[y*f.left.Cols+x] < tired {
					fresh++
				}
			}
		}
	}
	if fresh < minGain && f.calls%4 != 0 {
		return 0
	}
	return (n + maxProbes - 1) / maxProbes
}

// index enters the windows on the lattice of the old picture near the dirty tiles.
func (f *Finder) index(ref *screen.Frame) {
	const s = grid.Side
	f.table.clear(f.near.Len() * (s / lattice) * (s / lattice))
	w, h := ref.Rect.Max.X, ref.Rect.Max.Y
	for k := 0; k*lattice < h; k++ {
		y := min(k*lattice+jitter(k), h-1)
		row := y / s
		for x := f.near.Next(0, row); x < f.near.Cols; x = f.near.Next(x, row) {
			from := x
			for x < f.near.Cols && f.near.Has(x, row) {
				x++
			}
			f.table.enter(ref.Row(y, from*s, min(x*s+window-lattice, w)), from*s, y)
		}
	}
}

// jitter moves row k of the lattice by 0 to 7 px: lines of text repeat every 16
// or 24 px, and an even lattice could meet nothing but the gaps between them.
func jitter(k int) int { return int(uint64(k) * step >> 61) }

// enter adds every window of the row that begins on the lattice; the row begins
// at (x,y), on the lattice. The hash is roll's, put together from those of the
// lattice's steps.
func (t *table) enter(row []byte, x, y int) {
	var r roll
	var sums [window/lattice - 1]uint64
	if len(row) > 0 {
		r.before = binary.LittleEndian.Uint32(row)
	}
	for k := 0; len(row) >= 4*lattice; k++ {
		r.sum = 0
		for i := 0; i < 4*lattice; i += 4 {
			r.take(binary.LittleEndian.Uint32(row[i:]))
		}
		row = row[4*lattice:]
		if k >= len(sums) && r.rich() {
			sum := r.sum
			for i, s := range sums {
				sum ^= bits.RotateLeft64(s, window-lattice*(i+1))
			}
			t.put(sum*final, uint32(y<<16|x/lattice+k-len(sums)))
		}
		copy(sums[:], sums[1:])
		sums[len(sums)-1] = r.sum
	}
}

// start takes in all but the last pixel of the first window of row.
func (r *roll) start(row []byte) {
	*r = roll{before: binary.LittleEndian.Uint32(row)}
	for i := 0; i < 4*(window-1); i += 4 {
		r.take(binary.LittleEndian.Uint32(row[i:]))
	}
}

// move takes pixel i in and lets the one leave that is now outside the window.
func (r *roll) move(row []byte, i int) {
	if i >= window {
		old := binary.LittleEndian.Uint32(row[4*(i-window):])
		r.sum ^= bits.RotateLeft64(uint64(old)*step, window-1)
	}
	r.take(binary.LittleEndian.Uint32(row[4*i:]))
}

func (r *roll) take(p uint32) {
	r.sum = bits.RotateLeft64(r.sum, 1) ^ uint64(p)*step
	d := uint64(p ^ r.before)
	r.changes = r.changes<<1 | (-d)>>63
	r.before = p
}

// rich tells whether the window has enough changes to be known again.
func (r *roll) rich() bool {
	return bits.OnesCount64(r.changes&(1<<(window-1)-1)) >= rich
}

// probe looks up the 64 alignments of a window in a tile of the new picture.
func (f *Finder) probe(src *screen.Frame, tx, ty int) {
	x0, y0 := tx*grid.Side, ty*grid.Side+(tx*5+ty*3)%(grid.Side-lattice+1)
	x1 := min(x0+window-1+lattice, src.Rect.Max.X)
	if x1-x0 < window {
		return
	}
	for y := y0; y < min(y0+lattice, src.Rect.Max.Y); y++ {
		row := src.Row(y, x0, x1)
		var r roll
		r.start(row)
		for i := window - 1; i < x1-x0; i++ {
			r.move(row, i)
			start := i - (window - 1)
			if !r.rich() {
				continue
			}
			for _, at := range f.table.get(r.sum * final) {
				by := image.Pt(int(at&0xffff)*lattice-x0-start, int(at>>16)-y)
				if by != (image.Point{}) {
					f.hits = append(f.hits, hit{uint16(tx), uint16(ty), by})
					f.votes.add(by)
				}
			}
		}
	}
}

// table of windows: buckets of four, so that what occurs more often than that
// crowds itself out.
type table struct {
	slots []bucket
	shift int // of a hash to the number of its bucket
	found [ways]uint32
}

const ways = 4

type bucket struct {
	tag [ways]uint32 // low half of the hash, 0: free
	at  [ways]uint32 // row <<16 | column of the lattice
}

// clear makes room for n windows.
func (t *table) clear(n int) {
	size := 1 << bits.Len(uint(n/4|63))
	if len(t.slots) < size {
		t.slots = make([]bucket, size)
	}
	clear(t.slots[:size])
	t.shift = 64 - bits.Len(uint(size-1))
}

func (t *table) put(hash uint64, at uint32) {
	b := &t.slots[hash>>t.shift]
	tag := uint32(hash) | 1
	for i := range b.tag {
		if b.tag[i] == 0 {
			b.tag[i], b.at[i] = tag, at
			return
		}
	}
}

// get returns the places of a window; none for one that is in more than two,
// whose votes would mostly be wrong.
func (t *table) get(hash uint64) []uint32 {
	b := &t.slots[hash>>t.shift]
	tag := uint32(hash) | 1
	n := 0
	for i := range b.tag {
		if b.tag[i] == tag {
			t.found[n] = b.at[i]
			n++
		}
	}
	if n > 2 {
		return nil
	}
	return t.found[:n]
}

// ballot counts votes for vectors. When it is full of vectors, new ones are
// not counted: a true one has come up long before.
type ballot struct {
	box  [ballots]vote
	used int
	nth  uint32 // call; votes of others are void
}

const ballots = 4096

type vote struct {
	by   image.Point
	nth  uint32
	n    int32
	done bool
}

func (b *ballot) clear() {
	b.nth++
	b.used = 0
}

// find returns the entry of a vector, nil if it has none and there is no room.
func (b *ballot) find(by image.Point) *vote {
	for i := uint64(by.X*0x10001+by.Y) * step >> 52; ; i = (i + 1) % ballots {
		v := &b.box[i]
		if v.nth != b.nth {
			if b.used >= ballots/2 {
				return nil
			}
			b.used++
			*v = vote{by: by, nth: b.nth}
			return v
		}
		if v.by == by {
			return v
		}
	}
}

func (b *ballot) add(by image.Point) {
	if v := b.find(by); v != nil {
		v.n++
	}
}

// done takes a vector out of the election.
func (b *ballot) done(by image.Point) {
	if v := b.find(by); v != nil {
		v.done = true
	}
}

// best counts the hits of the tiles that are left and returns the first vector
// that most of them are for.
func (b *ballot) best(hits []hit, left *grid.Set) (by image.Point, n int32) {
	for i := range b.box {
		b.box[i].n = 0
	}
	for i := range hits {
		h := &hits[i]
		if !left.Has(int(h.x), int(h.y)) {
			continue
		}
		if v := b.find(h.by); v != nil && !v.done {
			if v.n++; v.n > n {
				by, n = h.by, v.n
			}
		}
	}
	return by, n
}
