package x11

import (
	"image"
	"log/slog"
)

// stripBytes is how much one core GetImage brings: a whole 4K picture would be
// 33 MB to keep for the next time.
const stripBytes = 1 << 20

// grabber reads rectangles of a window, through shared memory if the server
// can attach it, else through the socket.
type grabber struct {
	a      *asker
	from   uint32 // the window
	format pixelFormat

	seg   *segment // nil: through the socket
	segID uint32
	size  int // bytes of seg

	asked []uint16 // scratch of readShared: numbers of requests
	strip []byte   // scratch of readPlain
	row   []byte   // scratch of convert: one row as B G R 0
}

// newGrabber prepares for pictures of up to size px.
func newGrabber(a *asker, window uint32, f pixelFormat, size image.Point, noSHM bool, log *slog.Logger) *grabber {
	g := &grabber{a: a, from: window, format: f}
	if noSHM || a.shm == 0 {
		return g
	}
	if err := g.share(f.stride(size.X) * size.Y); err != nil {
		log.Info("shared memory refused, pictures go through the socket", "err", err)
	}
	return g
}

// share makes a segment of n bytes that the server writes into.
func (g *grabber) share(n int) error {
	seg, err := newSegment(n)
	if err != nil {
		return err
	}
	id := g.a.id()
	g.a.req(g.a.shm, shmAttach, 4)
	g.a.u32(id, uint32(seg.id), 0)
	err = g.a.do()
	seg.discard()
	if err != nil {
		seg.detach()
		return err
	}
	g.seg, g.segID, g.size = seg, id, n
	return nil
}

// close gives the memory back. Nobody may be reading any more.
func (g *grabber) close() {
	if g != nil && g.seg != nil {
		g.a.req(g.a.shm, shmDetach, 2)
		g.a.u32(g.segID)
		g.a.do() // a connection that has ended has detached already
		g.seg.detach()
		g.seg = nil
	}
}

// taker gets the pixels of box, rows stride bytes apart, 4 bytes B G R and one
// that means nothing. They are borrowed for the time of the call.
type taker func(box image.Rectangle, pix []byte, stride int)

// read hands the pixels of each box to take. The boxes lie within the window.
func (g *grabber) read(boxes []image.Rectangle, take taker) error {
	if g.seg == nil {
		for _, b := range boxes {
			if err := g.readPlain(b, take); err != nil {
				return err
			}
		}
		return nil
	}
	for len(boxes) > 0 {
		n, err := g.readShared(boxes, take)
		if err != nil {
			return err
		}
		boxes = boxes[n:]
	}
	return nil
}

// readShared asks for as many boxes as the segment holds before it waits for
// the first: 40 boxes cost one round trip instead of 40.
func (g *grabber) readShared(boxes []image.Rectangle, take taker) (int, error) {
	g.asked = g.asked[:0]
	off := 0
	for _, b := range boxes {
		n := g.format.stride(b.Dx()) * b.Dy()
		if off+n > g.size && off > 0 {
			break
		}
		g.asked = append(g.asked, g.a.askShared(g.from, b, g.segID, off))
		off += n
	}
	if err := g.a.flush(); err != nil {
		return 0, err
	}
	off = 0
	var failed error
	for i, ask := range g.asked {
		b := boxes[i]
		stride := g.format.stride(b.Dx())
		if err := g.a.reply(ask); err != nil {
			failed = err // the others must be awaited all the same: they write into our memory
		} else if failed == nil {
			g.hand(b, g.seg.pix[off:off+stride*b.Dy()], stride, take)
		}
		off += stride * b.Dy()
	}
	return len(g.asked), failed
}

func (g *grabber) readPlain(b image.Rectangle, take taker) error {
	stride := g.format.stride(b.Dx())
	rows := min(max(1, stripBytes/stride), b.Dy())
	if cap(g.strip) < rows*stride {
		g.strip = make([]byte, max(rows*stride, min(stripBytes, 4*cap(g.strip))))
	}
	for y := b.Min.Y; y < b.Max.Y; y += rows {
		part := image.Rect(b.Min.X, y, b.Max.X, min(y+rows, b.Max.Y))
		pix := g.strip[:stride*part.Dy()]
		if err := g.a.readImage(g.from, part, pix); err != nil {
			return err
		}
		g.hand(part, pix, stride, take)
	}
	return nil
}

// hand converts if need be.
func (g *grabber) hand(b image.Rectangle, pix []byte, stride int, take taker) {
	if g.format.straight {
		take(b, pix, stride)
		return
	}
	if n := 4 * b.Dx(); cap(g.row) < n {
		g.row = make([]byte, n)
	}
	row := g.row[:4*b.Dx()]
	for y := b.Min.Y; y < b.Max.Y; y++ {
		g.format.convert(row, pix[(y-b.Min.Y)*stride:], b.Dx())
		take(image.Rect(b.Min.X, y, b.Max.X, y+1), row, len(row))
	}
}
