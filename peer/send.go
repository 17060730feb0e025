package peer

import (
	"context"
	"io"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// paint is the loop of late encoding: wait until the line can take a frame,
// then take the newest state, then encode and send it. What is new goes first;
// when there is nothing new, what was sent roughly is refined. When there is
// nothing to refine either, no timer runs.
func (st *seat) paint(ctx context.Context, s io.Writer, p *picture) error {
	later := time.NewTimer(time.Hour)
	defer later.Stop()
	for {
		if err := cause(ctx, nil); err != nil {
			return err
		}
		later.Stop()
		var news <-chan struct{} // nil while the line can take nothing anyway
		if p.mayShow() {
			did, pause, err := st.paintOnce(s, p)
			if err != nil {
				return err
			}
			if did {
				continue
			}
			if news = p.tap.Wake(); pause > 0 {
				later.Reset(pause)
			}
		}
		select {
		case <-news:
		case <-p.wake:
		case <-later.C:
		case <-ctx.Done():
		}
	}
}

// mayShow tells whether another frame may be in flight and somebody looks.
func (p *picture) mayShow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pacer.Ready() && !p.hidden && !p.held
}

// paintOnce sends what is new or, if nothing is, refines. If it did neither,
// pause is when refinement should be tried again; 0: when something happens.
func (st *seat) paintOnce(s io.Writer, p *picture) (did bool, pause time.Duration, err error) {
	ch, found, err := p.tap.Poll(&p.pics)
	if err != nil {
		return false, 0, err
	}
	if !found && p.rough == nil {
		return false, 0, nil
	}
	if p.wantsReset() {
		if p.enc.Reset(); !found {
			return false, 0, nil // everything is owed in a moment
		}
	}
	if !st.rights().Has(wire.View) {
		return false, 0, &screen.Refused{Reason: "no right to view"}
	}
	if found {
		return true, 0, st.send(s, p, ch)
	}
	return st.refine(s, p)
}

// send writes what a Take found: layout, cursor, pixels. What is small goes
// along with the first frame: every write is a record and a packet.
func (st *seat) send(s io.Writer, p *picture, ch screen.Changes) error {
	p.buf = p.buf[:0]
	if ch.Layout != nil {
		// Pictures that are gone must not stay in the encoder's memory.
		if _, _, err := p.enc.Encode(nil, &screen.Change{Layout: ch.Layout}, codec.Budget{}); err != nil {
			return err
		}
		p.look(ch.Layout)
		p.buf = wire.Append(p.buf, wire.Screen, wire.TypeLayout, 0, wire.AppendLayout(nil, layoutInfo(ch.Layout)))
	}
	if ch.Cursor != nil {
		p.buf = appendCursor(p.buf, ch.Cursor)
	}
	for i := range ch.Frames {
		if err := st.sendFrame(s, p, &ch.Frames[i], i == len(ch.Frames)-1); err != nil {
			return err
		}
	}
	return p.flush(s)
}

// flush writes what no frame has taken along.
func (p *picture) flush(s io.Writer) error {
	if len(p.buf) == 0 {
		return nil
	}
	_, err := s.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

// sendFrame encodes one picture's change within the budget and owes the rest.
func (st *seat) sendFrame(s io.Writer, p *picture, c *screen.Change, last bool) error {
	p.mu.Lock()
	budget := codec.Budget{Bytes: p.pacer.Budget()}
	p.mu.Unlock()
	budget.First = st.host.hands.near(st.id)
	p.changed(c.Picture, time.Now())
	_, rest, err := st.encode(s, p, c, budget, last)
	p.tap.Owe(c.Picture, rest)
	return err
}

// encode appends a frame to what is to be written, and writes it. It tells
// whether there was anything to send. last: no other frame follows at once.
func (st *seat) encode(s io.Writer, p *picture, c *screen.Change, b codec.Budget, last bool) (sent bool, rest screen.Region, err error) {
	began, start := time.Now(), len(p.buf)
	msg := wire.BeginFrame(p.buf)
	empty := len(msg)
	msg, rest, err = p.enc.Encode(msg, c, b)
	if err != nil {
		return false, nil, err
	}
	if p.buf = msg[:start]; len(msg) == empty {
		return false, rest, nil // the pixels are what they were
	}
	took := time.Since(began)
	exact := last && rest.Empty() && !p.tap.Owes() && p.isExact()
	p.number++
	p.mu.Lock()
	head := wire.FrameHead{Number: p.number % wire.FrameNumbers, Exact: exact, Ask: b.Idle || p.pacer.Ask(len(msg))}
	msg = wire.FinishFrame(msg, start, head)
	p.pacer.Sent(head.Number, len(msg), time.Now())
	p.mu.Unlock()
	p.buf = p.buf[:0]
	if _, err := s.Write(msg); err != nil {
		return true, rest, err
	}
	st.count(p, took, exact)
	return true, rest, nil
}

func appendCursor(dst []byte, c *screen.Cursor) []byte {
	m := wire.CursorState{Picture: uint8(c.Picture), X: clamp16(c.At.X), Y: clamp16(c.At.Y), Hidden: c.Hidden}
	if c.Shape != nil {
		m.Shape = codec.AppendCursor(nil, c.Shape)
	}
	var place [8]byte
	return wire.Append(dst, wire.Screen, wire.TypeCursor, 0, m.Append(place[:0]))
}
