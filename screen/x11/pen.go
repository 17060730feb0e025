package x11

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"net"
	"os"
)

// pen is the connection that a Window draws through. xgb makes a channel and
// several small objects for each request; drawing has few kinds of request and
// many of each, so they are written here by hand into one buffer that is sent
// at once. Resources belong to the server and not to a connection: a pen draws
// on windows that another connection made.
//
//	request   opcode u8 | data u8 | length u16 (words) | ...
//
// Whoever draws a frame waits until the server has done what was drawn before, so a
// slow server makes a slow viewer and not a long queue. Events draw without waiting.
type pen struct {
	c    net.Conn
	r    *bufio.Reader
	buf  []byte // requests not sent yet
	next uint32 // last resource ID made
	mask uint32
	base uint32
	seq  uint16 // number of the last request

	shm, render byte // major opcodes, 0: not there

	marks int // whose replies are on their way: events draw without waiting for the one before
	head  [32]byte
	fault error // first X error since settle
}

// Request codes (X protocol, appendix B; MIT-SHM; RENDER).
const (
	opPolyFillRectangle = 70
	opPutImage          = 72
	opImageText8        = 76
	opGetInputFocus     = 43
	opCreatePixmap      = 53
	opFreePixmap        = 54
	opCreateGC          = 55
	opChangeGC          = 56
	opQueryExtension    = 98

	shmAttach       = 1
	shmDetach       = 2
	shmPutImage     = 3
	shmCreatePixmap = 5

	renderCreatePicture = 4
	renderFreePicture   = 7
	renderComposite     = 8
	renderFillRects     = 26
	renderSetTransform  = 28
	renderSetFilter     = 30

	opSrc, opOver = 1, 3 // RENDER's operators

	zPixmap = 2
)

// newPen connects once more to a display.
func newPen(display, authority string) (*pen, error) {
	c, setup, err := open(display, authority)
	if err != nil {
		return nil, err
	}
	p := &pen{
		c: c, r: bufio.NewReaderSize(c, 4<<10), buf: make([]byte, 0, 64<<10),
		base: binary.LittleEndian.Uint32(setup[12:]), mask: binary.LittleEndian.Uint32(setup[16:]),
	}
	if p.shm, err = p.extension("MIT-SHM"); err == nil {
		p.render, err = p.extension("RENDER")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return p, nil
}

func (p *pen) close() { p.c.Close() }

// id makes a resource ID. A window makes a handful in its life.
func (p *pen) id() uint32 {
	p.next += p.mask & -p.mask
	return p.base | p.next&p.mask
}

// req begins a request of so many words in all.
func (p *pen) req(op, data byte, words int) {
	p.seq++
	p.buf = append(p.buf, op, data, byte(words), byte(words>>8))
}

func (p *pen) u32(v ...uint32) {
	for _, x := range v {
		p.buf = binary.LittleEndian.AppendUint32(p.buf, x)
	}
}

func (p *pen) u16(v ...int) {
	for _, x := range v {
		p.buf = binary.LittleEndian.AppendUint16(p.buf, uint16(x))
	}
}

func (p *pen) text(s string) {
	p.buf = append(p.buf, s...)
	for len(p.buf)%4 != 0 {
		p.buf = append(p.buf, 0)
	}
}

// flush sends what was written.
func (p *pen) flush() error {
	_, err := p.c.Write(p.buf)
	p.buf = p.buf[:0]
	if err != nil {
		return lost(io.EOF)
	}
	return nil
}

// mark ends a drawing: it is sent, and settle will know when it is done.
func (p *pen) mark() error {
	p.req(opGetInputFocus, 0, 1)
	p.marks++
	return p.flush()
}

// settle waits until the server has done everything up to the last mark, and
// returns the first error of it.
func (p *pen) settle() error {
	for p.marks > 0 {
		kind, err := p.message()
		if err != nil {
			return err
		}
		if kind == 1 {
			p.marks--
		}
	}
	err := p.fault
	p.fault = nil
	return err
}

// message reads the first 32 bytes of what the server sends. Replies to what a
// pen asks are no longer; the only event that it gets unasked is MappingNotify.
func (p *pen) message() (byte, error) {
	if _, err := io.ReadFull(p.r, p.head[:]); err != nil {
		if os.IsTimeout(err) {
			return 0, err
		}
		return 0, lost(io.EOF)
	}
	if p.head[0] == 0 && p.fault == nil {
		p.fault = fmt.Errorf("drawing: X error %d of request %d.%d, resource %#x", p.head[1], p.head[10],
			binary.LittleEndian.Uint16(p.head[8:]), binary.LittleEndian.Uint32(p.head[4:]))
	}
	return p.head[0], nil
}

// do marks and settles.
func (p *pen) do() error {
	if err := p.mark(); err != nil {
		return err
	}
	return p.settle()
}

// extension looks up a major opcode; 0 if the server has no such extension.
func (p *pen) extension(name string) (byte, error) {
	p.req(opQueryExtension, 0, 2+pad4(len(name))/4)
	p.u16(len(name), 0)
	p.text(name)
	p.marks++
	if err := p.flush(); err != nil {
		return 0, err
	}
	if err := p.settle(); err != nil {
		return 0, err
	}
	if p.head[8] == 0 {
		return 0, nil
	}
	return p.head[9], nil
}

// gc makes a graphics context that never asks for exposure events.
func (p *pen) gc(drawable, foreground, background, font uint32) uint32 {
	const graphicsExposures, fg, bg, fontBit = 1 << 16, 1 << 2, 1 << 3, 1 << 14
	id := p.id()
	values := []uint32{foreground, background, 0}
	mask := uint32(graphicsExposures | fg | bg)
	if font != 0 {
		values, mask = []uint32{foreground, background, font, 0}, mask|fontBit
	}
	p.req(opCreateGC, 0, 4+len(values))
	p.u32(id, drawable, mask)
	p.u32(values...)
	return id
}

// fill paints rectangles in the foreground of gc.
func (p *pen) fill(drawable, gc uint32, rects ...image.Rectangle) {
	n := 0
	for _, r := range rects {
		if !r.Empty() {
			n++
		}
	}
	if n == 0 {
		return
	}
	p.req(opPolyFillRectangle, 0, 3+2*n)
	p.u32(drawable, gc)
	for _, r := range rects {
		if !r.Empty() {
			p.u16(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
		}
	}
}

// write draws a line of Latin-1 text whose baseline is at (x, y).
func (p *pen) write(drawable, gc uint32, x, y int, s string) {
	s = s[:min(len(s), 255)]
	p.req(opImageText8, byte(len(s)), 4+pad4(len(s))/4)
	p.u32(drawable, gc)
	p.u16(x, y)
	p.text(s)
}

// putShared draws r of a picture of size px that lies in a segment, at.
func (p *pen) putShared(drawable, gc, seg uint32, size image.Point, r image.Rectangle, at image.Point, depth byte) {
	p.req(p.shm, shmPutImage, 10)
	p.u32(drawable, gc)
	p.u16(size.X, size.Y, r.Min.X, r.Min.Y, r.Dx(), r.Dy(), at.X, at.Y)
	p.buf = append(p.buf, depth, zPixmap, 0, 0)
	p.u32(seg, 0)
}

// putStrip begins a PutImage of r's size at a place and returns the room for
// its pixels. It fits into one request: at most maxRequest bytes.
func (p *pen) putStrip(drawable, gc uint32, w, h int, at image.Point, depth byte, n int) []byte {
	p.req(opPutImage, zPixmap, 6+n/4)
	p.u32(drawable, gc)
	p.u16(w, h, at.X, at.Y)
	p.buf = append(p.buf, 0, depth, 0, 0)
	start := len(p.buf)
	if cap(p.buf) < start+n {
		p.buf = append(make([]byte, 0, 2*(start+n)), p.buf...)
	}
	p.buf = p.buf[:start+n]
	return p.buf[start:]
}

// picture makes a RENDER picture of a drawable; pad repeats its edge pixels
// outwards, so that a filter does not mix the border with nothing.
func (p *pen) picture(drawable, format uint32) uint32 {
	const cpRepeat, repeatPad = 1, 2
	id := p.id()
	p.req(p.render, renderCreatePicture, 6)
	p.u32(id, drawable, format, cpRepeat, repeatPad)
	return id
}

func (p *pen) freePicture(id uint32) {
	p.req(p.render, renderFreePicture, 2)
	p.u32(id)
}

// composite draws a picture onto another one; src may be transformed.
func (p *pen) composite(op byte, src, dst uint32, from image.Point, to image.Rectangle) {
	p.req(p.render, renderComposite, 9)
	p.buf = append(p.buf, op, 0, 0, 0)
	p.u32(src, 0, dst)
	p.u16(from.X, from.Y, 0, 0, to.Min.X, to.Min.Y, to.Dx(), to.Dy())
}

// shade lays black over r, alpha of 65535.
func (p *pen) shade(dst uint32, alpha int, r image.Rectangle) {
	p.req(p.render, renderFillRects, 7)
	p.buf = append(p.buf, opOver, 0, 0, 0)
	p.u32(dst)
	p.u16(0, 0, 0, alpha)
	p.u16(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
}

// transform makes a picture appear scaled by to/from px when it is drawn.
func (p *pen) transform(pic uint32, from, to image.Point, filter string) {
	const one = 1 << 16
	sx := uint32((int64(from.X)*one + int64(to.X)/2) / int64(to.X))
	sy := uint32((int64(from.Y)*one + int64(to.Y)/2) / int64(to.Y))
	p.req(p.render, renderSetTransform, 11)
	p.u32(pic, sx, 0, 0, 0, sy, 0, 0, 0, one)
	p.req(p.render, renderSetFilter, 3+pad4(len(filter))/4)
	p.u32(pic)
	p.u16(len(filter), 0)
	p.text(filter)
}
