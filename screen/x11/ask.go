package x11

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"github.com/jezek/xgb/xproto"
)

// asker is the connection that a Source reads the screen through, and ear the one
// on which it hears that something was drawn. xgb makes some ten objects for each
// request and each event, and copies long replies twice; these few are asked many
// times a second for as long as anybody looks. As with a pen, resources belong to
// the server and not to a connection: the damage object is the ear's, so its
// events go there, and the asker empties it.
//
//	error    0  code   seq u16 | bad u32 | minor u16 | major u8
//	reply    1  data   seq u16 | length of the body u32 (words) | 24 bytes, body
//	event    n  ...            32 bytes (35: with a body as a reply)
type asker struct {
	*pen
	damage, fixes byte   // major opcodes
	heard         byte   // code of DAMAGE's event on this server
	watch         uint32 // the damage object
	region        uint32
	body          int         // bytes of the last reply that were not read yet
	at            whereabouts // of the pointer, as of take
	merger        merger      // scratch of take
}

const (
	opGetImage     = 73
	opQueryPointer = 38

	damageQueryVersion = 0
	damageCreate       = 1
	damageSubtract     = 3
	damageNonEmpty     = 3 // one event, until it is emptied
	fixesQueryVersion  = 0
	fixesCreateRegion  = 5
	fixesFetchRegion   = 19
	shmGetImage        = 4
)

// whereabouts tell where the pointer is on a root window, if it is there.
type whereabouts struct {
	at   image.Point
	here bool
}

// xError is what the server answers to a request that it cannot carry out.
type xError struct {
	code, major byte
	minor       uint16
	bad         uint32
}

func (e *xError) Error() string {
	return fmt.Sprintf("X error %d of request %d.%d, resource %#x", e.code, e.major, e.minor, e.bad)
}

// outside tells that pixels were asked for which the drawable does not have.
func (e *xError) outside() bool { return e.code == xproto.BadMatch }

// newAsker connects once more to a display.
func newAsker(display, authority string) (*asker, error) {
	p, err := newPen(display, authority)
	if err != nil {
		return nil, err
	}
	a := &asker{pen: p}
	if err := a.agree(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// agree names the versions: a server that was not told answers nothing else.
func (a *asker) agree() (err error) {
	if a.fixes, err = a.extension("XFIXES"); err != nil {
		return err
	}
	if a.damage, err = a.extension("DAMAGE"); err != nil {
		return err
	}
	a.heard = a.head[10]
	if a.fixes == 0 || a.damage == 0 {
		return fmt.Errorf("the X server has no DAMAGE or no XFIXES extension")
	}
	for _, ask := range []struct {
		major, minor byte
		version      [2]uint32
	}{{a.fixes, fixesQueryVersion, [2]uint32{4, 0}}, {a.damage, damageQueryVersion, [2]uint32{1, 1}}} {
		a.req(ask.major, ask.minor, 3)
		a.u32(ask.version[0], ask.version[1])
		if err := a.flush(); err != nil {
			return err
		}
		if err := a.reply(a.seq); err != nil {
			return err
		}
	}
	return nil
}

// attend makes a damage object of a drawable whose events come to this connection.
func (a *asker) attend(drawable uint32) error {
	a.watch = a.id()
	a.req(a.damage, damageCreate, 4)
	a.u32(a.watch, drawable, damageNonEmpty)
	return a.do()
}

// hear calls noted for each event of damage, until the connection ends.
func (a *asker) hear(noted func()) {
	for {
		kind, err := a.message()
		if err != nil {
			return
		}
		switch {
		case kind == 1 || kind&0x7f == 35:
			if _, err := a.r.Discard(4 * int(binary.LittleEndian.Uint32(a.head[4:]))); err != nil {
				return
			}
		case kind&0x7f == a.heard:
			noted()
		}
	}
}

// reply reads what the server sends until it has the answer to the request of a
// number; its first 32 bytes are in head, the rest must be read by the caller.
func (a *asker) reply(seq uint16) error {
	for {
		if err := a.skip(); err != nil { // what the caller of the last one left
			return err
		}
		if _, err := io.ReadFull(a.r, a.head[:]); err != nil {
			return lost(io.EOF)
		}
		mine := binary.LittleEndian.Uint16(a.head[2:]) == seq
		extra := 4 * int64(binary.LittleEndian.Uint32(a.head[4:]))
		switch kind := a.head[0] & 0x7f; {
		case a.head[0] == 0 && mine:
			return a.refusal()
		case a.head[0] == 0:
			if a.fault == nil {
				a.fault = a.refusal()
			}
		case a.head[0] == 1 && extra > maxReply:
			return fmt.Errorf("the X server announces a reply of %d bytes", extra)
		case a.head[0] == 1 && mine:
			a.body = int(extra)
			err := a.fault
			a.fault = nil
			return err
		case a.head[0] == 1 || kind == 35:
			if _, err := io.CopyN(io.Discard, a.r, extra); err != nil {
				return lost(io.EOF)
			}
		}
	}
}

// do sends what was written and waits until the server has done it; it returns
// the first error of it. A pen's own would take what an unhappy caller has left
// unread for the answer, and wait for ever.
func (a *asker) do() error {
	a.req(opGetInputFocus, 0, 1)
	if err := a.flush(); err != nil {
		return err
	}
	return a.reply(a.seq)
}

// skip passes over what is left of a reply.
func (a *asker) skip() error {
	n := a.body
	a.body = 0
	if _, err := a.r.Discard(n); err != nil {
		return lost(io.EOF)
	}
	return nil
}

func (a *asker) refusal() error {
	return &xError{code: a.head[1], major: a.head[10], minor: binary.LittleEndian.Uint16(a.head[8:]), bad: binary.LittleEndian.Uint32(a.head[4:])}
}

// take empties the damage object of the ear and returns what was drawn within an
// area, as few boxes. They are valid until the next call. Along with them it asks
// where the pointer is on the root window: what was drawn often follows it.
func (a *asker) take(watch, root uint32, area image.Rectangle) ([]image.Rectangle, error) {
	if a.region == 0 {
		a.region = a.id()
		a.req(a.fixes, fixesCreateRegion, 2)
		a.u32(a.region)
	}
	a.req(a.damage, damageSubtract, 4)
	a.u32(watch, 0, a.region)
	a.req(a.fixes, fixesFetchRegion, 2)
	a.u32(a.region)
	drawn := a.seq
	a.askPointer(root)
	if err := a.flush(); err != nil {
		return nil, err
	}
	if err := a.reply(drawn); err != nil {
		return nil, err
	}
	boxes, err := a.boxes(area)
	if err != nil {
		return nil, err
	}
	a.at, err = a.place()
	return boxes, err
}

// boxes reads the rectangles of a reply: x, y i16, width, height u16 each.
func (a *asker) boxes(area image.Rectangle) ([]image.Rectangle, error) {
	a.merger.reset()
	for ; a.body >= 8; a.body -= 8 {
		b, err := a.r.Peek(8)
		if err != nil {
			return nil, lost(io.EOF)
		}
		le := binary.LittleEndian
		at := image.Pt(int(int16(le.Uint16(b))), int(int16(le.Uint16(b[2:]))))
		size := image.Pt(int(le.Uint16(b[4:])), int(le.Uint16(b[6:])))
		a.r.Discard(8) // was peeked
		a.merger.add(image.Rectangle{Min: at, Max: at.Add(size)}.Intersect(area))
	}
	return a.merger.done(), a.skip()
}

// empty forgets what was drawn so far.
func (a *asker) empty(watch uint32) {
	a.req(a.damage, damageSubtract, 4)
	a.u32(watch, 0, 0)
}

// pointer asks where the pointer is on a root window.
func (a *asker) pointer(root uint32) (whereabouts, error) {
	a.askPointer(root)
	if err := a.flush(); err != nil {
		return whereabouts{}, err
	}
	return a.place()
}

func (a *asker) askPointer(root uint32) {
	a.req(opQueryPointer, 0, 2)
	a.u32(root)
}

// place reads the answer to askPointer, the last request.
func (a *asker) place() (whereabouts, error) {
	if err := a.reply(a.seq); err != nil {
		return whereabouts{}, err
	}
	le := binary.LittleEndian
	return whereabouts{image.Pt(int(int16(le.Uint16(a.head[16:]))), int(int16(le.Uint16(a.head[18:])))), a.head[1] != 0}, nil
}

// askShared asks for the pixels of a box, to be put into a segment from an offset
// on. The caller flushes and awaits the reply to the number that is returned.
func (a *asker) askShared(drawable uint32, b image.Rectangle, seg uint32, offset int) uint16 {
	a.req(a.shm, shmGetImage, 8)
	a.u32(drawable)
	a.u16(b.Min.X, b.Min.Y, b.Dx(), b.Dy())
	a.u32(^uint32(0))
	a.buf = append(a.buf, zPixmap, 0, 0, 0)
	a.u32(seg, uint32(offset))
	return a.seq
}

// readImage brings the pixels of a box through the socket into buf.
func (a *asker) readImage(drawable uint32, b image.Rectangle, buf []byte) error {
	a.req(opGetImage, zPixmap, 5)
	a.u32(drawable)
	a.u16(b.Min.X, b.Min.Y, b.Dx(), b.Dy())
	a.u32(^uint32(0))
	if err := a.flush(); err != nil {
		return err
	}
	if err := a.reply(a.seq); err != nil {
		return err
	}
	if a.body < len(buf) {
		return errShort
	}
	if _, err := io.ReadFull(a.r, buf); err != nil {
		return lost(io.EOF)
	}
	a.body -= len(buf)
	return a.skip()
}
