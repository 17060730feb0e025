package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/pict"
	"sightline/screen/codec/rc"
	"sightline/screen/codec/refine"
	"sightline/screen/codec/text"
)

// TilesDecoder is the Decoder of this package.
type TilesDecoder struct {
	pictures map[screen.PictureID]*picture
	text     *text.Coder
	exact    *refine.Coder
	lost     bool // what was learned is wrong: waits for a message that forgets
	lender   Lender
	begun    bool           // the lender has been asked whether its memory may be written to
	begin    func() error   // beginWriting
	layout   *screen.Layout // of the last Keep; nil: there was none

	// Scratch of one Decode.
	rc            rc.Decoder
	moves         []screen.Move
	done, changed grid.Set
	named         int // tiles that the message may still name
	movable       int // pixels that it may still move
	region        screen.Region
}

// Lender lends memory for pictures; see screen.FrameMaker. Frame may return nil,
// and Free is told of frames that were never lent, too.
//
// Begin is called once in a Decode, right before it first writes to memory that
// may be lent: what can be decoded without, such as a film up to its pixels, is
// decoded while the window still shows what came before. Its error is Decode's.
type Lender interface {
	Frame(screen.PictureID, image.Point) *screen.Frame
	Begin() error
	Free(*screen.Frame)
}

// picture is what this viewer has.
type picture struct {
	frame *screen.Frame
	seq   byte // of the next message
	any   bool // the next message has any sequence number
	lost  bool // out of step: waits for a fresh message
	film  *pict.Decoder

	textTiles, exactTiles grid.Coder
}

var _ Decoder = (*TilesDecoder)(nil)

// NewDecoder makes a decoder that has no picture yet.
func NewDecoder() *TilesDecoder {
	d := &TilesDecoder{pictures: make(map[screen.PictureID]*picture), text: text.New(), exact: refine.New()}
	d.begin = d.beginWriting
	return d
}

// NewLentDecoder makes a decoder that decodes into the memory of a lender as
// far as that lends it. After Keep of an empty layout nothing is borrowed.
func NewLentDecoder(l Lender) *TilesDecoder {
	d := NewDecoder()
	d.lender = l
	return d
}

// Keep drops the pictures that are not in the layout, and their memory. From
// then on only what it names is taken, in the size that it says: a message of a
// few bytes must not make us find memory for any picture it likes.
func (d *TilesDecoder) Keep(l *screen.Layout) {
	d.layout = l
	for id := range d.pictures {
		if _, ok := l.Find(id); !ok {
			d.drop(id)
		}
	}
}

// drop forgets a picture.
func (d *TilesDecoder) drop(id screen.PictureID) {
	if p := d.pictures[id]; p != nil && d.lender != nil {
		d.lender.Free(p.frame)
	}
	delete(d.pictures, id)
}

// newFrame finds memory for a picture and makes it black.
func (d *TilesDecoder) newFrame(id screen.PictureID, box image.Rectangle) *screen.Frame {
	if d.lender != nil {
		if f := d.lender.Frame(id, box.Size()); f != nil {
			clear(f.Pix)
			return f
		}
	}
	return screen.NewFrame(box)
}

// header is what a message begins with.
type header struct {
	fresh, forget bool
	id            screen.PictureID
	seq           byte
	size          image.Point // of a fresh picture
}

// Decode implements Decoder. After an error nothing is in step any more, and
// the picture may be half painted: each picture waits for a fresh message, the
// first of which forgets.
func (d *TilesDecoder) Decode(msg []byte) (screen.PictureID, *screen.Frame, screen.Region, error) {
	d.begun = false
	h, rest, err := parseHeader(msg)
	if err != nil {
		d.loseAll()
		return 0, nil, nil, err
	}
	if h.forget {
		d.forget()
	}
	p, err := d.picture(h)
	if err == nil {
		err = d.apply(p, rest)
	}
	if err != nil {
		d.loseAll()
		return h.id, nil, nil, fmt.Errorf("picture %d: %w", h.id, err)
	}
	p.seq, p.any = h.seq+1, false
	if h.fresh {
		d.region = append(d.region[:0], p.frame.Rect)
	} else {
		d.region = d.changed.AppendRegion(d.region[:0])
	}
	return h.id, p.frame, d.region, nil
}

// beginWriting waits until the memory of pictures may be written to.
func (d *TilesDecoder) beginWriting() error {
	if d.lender == nil || d.begun {
		return nil
	}
	d.begun = true
	return d.lender.Begin()
}

// loseAll: what was learned is wrong for every picture.
func (d *TilesDecoder) loseAll() {
	for _, p := range d.pictures {
		p.lost = true
	}
	d.lost = true
}

// forget begins to learn anew.
func (d *TilesDecoder) forget() {
	d.lost = false
	d.text.Forget()
	d.exact.Forget()
	for _, p := range d.pictures {
		p.textTiles.Forget()
		p.exactTiles.Forget()
		p.film, p.any = nil, true
	}
}

// parseHeader reads what a message begins with and checks each number in it.
func parseHeader(msg []byte) (h header, rest []byte, err error) {
	if len(msg) < headerSize || len(msg) > MaxMessage {
		return h, nil, fmt.Errorf("%w: message of %d bytes", ErrMalformed, len(msg))
	}
	if msg[0]&^(flagFresh|flagForget) != 0 {
		return h, nil, fmt.Errorf("%w: flags %#x", ErrMalformed, msg[0])
	}
	h.fresh, h.forget = msg[0]&flagFresh != 0, msg[0]&flagForget != 0
	h.id, h.seq = screen.PictureID(msg[1]), msg[2]
	if !h.fresh {
		return h, msg[headerSize:], nil
	}
	if len(msg) < freshSize || msg[3] != version {
		return h, nil, fmt.Errorf("%w: not version %d", ErrMalformed, version)
	}
	h.size = image.Pt(int(binary.LittleEndian.Uint16(msg[4:])), int(binary.LittleEndian.Uint16(msg[6:])))
	if err := screen.CheckSize(h.size.X, h.size.Y); err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return h, msg[freshSize:], nil
}

// picture finds the picture that a message is about, or starts it afresh.
func (d *TilesDecoder) picture(h header) (*picture, error) {
	if d.lost {
		return nil, fmt.Errorf("an earlier message was refused: %w", ErrDesync)
	}
	p := d.pictures[h.id]
	if h.fresh {
		return d.fresh(p, h)
	}
	if p == nil || p.lost {
		return nil, fmt.Errorf("not started: %w", ErrDesync)
	}
	if p.seq != h.seq && !p.any {
		return nil, fmt.Errorf("message %d instead of %d: %w", h.seq, p.seq, ErrDesync)
	}
	return p, nil
}

// fresh gives a black picture. All pictures together may hold MaxPixels, so a
// host cannot make us take that much for each of them.
func (d *TilesDecoder) fresh(p *picture, h header) (*picture, error) {
	box := image.Rectangle{Max: h.size}
	if d.layout != nil {
		if pic, ok := d.layout.Find(h.id); !ok || pic.Bounds() != box {
			return nil, fmt.Errorf("%w: a picture of %v that no layout names", ErrMalformed, h.size)
		}
	}
	if err := d.beginWriting(); err != nil {
		return nil, err
	}
	if p != nil && p.frame.Rect == box && d.lender == nil {
		clear(p.frame.Pix)
		*p = picture{frame: p.frame}
		return p, nil
	}
	d.drop(h.id)
	total := box.Dx() * box.Dy()
	for _, other := range d.pictures {
		total += other.frame.Rect.Dx() * other.frame.Rect.Dy()
	}
	if len(d.pictures) >= screen.MaxPictures || total > screen.MaxPixels {
		return nil, fmt.Errorf("%w: one too many", ErrMalformed)
	}
	p = &picture{frame: d.newFrame(h.id, box)}
	d.pictures[h.id] = p
	return p, nil
}

// apply carries out the sections.
func (d *TilesDecoder) apply(p *picture, b []byte) error {
	size := p.frame.Rect.Size()
	d.changed.Size(size.X, size.Y)
	d.done.Size(size.X, size.Y)
	d.named = d.changed.Cols * d.changed.Rows
	d.movable = mostMoved(p.frame.Rect)
	for n := 0; len(b) > 0; n++ {
		if n == maxSections {
			return fmt.Errorf("%w: too many sections", ErrMalformed)
		}
		kind, body, rest, err := cutSection(b)
		if err != nil {
			return err
		}
		if err := d.section(p, kind, body); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// cutSection takes the first section off.
func cutSection(b []byte) (kind byte, body, rest []byte, err error) {
	kind, b = b[0], b[1:]
	if kind&lastKind != 0 {
		return kind &^ lastKind, b, nil, nil
	}
	size, b, err := uvarint(b, MaxMessage)
	if err != nil || size >= len(b) { // the last one has no size
		return 0, nil, nil, fmt.Errorf("%w: section cut off", ErrMalformed)
	}
	return kind, b[:size], b[size:], nil
}

// section carries out one.
func (d *TilesDecoder) section(p *picture, kind byte, body []byte) (err error) {
	if kind != kindFilm && kind != kindCheck {
		if err := d.beginWriting(); err != nil {
			return err
		}
	}
	switch kind {
	case kindMoves:
		return d.move(p, body)
	case kindText:
		return d.tiles(p, &p.textTiles, textChunk, body, func(r image.Rectangle) {
			d.text.Decode(&d.rc, p.frame, r)
		})
	case kindExact:
		return d.tiles(p, &p.exactTiles, 1, body, func(r image.Rectangle) {
			d.exact.Decode(&d.rc, p.frame, r, d.rc.Raw(1) == 1)
		})
	case kindFilm:
		return d.film(p, body)
	case kindCheck:
		return verify(p.frame, body)
	}
	return fmt.Errorf("%w: section of kind %d", ErrMalformed, kind)
}

func (d *TilesDecoder) move(p *picture, body []byte) (err error) {
	if d.moves, err = parseMoves(d.moves[:0], body, p.frame.Rect); err != nil {
		return err
	}
	for _, m := range d.moves {
		if d.movable -= area(m.To); d.movable < 0 {
			return fmt.Errorf("%w: more pixels moved than a message may", ErrMalformed)
		}
		p.frame.Shift(m)
		p.touched(m.To)
		d.changed.AddRect(m.To)
	}
	return nil
}

func (p *picture) touched(r image.Rectangle) {
	if p.film != nil {
		p.film.Touched(r)
	}
}

// tiles reads a set of tiles and, by decode, what is in each run of them. See
// message.tiles.
func (d *TilesDecoder) tiles(p *picture, coder *grid.Coder, chunk int, body []byte, decode func(r image.Rectangle)) error {
	d.rc.Reset(body)
	done := &d.done
	done.Clear()
	coder.Begin(done)
	for y := range done.Rows {
		if !coder.TakeRow(&d.rc, y) {
			continue
		}
		for x := 0; x < done.Cols; x += chunk {
			end := min(x+chunk, done.Cols)
			for x := x; x < end; x++ {
				if coder.TakeTile(&d.rc, done, x, y) {
					d.named--
					d.changed.Add(x, y)
				}
			}
			if d.named < 0 || d.rc.Overrun() {
				return fmt.Errorf("%w: more tiles than there are", ErrMalformed)
			}
			for run := range runs(done, x, end, y) {
				r := done.Tile(run.Min.X, y).Union(done.Tile(run.Max.X-1, y))
				decode(r)
				p.touched(r)
			}
		}
	}
	coder.End(done)
	return nil
}

// film reads a body of the film coder.
func (d *TilesDecoder) film(p *picture, body []byte) error {
	if p.film == nil {
		p.film = pict.NewDecoder(p.frame.Rect.Dx(), p.frame.Rect.Dy())
		p.film.Before = d.begin
	}
	d.done.Clear()
	if err := p.film.Decode(body, p.frame, &d.done); err != nil && !errors.Is(err, pict.ErrMalformed) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if d.named -= d.done.Len(); d.named < 0 {
		return fmt.Errorf("%w: more tiles than there are", ErrMalformed)
	}
	for y := range d.done.Rows {
		for x := d.done.Next(0, y); x < d.done.Cols; x = d.done.Next(x+1, y) {
			d.changed.Add(x, y)
		}
	}
	return nil
}
