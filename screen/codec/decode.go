package codec

import (
	"encoding/binary"
	"fmt"
	"image"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// TilesDecoder is the Decoder of this package.
type TilesDecoder struct {
	pictures map[screen.PictureID]*picture
	zstd     *zstd.Decoder
	body     []byte // of one slice, at most maxBody
	moves    []screen.Move
	painter  painter
}

var _ Decoder = (*TilesDecoder)(nil)

// picture is what this viewer has.
type picture struct {
	frame *screen.Frame
	seq   uint32 // of the next message
	lost  bool   // out of step: waits for a fresh message
}

// NewDecoder makes a decoder that has no picture yet.
func NewDecoder() *TilesDecoder {
	return &TilesDecoder{pictures: make(map[screen.PictureID]*picture), zstd: newUnpacker()}
}

// Keep drops the pictures that are not in the layout, and their memory.
func (d *TilesDecoder) Keep(l *screen.Layout) {
	for id := range d.pictures {
		if _, ok := l.Find(id); !ok {
			delete(d.pictures, id)
		}
	}
}

// header is the fixed part of a message.
type header struct {
	flags  byte
	id     screen.PictureID
	seq    uint32
	grid   grid
	slices int
}

// Decode implements Decoder. After an error the picture may be half painted;
// it counts as lost until a fresh message comes.
func (d *TilesDecoder) Decode(msg []byte) (screen.PictureID, *screen.Frame, screen.Region, error) {
	h, rest, err := parseHeader(msg)
	if err != nil {
		return 0, nil, nil, err
	}
	p, err := d.picture(h)
	if err != nil {
		return h.id, nil, nil, err
	}
	p.lost = true // until all went well
	if err := d.apply(p, h, rest); err != nil {
		return h.id, nil, nil, fmt.Errorf("picture %d: %w", h.id, err)
	}
	p.lost = false
	p.seq++
	if h.flags&flagFresh != 0 {
		return h.id, p.frame, append(d.painter.changed[:0], p.frame.Rect), nil
	}
	return h.id, p.frame, d.painter.take(), nil
}

// parseHeader reads the fixed part and checks each number in it.
func parseHeader(msg []byte) (h header, rest []byte, err error) {
	if len(msg) < headerSize || len(msg) > MaxMessage {
		return h, nil, fmt.Errorf("%w: message of %d bytes", ErrMalformed, len(msg))
	}
	if msg[0] != version || msg[1]&^(flagFresh|flagCheck|flagMoves) != 0 || msg[3]|msg[14]|msg[15] != 0 {
		return h, nil, fmt.Errorf("%w: version %d, flags %#x", ErrMalformed, msg[0], msg[1])
	}
	h.flags, h.id = msg[1], screen.PictureID(msg[2])
	h.seq = binary.LittleEndian.Uint32(msg[4:])
	h.grid = grid{int(binary.LittleEndian.Uint16(msg[8:])), int(binary.LittleEndian.Uint16(msg[10:]))}
	h.slices = int(binary.LittleEndian.Uint16(msg[12:]))
	if err := screen.CheckSize(h.grid.w, h.grid.h); err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.slices > maxSlices || h.flags&flagFresh != 0 && h.seq != 0 {
		return h, nil, fmt.Errorf("%w: %d slices, sequence %d", ErrMalformed, h.slices, h.seq)
	}
	return h, msg[headerSize:], nil
}

// picture finds the picture that a message is about, or starts it afresh.
func (d *TilesDecoder) picture(h header) (*picture, error) {
	p := d.pictures[h.id]
	if h.flags&flagFresh != 0 {
		return d.fresh(p, h)
	}
	if p == nil || p.lost {
		return nil, fmt.Errorf("picture %d was not started: %w", h.id, ErrDesync)
	}
	if p.frame.Rect.Size() != (image.Point{X: h.grid.w, Y: h.grid.h}) || p.seq != h.seq {
		p.lost = true
		return nil, fmt.Errorf("picture %d, message %d instead of %d: %w", h.id, h.seq, p.seq, ErrDesync)
	}
	return p, nil
}

// fresh gives a black picture. All pictures together may hold MaxPixels, so a
// host cannot make us take that much for each of them.
func (d *TilesDecoder) fresh(p *picture, h header) (*picture, error) {
	box := image.Rect(0, 0, h.grid.w, h.grid.h)
	if p != nil && p.frame.Rect == box {
		clear(p.frame.Pix)
		p.seq = 0
		return p, nil
	}
	delete(d.pictures, h.id)
	total := h.grid.w * h.grid.h
	for _, other := range d.pictures {
		total += other.frame.Rect.Dx() * other.frame.Rect.Dy()
	}
	if len(d.pictures) >= screen.MaxPictures || total > screen.MaxPixels {
		return nil, fmt.Errorf("%w: picture %d is one too many", ErrMalformed, h.id)
	}
	p = &picture{frame: screen.NewFrame(box)}
	d.pictures[h.id] = p
	return p, nil
}

// apply carries out what follows the header.
func (d *TilesDecoder) apply(p *picture, h header, b []byte) error {
	d.painter.changed, d.painter.last = d.painter.changed[:0], image.Rectangle{}
	var check []byte
	if h.flags&flagCheck != 0 {
		if len(b) < checkSize {
			return fmt.Errorf("%w: check cut off", ErrMalformed)
		}
		check, b = b[:checkSize], b[checkSize:]
	}
	if h.flags&flagMoves != 0 {
		var err error
		if d.moves, b, err = parseMoves(d.moves[:0], b, p.frame.Rect); err != nil {
			return err
		}
		for _, m := range d.moves {
			p.frame.Shift(m)
			d.painter.touch(m.To)
		}
	}
	if err := d.slices(p.frame, h, b); err != nil {
		return err
	}
	if check != nil {
		return verify(p.frame, check)
	}
	return nil
}

// slices paints them all; they must end where the message ends.
func (d *TilesDecoder) slices(f *screen.Frame, h header, b []byte) error {
	tiles := 2 * h.grid.tiles()
	for range h.slices {
		if len(b) < sliceHead {
			return fmt.Errorf("%w: slice cut off", ErrMalformed)
		}
		size, coded := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		b = b[sliceHead:]
		if size < 1 || size > maxBody || coded < 1 || coded > size || uint64(coded) > uint64(len(b)) {
			return fmt.Errorf("%w: slice of %d bytes in %d", ErrMalformed, size, coded)
		}
		body, err := d.open(b[:coded], int(size))
		if err != nil {
			return err
		}
		p, err := parseSlice(body, h.grid, tiles)
		if err != nil {
			return err
		}
		tiles -= len(p.kinds)
		p.paint(f, h.grid, &d.painter)
		b = b[coded:]
	}
	if len(b) != 0 {
		return fmt.Errorf("%w: %d bytes after the last slice", ErrMalformed, len(b))
	}
	return nil
}

// open returns the body of a slice; size is within maxBody.
func (d *TilesDecoder) open(coded []byte, size int) ([]byte, error) {
	if len(coded) == size {
		return coded, nil
	}
	if cap(d.body) < size {
		d.body = make([]byte, max(size, 64<<10))
	}
	body := d.body[:size]
	return body, unpack(d.zstd, body, coded)
}

// verify compares a band of the picture with the host's sum of it.
func verify(f *screen.Frame, check []byte) error {
	y, rows := int(binary.LittleEndian.Uint16(check)), int(binary.LittleEndian.Uint16(check[2:]))
	if rows < 1 || y > f.Rect.Dy() || rows > f.Rect.Dy()-y {
		return fmt.Errorf("%w: check of rows %d+%d", ErrMalformed, y, rows)
	}
	if bandSum(f, y, rows) != binary.LittleEndian.Uint32(check[4:]) {
		return fmt.Errorf("rows %d to %d differ: %w", y, y+rows, ErrDesync)
	}
	return nil
}
