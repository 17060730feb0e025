package x11

import (
	"image"
	"time"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// The pointer's place has no events: core motion events go to the window
// below, and XInput2, which could tell, is not in xgb. So it is asked for, one
// request of 24 bytes: along with each frame's damage, where it costs next to
// nothing, every 33 ms for a second after it was seen moving, and else four times
// a second, less and less often the longer it rests, down to once a second after
// a quarter of a minute. Each look costs this process some 0.5 ms of CPU, most of
// it for waking up.
const (
	pointerFast  = 33 * time.Millisecond
	pointerSlow  = 250 * time.Millisecond
	pointerRests = time.Second
	pointerAlive = time.Second
)

// cursorWatch follows the pointer. Owned by Source.Next.
type cursorWatch struct {
	x      *client
	a      *asker
	known  bool // at and hidden were reported
	at     image.Point
	hidden bool
	blank  bool      // the shape shows nothing
	serial uint32    // of the shape reported last
	asked  time.Time // last look at the pointer
	moved  time.Time // last time it was somewhere else
}

func (w *cursorWatch) due() time.Time {
	still := w.asked.Sub(w.moved)
	if still < pointerAlive {
		return w.asked.Add(pointerFast)
	}
	return w.asked.Add(min(max(still/16, pointerSlow), pointerRests))
}

// look returns what changed about the pointer since the last look, nil if
// nothing. area is the picture's place on the root window.
func (w *cursorWatch) look(area image.Rectangle, reshaped bool, now time.Time) (*screen.Cursor, error) {
	where, err := w.a.pointer(uint32(w.x.root))
	if err != nil {
		return nil, err
	}
	var shape *screen.CursorShape
	if reshaped || !w.known {
		if shape, err = w.shape(); err != nil {
			return nil, err
		}
	}
	return w.see(where, area, shape, now), nil
}

// see returns what changed about the pointer, nil if nothing: where it is on the
// root window, and its shape if that is new.
func (w *cursorWatch) see(where whereabouts, area image.Rectangle, shape *screen.CursorShape, now time.Time) *screen.Cursor {
	w.asked = now
	at, hidden := where.at.Sub(area.Min), !where.here || !where.at.In(area) || w.blank
	if w.known && at == w.at && hidden == w.hidden && shape == nil {
		return nil
	}
	if at != w.at {
		w.moved = now
	}
	w.known, w.at, w.hidden = true, at, hidden
	return &screen.Cursor{At: at, Hidden: hidden, Shape: shape}
}

// shape fetches how the pointer looks; nil if that was reported before.
func (w *cursorWatch) shape() (*screen.CursorShape, error) {
	if !w.x.has("XFIXES") {
		return nil, nil
	}
	r, err := xfixes.GetCursorImage(w.x.Conn).Reply()
	if err != nil {
		if _, gone := err.(xproto.CursorError); gone {
			return nil, nil // no cursor is shown at all
		}
		return nil, err
	}
	if w.known && r.CursorSerial == w.serial || len(r.CursorImage) < int(r.Width)*int(r.Height) {
		return nil, nil
	}
	w.serial = r.CursorSerial
	s := cursorShape(r)
	w.blank = transparent(s.Pix)
	return s, nil
}

// cursorShape makes B G R A bytes of the server's words A R G B, both
// premultiplied. What exceeds screen.MaxCursor is cut off.
func cursorShape(r *xfixes.GetCursorImageReply) *screen.CursorShape {
	w, h := min(int(r.Width), screen.MaxCursor), min(int(r.Height), screen.MaxCursor)
	s := &screen.CursorShape{
		Size: image.Pt(w, h),
		Hot:  image.Pt(min(int(r.Xhot), max(w-1, 0)), min(int(r.Yhot), max(h-1, 0))),
		Pix:  make([]byte, 0, 4*w*h),
	}
	for y := 0; y < h; y++ {
		for _, p := range r.CursorImage[y*int(r.Width):][:w] {
			s.Pix = append(s.Pix, byte(p), byte(p>>8), byte(p>>16), byte(p>>24))
		}
	}
	return s
}

func transparent(pix []byte) bool {
	for i := 3; i < len(pix); i += 4 {
		if pix[i] != 0 {
			return false
		}
	}
	return true
}
