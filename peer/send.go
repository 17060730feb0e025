package peer

import (
	"context"
	"errors"
	"image"
	"io"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
)

// paint is the loop of late encoding: wait until the line can take an update,
// then take the newest state, then encode and send it. What is new goes first;
// when there is nothing new, what was sent roughly is refined. When there is
// nothing to refine either, no timer runs.
func (st *seat) paint(ctx context.Context, s io.Writer, p *picture) (err error) {
	later := time.NewTimer(time.Hour)
	defer later.Stop()
	out := newBehind(s)
	defer func() { err = errors.Join(err, out.Close()) }()
	var woken *cast // whose news woke us; if we cannot see to them another member must
	defer func() { woken.pass() }()
	for {
		if err := cause(ctx, nil); err != nil {
			return err
		}
		later.Stop()
		var news <-chan struct{} // nil while the line can take nothing anyway
		var of *cast
		if p.mayShow() {
			of = p.cast.Load()
			if woken != of {
				woken.pass()
			}
			woken = of
			did, pause, err := st.paintOnce(out, p)
			if err != nil {
				return err
			}
			woken = nil
			if did {
				continue
			}
			if news = of.tap.Wake(); pause > 0 {
				later.Reset(pause)
			}
		}
		woken.pass()
		woken = nil
		select {
		case <-news:
			woken = of
		case <-p.wake:
		case <-later.C:
		case <-ctx.Done():
		}
	}
}

// pass lets the other members of a cast look for news; nil has none.
func (c *cast) pass() {
	if c != nil {
		c.nudge()
	}
}

// mayShow tells whether another frame may be in flight and somebody looks.
func (p *picture) mayShow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pacer.Ready() && !p.hidden && !p.held
}

// paintOnce sends the next update. If there is none, pause is when refinement
// should be tried again; 0: when something happens.
func (st *seat) paintOnce(s *behind, p *picture) (did bool, pause time.Duration, err error) {
	if !st.rights().Has(wire.View) {
		return false, 0, &screen.Refused{Reason: "no right to view"}
	}
	if p.wantsReset() && !p.afresh {
		st.startAfresh(p)
	}
	if p.afresh {
		if wait := p.mayBegin(); wait > 0 {
			return false, wait, nil
		}
		p.afresh = false
	}
	w := p.wish(st.host.hands.near(st.id))
	if err := st.host.seek(p, w); err != nil {
		return false, 0, err
	}
	c := p.lockCast()
	if c == nil {
		return false, 0, context.Canceled
	}
	found, tried, pause, err := c.take(p, w, &p.update)
	c.mu.Unlock()
	if err != nil {
		return false, 0, err
	}
	if found {
		return true, 0, st.send(s, p, &p.update)
	}
	if !tried && pause == 0 {
		st.host.fallInStep(p)
	}
	return tried, pause, nil
}

// wish is what p's line can take now.
func (p *picture) wish(first image.Rectangle) wish {
	p.mu.Lock()
	defer p.mu.Unlock()
	return wish{bytes: p.pacer.Budget(), rate: p.pacer.Rate(), idle: p.pacer.ReadyIdle(), idleBytes: p.pacer.IdleBudget(), first: first}
}

// send writes an update. What is small goes along with the first frame: every
// write is a record and a packet.
func (st *seat) send(s *behind, p *picture, u *update) error {
	p.buf = p.buf[:0]
	from := 0
	for _, q := range u.parts {
		body := u.buf[from:q.end]
		from = q.end
		if q.kind != wire.TypeFrame {
			p.buf = wire.Append(p.buf, wire.Screen, q.kind, 0, body)
			continue
		}
		if err := p.sendFrame(s, body, q.exact, u); err != nil {
			return err
		}
		st.count(p, u.took, q.exact)
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

// sendFrame writes a frame, after what is waiting to be written.
// Refinement is written while the next slice of it is encoded; what is new is
// encoded as late as can be.
func (p *picture) sendFrame(s *behind, body []byte, exact bool, u *update) error {
	start := len(p.buf)
	msg := append(wire.BeginFrame(p.buf), body...)
	p.buf = msg[:0]
	p.number++
	if err := s.Wait(); err != nil { // only then it is in flight
		return err
	}
	p.mu.Lock()
	head := wire.FrameHead{Number: p.number % wire.FrameNumbers, Exact: exact, Ask: u.idle || p.pacer.Ask(len(msg)+u.loose)}
	msg = wire.FinishFrame(msg, start, head)
	p.pacer.Sent(head.Number, len(msg)+u.loose, time.Now())
	p.mu.Unlock()
	if u.loose = 0; u.idle {
		p.buf, p.other = p.other[:0], p.buf
		return s.Later(msg)
	}
	_, err := s.Write(msg)
	return err
}
