package peer

import (
	"image"
	"sync"
	"time"

	"sightline/peer/wire"
)

// A display without a monitor has no size of its own: it takes that of the window of
// whoever controls it. The viewer tells a size when its window has kept it for
// sizeRests, so that one who drags an edge tells one; the host follows at most once
// in sizeEach, whoever tells what how often.
const (
	sizeRests = 300 * time.Millisecond
	sizeEach  = 500 * time.Millisecond
)

// sizing is the host's side.
type sizing struct {
	mu    sync.Mutex
	timer *time.Timer // runs while a size may have to be changed; else nil
	last  time.Time
	now   image.Point // that was asked for last; zero: never
}

// sized notes how large the window of a viewer is.
func (st *seat) sized(size image.Point) {
	st.mu.Lock()
	st.window = size
	st.mu.Unlock()
	st.host.follow()
}

// follow sees to it that the size is right again, soon. It is called when that may
// have changed.
func (h *Host) follow() {
	if h.o.Resize == nil {
		return
	}
	z := &h.sizing
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.timer == nil {
		z.timer = time.AfterFunc(sizeEach-time.Since(z.last), h.resize)
	}
}

func (h *Host) resize() {
	z := &h.sizing
	z.mu.Lock()
	z.timer, z.last = nil, time.Now()
	size := h.sizeWanted()
	if size == (image.Point{}) || size == z.now || !h.obeys() {
		z.mu.Unlock()
		return
	}
	z.now = size
	z.mu.Unlock()
	if err := h.o.Resize(size); err != nil {
		h.log.Info("the display keeps its size", "err", err)
	}
}

// sizeWanted is the window of the viewer who has control or, while nobody has, of the
// only one who may; zero: nobody decides.
func (h *Host) sizeWanted() image.Point {
	var size image.Point
	may := 0
	for _, st := range h.inside() {
		if !st.rights().Any(wire.HandsOn) {
			continue
		}
		st.mu.Lock()
		window := st.window
		st.mu.Unlock()
		if !h.floor.all && h.floor.holds(st.id) {
			return window
		}
		if may++; may == 1 {
			size = window
		}
	}
	if may != 1 || !h.floor.all && !h.floor.isFree() {
		return image.Point{}
	}
	return size
}

// isFree tells whether nobody has control.
func (f *floor) isFree() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holder == 0
}

// frame is the viewer's side: its window's size. Guarded by View.mu.
type frame struct {
	size, told image.Point
	shows      bool // something is shown: before that the window has not got its size
	timer      *time.Timer
}

// sizeSoon has the size told that the window has in a moment. A terminal's size in
// px means nothing.
func (v *View) sizeSoon(change func(*frame)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.frame)
	if v.o.Kind != Native || !v.frame.shows {
		return
	}
	if v.frame.timer == nil {
		v.frame.timer = time.AfterFunc(sizeRests, v.tellSize)
		return
	}
	v.frame.timer.Reset(sizeRests)
}

func (v *View) tellSize() {
	v.mu.Lock()
	size := v.frame.size
	news := size != (image.Point{}) && size != v.frame.told
	v.frame.told = size
	v.mu.Unlock()
	if news {
		v.control.Send(wire.TypeSize, wire.AppendSize(nil, size))
	}
}

// sizeNoMore ends the telling, for the session is over.
func (v *View) sizeNoMore() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.frame.timer != nil {
		v.frame.timer.Stop()
	}
}
