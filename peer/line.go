package peer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"sightline/peer/secure"
	"sightline/peer/wire"
)

// line is a numbered channel (control, input or clipboard) that outlives its streams. A
// path may die in the middle of anything: the line keeps what the other side
// has not applied, says it again on the next stream, and drops what it hears
// twice. So no key is lost, doubled or reordered.
type line struct {
	ch  wire.Channel
	ack wire.Type // type of this channel's acknowledgement

	mu      sync.Mutex
	out     wire.Outbox
	in      wire.Inbox
	pending []byte        // bytes for the current stream
	wake    chan struct{} // something is pending
	applied chan struct{} // an acknowledgement came
	current *turn         // who serves now
	unsaid  int           // messages applied and not acknowledged yet, and
	newest  uint32        // the number of the last of them
	later   *time.Timer   // runs while unsaid > 0; nil until the first time
}

// Nobody waits for the acknowledgement of a key, and each costs two packets, so
// those of input are merged: ackEach messages, or what comes within ackWithin
// (a key goes down and up in some 100 ms).
const (
	ackEach   = 8
	ackWithin = 250 * time.Millisecond
)

// turn is one stream's time on a line.
type turn struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newLine(ch wire.Channel) *line {
	l := &line{ch: ch, ack: wire.TypeAck, wake: make(chan struct{}, 1), applied: make(chan struct{}, 1)}
	switch ch {
	case wire.Input:
		l.ack = wire.TypeInputAck
	case wire.Clips:
		l.ack = wire.TypeClipAck
	}
	return l
}

// maxPending bounds what waits for a slow stream; the peer that lets so much
// pile up does not read at all. One clip may come on top.
const maxPending = 1 << 20

// Send numbers a message; it goes out now or on the next stream.
func (l *line) Send(t wire.Type, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq, err := l.out.Put(t, body)
	if err != nil {
		return err
	}
	l.queueLocked(t, seq, body)
	return nil
}

// Say sends a message that may be lost with its stream: pings, acknowledgements.
func (l *line) Say(t wire.Type, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queueLocked(t, 0, body)
}

func (l *line) queueLocked(t wire.Type, seq uint32, body []byte) {
	if l.current == nil || len(l.pending) > maxPending {
		return // what is numbered comes again with the next stream
	}
	l.pending = wire.Append(l.pending, l.ch, t, seq, body)
	signal(l.wake)
}

// Waiting is how many messages have not been acknowledged.
func (l *line) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Waiting()
}

// Drain waits until the other side has applied everything, or the time is over.
// A stream that ends meanwhile is no reason to give up: the next one, on a
// better path, carries on where it stopped.
func (l *line) Drain(within time.Duration) {
	t := time.NewTimer(within)
	defer t.Stop()
	var over *turn
	for {
		l.mu.Lock()
		waiting, now := l.out.Waiting(), l.current
		l.mu.Unlock()
		if waiting == 0 {
			return
		}
		var ended <-chan struct{}
		if now != nil && now != over {
			ended = now.done
		}
		select {
		case <-l.applied:
		case <-ended:
			over = now
		case <-t.C:
			return
		}
	}
}

// goodbye is an error that came as the other side's last message; nil: a good end.
type goodbye struct{ error }

// HangUp returns err, a goodbye bare and only when the other side has ended the
// stream, or a second later: who speaks last waits for the acknowledgement, which
// an end from here would lose.
func (l *line) HangUp(err error) error {
	last, ok := err.(goodbye)
	if !ok {
		return err
	}
	l.mu.Lock()
	now := l.current
	l.mu.Unlock()
	if now != nil {
		t := time.NewTimer(time.Second)
		defer t.Stop()
		select {
		case <-now.done:
		case <-t.C:
		}
	}
	return last.error
}

// Serve speaks over one stream until it ends, ctx ends, or another Serve takes
// the line over. handle is called for each message once, in order, by one
// goroutine at a time; body is valid during the call. The stream is closed.
func (l *line) Serve(ctx context.Context, st *secure.Sealed, handle func(t wire.Type, body []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	me := &turn{cancel: cancel, done: make(chan struct{})}
	defer close(me.done)
	if err := l.takeOver(ctx, me); err != nil {
		st.Reset()
		return err
	}
	defer context.AfterFunc(ctx, func() { st.Reset() })()
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		l.pump(ctx, me, st)
	}()
	err := l.listen(st, handle)
	cancel()
	<-pumped
	l.leave(me)
	st.Close()
	return err
}

// takeOver ends the stream that served before and waits until its reader is
// done, so that two readers never handle messages at once.
func (l *line) takeOver(ctx context.Context, me *turn) error {
	for {
		l.mu.Lock()
		before := l.current
		if before == nil {
			l.current = me
			l.pending = l.out.Again(l.pending[:0], l.ch)
			signal(l.wake)
			l.mu.Unlock()
			return nil
		}
		l.mu.Unlock()
		before.cancel()
		select {
		case <-before.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *line) leave(me *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == me {
		l.current, l.unsaid = nil, 0 // what was not said is heard and dropped again
		if l.later != nil {
			l.later.Stop()
		}
	}
}

// Broken ends the stream that serves now, if any: its path is no good.
func (l *line) Broken() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil {
		l.current.cancel()
	}
}

// pump writes what is pending. Two buffers change places, so that nothing is
// written under the lock.
func (l *line) pump(ctx context.Context, me *turn, st *secure.Sealed) {
	var spare []byte
	for {
		l.mu.Lock()
		batch := l.pending
		l.pending = spare[:0]
		mine := l.current == me
		l.mu.Unlock()
		if !mine {
			return
		}
		spare = batch
		if len(batch) > 0 {
			if _, err := st.Write(batch); err != nil {
				me.cancel()
				return
			}
			continue
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
	}
}

// listen reads until the stream ends. A clean end is nil.
func (l *line) listen(st io.Reader, handle func(t wire.Type, body []byte) error) error {
	r := wire.NewReader(st, l.ch)
	for {
		t, seq, body, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := l.take(t, seq, body, handle); err != nil {
			return err
		}
	}
}

func (l *line) take(t wire.Type, seq uint32, body []byte, handle func(t wire.Type, body []byte) error) error {
	if t == l.ack {
		n, err := wire.ParseAck(body)
		if err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		signal(l.applied)
		return l.out.Applied(n)
	}
	if seq == 0 {
		return handle(t, body)
	}
	l.mu.Lock()
	fresh, err := l.in.Fresh(seq)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if fresh {
		if err := handle(t, body); err != nil {
			return err
		}
	}
	l.acknowledge(seq)
	return nil
}

// acknowledge says that everything up to seq was applied, now or soon.
func (l *line) acknowledge(seq uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest = seq
	l.unsaid++
	switch {
	case l.ch != wire.Input || l.unsaid >= ackEach:
		l.sayAckLocked()
	case l.unsaid > 1: // later runs
	case l.later == nil:
		l.later = time.AfterFunc(ackWithin, l.ackDue)
	default:
		l.later.Reset(ackWithin)
	}
}

func (l *line) ackDue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsaid > 0 {
		l.sayAckLocked()
	}
}

func (l *line) sayAckLocked() {
	l.unsaid = 0
	if l.later != nil {
		l.later.Stop()
	}
	var ack [4]byte
	l.queueLocked(l.ack, 0, wire.AppendAck(ack[:0], l.newest))
}
