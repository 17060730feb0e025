package x11

import (
	"image"
	"slices"

	"sightline/screen"
)

// A Window lends its store to the one who decodes: what is decoded straight into
// the memory that the server reads need not be copied. Both sides keep to this:
//
//	Frame ──► Begin ──► write ──► Draw ──► Begin ──► …        Free
//	           │                    │
//	           └─ from here ... here ┘ the window draws nothing from the memory
//
// Begin waits until the server has read what was drawn before, so no picture is
// seen half old and half new; what is uncovered meanwhile is drawn by Draw, so
// nothing half decoded is ever shown. The memory stays what it is until Free, also
// when a layout has given the picture another place: then it is the borrower's
// alone, and Draw copies from it as from any frame.

// Frame lends the memory from which a picture of a size is shown: rows without
// gaps, the pixels that the window shows now. It is nil if no such picture is laid
// out, if it stands beside another one (its rows would have gaps), or if the window
// is gone. Call it from the goroutine that calls Draw, and again after each Layout.
func (w *Window) Frame(id screen.PictureID, size image.Point) *screen.Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.store.find(id)
	if !ok || w.end != nil || p.at.Size() != size || size.X != w.store.size.X {
		return nil
	}
	o, n := 4*size.X*p.at.Min.Y, 4*size.X*size.Y
	f := &screen.Frame{Pix: w.store.pix[o : o+n : o+n], Stride: 4 * size.X, Rect: image.Rectangle{Max: size}}
	w.store.lent = append(w.store.lent, f)
	w.lenders = append(w.lenders, w.store)
	return f
}

// Free ends the use of a lent frame: its memory must not be touched any more. It
// may be called after Close. Frames that were not lent are left alone.
func (w *Window) Free(f *screen.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.lenders {
		if k := slices.Index(s.lent, f); k >= 0 {
			s.lent = slices.Delete(s.lent, k, k+1)
			w.lenders = slices.Delete(w.lenders, i, i+1)
			s.release()
			return
		}
	}
}

// Begin is called before a lent frame is written to. It returns when the server
// reads none of it any more.
func (w *Window) Begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	if err := w.pen.settle(); err != nil {
		return w.broken(err)
	}
	w.written = true
	return nil
}

// owns tells whether f is the store's own memory.
func (s *store) owns(f *screen.Frame) bool { return slices.Contains(s.lent, f) }

// release gives the memory back when neither the window nor a borrower needs it.
func (s *store) release() {
	if s.dropped && len(s.lent) == 0 && s.seg != nil {
		s.seg.detach()
		s.seg, s.pix = nil, nil
	}
}
