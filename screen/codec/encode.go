package codec

import (
	"encoding/binary"
	"fmt"
	"image"
	"math/bits"
	"time"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// TilesEncoder is the Encoder of this package.
type TilesEncoder struct {
	// What each viewer has; nil: nothing yet.
	refs  map[screen.PictureID]*reference
	zstd  *zstd.Encoder
	slice slice

	// Scratch of one Encode, kept to allocate nothing.
	damage, rest screen.Region
	moves        []screen.Move
	pix          pixels
	pal          palette
}

var _ Encoder = (*TilesEncoder)(nil)

// reference is the picture as the viewer has it.
type reference struct {
	frame *screen.Frame
	seq   uint32 // of the next message
	band  bandTurn
}

// NewEncoder makes an encoder for one viewer that has nothing yet.
func NewEncoder() *TilesEncoder {
	return &TilesEncoder{refs: make(map[screen.PictureID]*reference), zstd: newPacker()}
}

// Reset makes the next message of each picture start it afresh.
func (e *TilesEncoder) Reset() { clear(e.refs) }

// Encode implements Encoder. A Layout in c drops the pictures that are gone.
func (e *TilesEncoder) Encode(dst []byte, c *screen.Change, b Budget) ([]byte, screen.Region, error) {
	if c.Layout != nil {
		e.keep(c.Layout)
	}
	if c.Frame == nil {
		return dst, nil, nil
	}
	ref, fresh, err := e.reference(c)
	if err != nil {
		return dst, nil, err
	}
	box := ref.frame.Rect
	e.collect(c, box, fresh)

	m := update{enc: e, ref: ref, src: c.Frame, msg: dst, start: len(dst)}
	m.begin(c.Picture, fresh, e.moves)
	m.limit(b)
	m.send(b.First)
	e.rest = append(e.rest[:0], e.damage...).Clip(m.left)
	if !fresh && m.slices == 0 && len(e.moves) == 0 {
		return dst, e.rest, nil
	}
	m.finish()
	return m.msg, e.rest, nil
}

// keep drops the references of pictures that are no longer there.
func (e *TilesEncoder) keep(l *screen.Layout) {
	for id := range e.refs {
		if _, ok := l.Find(id); !ok {
			delete(e.refs, id)
		}
	}
}

// reference finds or makes what the viewer has of the picture in c.
func (e *TilesEncoder) reference(c *screen.Change) (ref *reference, fresh bool, err error) {
	box := c.Frame.Rect
	if box.Min != (image.Point{}) {
		return nil, false, fmt.Errorf("encode picture %d: frame begins at %v", c.Picture, box.Min)
	}
	if ref = e.refs[c.Picture]; ref != nil && ref.frame.Rect == box {
		return ref, false, nil
	}
	if err := screen.CheckSize(box.Dx(), box.Dy()); err != nil {
		return nil, false, fmt.Errorf("encode picture %d: %w", c.Picture, err)
	}
	delete(e.refs, c.Picture)
	total := box.Dx() * box.Dy()
	for _, other := range e.refs {
		total += other.frame.Rect.Dx() * other.frame.Rect.Dy()
	}
	if len(e.refs) >= screen.MaxPictures || total > screen.MaxPixels {
		return nil, false, fmt.Errorf("encode picture %d: more pictures than a session holds", c.Picture)
	}
	ref = &reference{frame: screen.NewFrame(box)}
	e.refs[c.Picture] = ref
	return ref, true, nil
}

// collect gathers the damage to look at. Where a move ends is looked at too:
// the viewer may not have had the newest pixels of where it began.
func (e *TilesEncoder) collect(c *screen.Change, box image.Rectangle, fresh bool) {
	e.moves, e.damage = e.moves[:0], e.damage[:0]
	if fresh {
		e.damage = append(e.damage, box)
		return
	}
	e.damage = append(e.damage, c.Damage...).Clip(box)
	for _, m := range c.Moves {
		from := m.To.Sub(m.To.Min).Add(m.From)
		if len(e.moves) < screen.MaxRects && !m.To.Empty() && m.To.In(box) && from.In(box) && m.From != m.To.Min {
			e.moves = append(e.moves, m)
			e.damage = e.damage.Add(m.To)
		} else {
			e.damage = e.damage.Add(m.To.Intersect(box))
		}
	}
}

// update is one message in the making.
type update struct {
	enc    *TilesEncoder
	ref    *reference
	src    *screen.Frame
	msg    []byte
	start  int
	slices int

	max   int       // bytes of the message
	until time.Time // zero: no limit
	left  image.Rectangle
}

// begin writes the header and applies the moves.
func (m *update) begin(id screen.PictureID, fresh bool, moves []screen.Move) {
	var h [headerSize]byte
	h[0], h[2] = version, byte(id)
	if fresh {
		h[1] |= flagFresh
	}
	if len(moves) > 0 {
		h[1] |= flagMoves
	}
	if m.ref.band.due(m.ref.seq) {
		h[1] |= flagCheck
	}
	binary.LittleEndian.PutUint32(h[4:], m.ref.seq)
	binary.LittleEndian.PutUint16(h[8:], uint16(m.src.Rect.Dx()))
	binary.LittleEndian.PutUint16(h[10:], uint16(m.src.Rect.Dy()))
	m.msg = append(m.msg, h[:]...)
	if h[1]&flagCheck != 0 {
		m.msg = append(m.msg, make([]byte, checkSize)...)
	}
	if len(moves) > 0 {
		m.msg = binary.LittleEndian.AppendUint16(m.msg, uint16(len(moves)))
		for _, mv := range moves {
			m.msg = appendMove(m.msg, mv)
			m.ref.frame.Shift(mv)
		}
	}
}

// limit turns the budget into marks that send looks at.
func (m *update) limit(b Budget) {
	m.max = MaxMessage
	if b.Bytes > 0 && b.Bytes < m.max {
		m.max = b.Bytes
	}
	if b.CPU > 0 {
		m.until = time.Now().Add(b.CPU)
	}
	m.enc.slice.reset(m.room())
}

// room is the size of the next slice's body such that the message stays in
// its budget even if zstd gains nothing. Negative: the budget is spent. The
// first slice always has room for a tile.
func (m *update) room() int {
	room := min(m.max-(len(m.msg)-m.start)-sliceHead, maxBody)
	if m.slices == 0 {
		return max(room, oneTile)
	}
	if room < oneTile || m.slices == maxSlices {
		return -1
	}
	return room
}

// send codes the tiles that differ, those in first before the others, and
// leaves in m.left where tiles may still differ.
func (m *update) send(first image.Rectangle) {
	box := m.src.Rect
	if first = first.Intersect(box); !first.Empty() {
		if _, ok := m.pass(first); !ok {
			m.left = box
			return
		}
	}
	if row, ok := m.pass(box); !ok {
		m.left = image.Rect(0, row*tileSide, box.Max.X, box.Max.Y)
	}
}

// pass codes the differing tiles of the damage within area. If the budget
// ends it returns the row of tiles it was in, and false.
func (m *update) pass(area image.Rectangle) (row int, ok bool) {
	g := grid{m.src.Rect.Dx(), m.src.Rect.Dy()}
	area = area.Intersect(m.enc.damage.Bounds())
	if area.Empty() {
		return 0, true
	}
	for row = area.Min.Y / tileSide; row*tileSide < area.Max.Y; row++ {
		var due tileSet
		due.mark(m.enc.damage, area, row)
		if !m.row(g, row, &due) || m.late() {
			m.flush()
			return row, false
		}
	}
	return row, m.flush()
}

// late tells whether the time is up. It never is before something was coded,
// else a damage that is slow to look at would be looked at for ever.
func (m *update) late() bool {
	if m.until.IsZero() || m.slices == 0 && m.enc.slice.empty() {
		return false
	}
	return !time.Now().Before(m.until)
}

// row codes the tiles of one row that are due and differ. False: the budget
// ended before the row did.
func (m *update) row(g grid, row int, due *tileSet) bool {
	s := &m.enc.slice
	s.endRun()
	for w, word := range due {
		for ; word != 0; word &= word - 1 {
			col := w*64 + bits.TrailingZeros64(word)
			r := g.tile(row, col)
			if same(m.src, m.ref.frame, r) {
				continue
			}
			if !s.fits(row, col) && !m.flush() {
				return false
			}
			m.tile(row, col, r)
		}
	}
	return true
}

// tile codes one tile and takes it into the reference.
func (m *update) tile(row, col int, r image.Rectangle) {
	e := m.enc
	n := e.pix.load(m.src, r)
	e.pix.store(m.ref.frame, r)
	e.slice.add(row, col, e.pal.build(&e.pix, n), n, r.Dx(), &e.pix, &e.pal)
}

// flush packs the slice into the message and begins the next. False: the
// budget has no room for another.
func (m *update) flush() bool {
	s := &m.enc.slice
	if s.empty() {
		return m.room() > 0
	}
	body := s.join()
	at := len(m.msg)
	m.msg = append(m.msg, make([]byte, sliceHead)...)
	m.msg = m.enc.zstd.EncodeAll(body, m.msg)
	if len(m.msg)-at-sliceHead >= len(body) {
		m.msg = append(m.msg[:at+sliceHead], body...)
	}
	binary.LittleEndian.PutUint32(m.msg[at:], uint32(len(body)))
	binary.LittleEndian.PutUint32(m.msg[at+4:], uint32(len(m.msg)-at-sliceHead))
	m.slices++
	room := m.room()
	s.reset(room)
	return room > 0
}

// finish fills in what is known only at the end.
func (m *update) finish() {
	h := m.msg[m.start:]
	binary.LittleEndian.PutUint16(h[12:], uint16(m.slices))
	if h[1]&flagCheck != 0 {
		y, rows := m.ref.band.next(m.ref.frame.Rect.Dy())
		putCheck(h[headerSize:], y, rows, bandSum(m.ref.frame, y, rows))
	}
	m.ref.seq++
}

// tileSet is the columns of one row of tiles, one bit each.
type tileSet [(screen.MaxSide/tileSide + 63) / 64]uint64

// mark adds the tiles of a row that the region touches within area.
func (t *tileSet) mark(region screen.Region, area image.Rectangle, row int) {
	area.Min.Y = max(area.Min.Y, row*tileSide)
	area.Max.Y = min(area.Max.Y, (row+1)*tileSide)
	for _, r := range region {
		if r = r.Intersect(area); !r.Empty() {
			for c := r.Min.X / tileSide; c*tileSide < r.Max.X; c++ {
				t[c/64] |= 1 << (c % 64)
			}
		}
	}
}
