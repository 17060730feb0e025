package peer

import (
	"io"
	"sync"
	"time"

	"sightline/peer/wire"
)

// answer is what the host should hear about a message: TypeShown, which frame
// and how long it took, TypeReset, or nothing (the zero value).
type answer struct {
	kind wire.Type
	head wire.FrameHead
	took time.Duration
}

// mergeShown is how long an acknowledgement that nobody waits for may be held
// back, to go along with those of the next frames. Each one alone is a packet
// there and a packet of the transport back, as much as a typed letter costs.
// It is well under deadIn, because it is a sign of life, too.
const mergeShown = time.Second

// screenOut is the way back on a screen stream: acknowledgements of the reader,
// and what the window says.
type screenOut struct {
	s io.Writer

	mu    sync.Mutex // of writes, and guards all below
	buf   []byte
	newer wire.FrameHead // the newest frame that was not acknowledged
	took  time.Duration  // to show it
	at    time.Time      // when it was shown; zero: all are acknowledged
	later *time.Timer    // nil until the first is held back
	armed bool           // later runs
	ended bool
}

func newScreenOut(s io.Writer) *screenOut { return &screenOut{s: s} }

// end stops the timer. What it still held back nobody needs any more.
func (o *screenOut) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if o.later != nil {
		o.later.Stop()
	}
}

func (o *screenOut) answer(a answer) error {
	switch a.kind {
	case wire.TypeShown:
		return o.shown(a.head, a.took)
	case wire.TypeReset:
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.writeLocked(wire.TypeReset, nil)
	}
	return nil
}

// shown acknowledges a frame, at once if the host waits for it.
func (o *screenOut) shown(h wire.FrameHead, took time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.newer, o.took, o.at = h, took, time.Now()
	switch {
	case h.Ask:
		return o.acknowledgeLocked()
	case o.armed:
	case o.later == nil:
		o.armed = true
		o.later = time.AfterFunc(mergeShown, o.due)
	default:
		o.armed = true
		o.later.Reset(mergeShown)
	}
	return nil
}

// due is the timer's.
func (o *screenOut) due() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.armed = false
	if !o.ended && !o.at.IsZero() {
		o.acknowledgeLocked() // an error shows at the next read
	}
}

func (o *screenOut) acknowledgeLocked() error {
	m := wire.ShownFrame{Number: o.newer.Number, Held: time.Since(o.at), Took: o.took}
	o.at = time.Time{}
	var body [8]byte
	return o.writeLocked(wire.TypeShown, m.Append(body[:0]))
}

func (o *screenOut) hide(hidden bool) {
	body := []byte{0}
	if hidden {
		body[0] = 1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writeLocked(wire.TypeHide, body)
}

func (o *screenOut) writeLocked(t wire.Type, body []byte) error {
	o.buf = wire.Append(o.buf[:0], wire.Screen, t, 0, body)
	_, err := o.s.Write(o.buf)
	return err
}
