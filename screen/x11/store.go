package x11

import (
	"fmt"
	"image"

	"sightline/screen"
)

// store is a Window's own copy of all pictures, side by side as they stand on
// the host's desktop: what is uncovered is drawn from here.
type store struct {
	size  image.Point
	pix   []byte   // B G R 0, rows 4*size.X bytes apart
	seg   *segment // nil: pix is ordinary memory
	segID uint32

	pics []place

	lent    []*screen.Frame // views of pix that others write to; see lend.go
	dropped bool            // the window and the server are done with it

	copied int // bytes that keep copied

	pixmap uint32 // the same on the server, for scaling; 0: not made yet
	shared bool   // pixmap and seg are one memory
	pic    uint32 // RENDER's name of pixmap
}

// place is a picture and where it stands in the store.
type place struct {
	screen.Picture
	at image.Rectangle
}

// arrange finds places for the pictures of a layout: those of the host's
// desktop if that is of bearable size and they do not overlap there, as windows
// may, else in a row. Each picture has memory of its own, which is lent to
// whoever decodes it. The layout is foreign.
func arrange(l *screen.Layout) ([]place, image.Point, error) {
	if len(l.Pictures) > screen.MaxPictures {
		return nil, image.Point{}, fmt.Errorf("layout of %d pictures", len(l.Pictures))
	}
	var box image.Rectangle
	var pics []place
	for _, p := range l.Pictures {
		if err := screen.CheckSize(p.Rect.Dx(), p.Rect.Dy()); err != nil {
			return nil, image.Point{}, err
		}
		box = box.Union(p.Rect)
		pics = append(pics, place{p, p.Rect})
	}
	if len(pics) == 0 {
		return nil, image.Point{}, nil
	}
	if screen.CheckSize(box.Dx(), box.Dy()) != nil || overlap(pics) {
		box = inRow(pics)
		if err := screen.CheckSize(box.Dx(), box.Dy()); err != nil {
			return nil, image.Point{}, err
		}
	}
	for i := range pics {
		pics[i].at = pics[i].at.Sub(box.Min)
	}
	return pics, box.Size(), nil
}

func overlap(pics []place) bool {
	for i, p := range pics {
		for _, q := range pics[:i] {
			if p.at.Overlaps(q.at) {
				return true
			}
		}
	}
	return false
}

func inRow(pics []place) image.Rectangle {
	var box image.Rectangle
	x := 0
	for i, p := range pics {
		pics[i].at = image.Rectangle{Max: p.Rect.Size()}.Add(image.Pt(x, 0))
		x += p.Rect.Dx()
		box = box.Union(pics[i].at)
	}
	return box
}

func (s *store) find(id screen.PictureID) (place, bool) {
	for _, p := range s.pics {
		if p.ID == id {
			return p, true
		}
	}
	return place{}, false
}

// bounds is the store's own coordinate system.
func (s *store) bounds() image.Rectangle { return image.Rectangle{Max: s.size} }

// row is the pixels x0 <= x < x1 of row y.
func (s *store) row(y, x0, x1 int) []byte {
	o := 4 * (y*s.size.X + x0)
	return s.pix[o : o+4*(x1-x0)]
}

// keep copies r, in the picture's coordinates, from a frame.
func (s *store) keep(p place, f *screen.Frame, r image.Rectangle) {
	d := p.at.Min
	s.copied += 4 * r.Dx() * r.Dy()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(s.row(y+d.Y, r.Min.X+d.X, r.Max.X+d.X), f.Row(y, r.Min.X, r.Max.X))
	}
}

// newStore makes memory for pictures; through shared memory if the server
// takes it. Called with the pen settled.
func (w *Window) newStore(pics []place, size image.Point) *store {
	s := &store{size: size, pics: pics}
	n := 4 * size.X * size.Y
	if w.pen.shm != 0 && w.format.straight && !w.opt.NoSHM && n > 0 {
		if err := s.share(w.pen, n); err == nil {
			return s
		} else if !w.warned {
			w.warned = true
			w.log.Info("shared memory refused, pictures go through the socket", "err", err)
		}
	}
	s.pix = make([]byte, n)
	return s
}

func (s *store) share(p *pen, n int) error {
	seg, err := newSegment(n)
	if err != nil {
		return err
	}
	id := p.id()
	p.req(p.shm, shmAttach, 4)
	p.u32(id, uint32(seg.id), 1) // the server only reads
	err = p.do()
	seg.discard()
	if err != nil {
		seg.detach()
		return err
	}
	s.seg, s.segID, s.pix = seg, id, seg.pix
	return nil
}

// drop frees what the server and we hold.
func (s *store) drop(p *pen) {
	if s == nil {
		return
	}
	s.dropPixmap(p)
	if s.seg != nil {
		p.req(p.shm, shmDetach, 2)
		p.u32(s.segID)
		p.do() // the server must not read what is no longer ours
	}
	s.dropped = true
	s.release()
}

func (s *store) dropPixmap(p *pen) {
	if s.pixmap == 0 {
		return
	}
	p.freePicture(s.pic)
	p.req(opFreePixmap, 0, 2)
	p.u32(s.pixmap)
	s.pixmap, s.pic = 0, 0
}

// makePixmap gives the server a picture to scale from: the segment itself if
// it may be used so, else a copy that upload keeps up to date.
func (w *Window) makePixmap(s *store) error {
	p := w.pen
	if s.seg != nil {
		s.pixmap, s.shared = p.id(), true
		p.req(p.shm, shmCreatePixmap, 7)
		p.u32(s.pixmap, uint32(w.win))
		p.u16(s.size.X, s.size.Y)
		p.u32(uint32(w.format.depth), s.segID, 0)
		if err := p.do(); err == nil {
			s.pic = p.picture(s.pixmap, w.visualFormat)
			return nil
		}
	}
	s.pixmap, s.shared = p.id(), false
	p.req(opCreatePixmap, w.format.depth, 4)
	p.u32(s.pixmap, uint32(w.win))
	p.u16(s.size.X, s.size.Y)
	s.pic = p.picture(s.pixmap, w.visualFormat)
	if err := p.do(); err != nil {
		return err
	}
	return w.upload(s, s.pixmap, s.bounds(), image.Point{})
}

// upload draws r of the store on a drawable, r.Min at at.
func (w *Window) upload(s *store, drawable uint32, r image.Rectangle, at image.Point) error {
	p := w.pen
	if s.seg != nil {
		p.putShared(drawable, w.gc, s.segID, s.size, r, at, w.format.depth)
		return nil
	}
	f := &w.format
	stride := f.stride(r.Dx())
	rows := max(1, maxRequest/stride)
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		n := min(rows, r.Max.Y-y)
		if len(p.buf) > 0 && len(p.buf)+n*stride > maxRequest {
			if err := p.flush(); err != nil {
				return err
			}
		}
		dst := p.putStrip(drawable, w.gc, r.Dx(), n, image.Pt(at.X, at.Y+y-r.Min.Y), f.depth, n*stride)
		for i := 0; i < n; i++ {
			w.putRow(dst[i*stride:], s.row(y+i, r.Min.X, r.Max.X), r.Dx())
		}
	}
	return nil
}

func (w *Window) putRow(dst, src []byte, n int) {
	if w.format.straight {
		copy(dst, src)
		return
	}
	w.format.put(dst, src, n)
}
