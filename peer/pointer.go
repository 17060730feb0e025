package peer

import (
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// pointer is what the members of a cast are owed of the host's cursor: the latest
// place, and of shapes that come and go the latest. A place costs next to nothing. A
// shape may be 256 KiB, which is 8 s of a slow line, and an application can draw
// another one with each frame.
type pointer struct {
	at    screen.Cursor       // the latest; its Shape is not used
	shape *screen.CursorShape // the latest that is owed; nil: none
	due   time.Time           // of the next shape
	loose int                 // bytes since the last message that is acknowledged
	buf   []byte
}

const (
	// A shape that costs more than the line's budget, and more than smallShape bytes,
	// comes at half its size, or half of that.
	smallShape = 16 << 10
	// unknownRate of a line is taken for this, in bytes a second.
	unknownRate = 32 << 10
	// loosely is how many bytes may be sent that nobody acknowledges; around each
	// message some loosePacket more are on the line.
	loosely     = 1 << 10
	loosePacket = 60
)

// take notes what a tap has found.
func (o *pointer) take(c *screen.Cursor) {
	shape := o.shape
	if c.Shape != nil {
		shape = c.Shape
	}
	o.at, o.shape = *c, shape
}

// wait is how long until a shape that is owed may be sent; ok: one is owed.
func (o *pointer) wait(now time.Time) (wait time.Duration, ok bool) {
	return max(o.due.Sub(now), 0), o.shape != nil
}

// append adds the message, with the shape that is owed if the line can take it.
func (o *pointer) append(dst []byte, w wish, now time.Time) []byte {
	m := wire.CursorState{Picture: uint8(o.at.Picture), X: clamp16(o.at.At.X), Y: clamp16(o.at.At.Y), Hidden: o.at.Hidden}
	if wait, ok := o.wait(now); ok && wait == 0 {
		o.buf = packShape(o.buf[:0], o.shape, max(w.bytes, smallShape))
		m.Shape, o.shape = o.buf, nil
		rate := w.rate
		if rate == 0 {
			rate = unknownRate
		}
		o.due = now.Add(time.Duration(2 * float64(len(o.buf)) / rate * 1e9)) // half of the line
	}
	before := len(dst)
	dst = m.Append(dst)
	o.loose += len(dst) - before + loosePacket
	return dst
}

// packShape appends a shape of at most so many bytes, in as few pixels as that takes.
func packShape(dst []byte, s *screen.CursorShape, most int) []byte {
	for {
		b := codec.AppendCursor(dst, s)
		if len(b)-len(dst) <= most || s.Size.X < 2 || s.Size.Y < 2 || len(s.Pix) < s.Size.X*s.Size.Y*screen.BytesPerPixel {
			return b
		}
		s = halfShape(s)
	}
}

// halfShape is a shape at half its size, each pixel the mean of four.
func halfShape(s *screen.CursorShape) *screen.CursorShape {
	h := &screen.CursorShape{Size: s.Size.Div(2), Hot: s.Hot.Div(2)}
	h.Pix = make([]byte, h.Size.X*h.Size.Y*screen.BytesPerPixel)
	stride := s.Size.X * screen.BytesPerPixel
	for y := range h.Size.Y {
		for x := range h.Size.X {
			at := 2*y*stride + 2*x*screen.BytesPerPixel
			for i := range screen.BytesPerPixel {
				sum := int(s.Pix[at+i]) + int(s.Pix[at+4+i]) + int(s.Pix[at+stride+i]) + int(s.Pix[at+stride+4+i])
				h.Pix[(y*h.Size.X+x)*screen.BytesPerPixel+i] = byte((sum + 2) / 4)
			}
		}
	}
	return h
}

// tether gives an update that has no frame one that changes nothing, now and then:
// it is acknowledged, so that what goes beside frames is paced like them. before is
// what had not been acknowledged until this update.
func (c *cast) tether(u *update, before int) {
	for _, q := range u.parts {
		if q.kind == wire.TypeFrame {
			u.loose, c.pointer.loose = before, 0
			return
		}
	}
	tiles, ok := c.enc.(*codec.TilesEncoder)
	if !ok || c.pointer.loose < loosely {
		return
	}
	for i := range c.detail {
		before := len(u.buf)
		if u.buf = tiles.Check(u.buf, c.detail[i].id); len(u.buf) > before {
			u.add(wire.TypeFrame, nil)
			u.parts[len(u.parts)-1].exact = !c.tap.Owes() && c.isExact()
			u.loose, c.pointer.loose = before, 0
			return
		}
	}
}

// sooner is the shorter of two pauses; 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
