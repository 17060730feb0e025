package x11

import (
	"image"
	"sync"

	"sightline/screen"
)

// outboxRoom is how many events may wait for the reader. Motions merge, so
// these are keys and clicks: more than a person makes in a minute. Beyond it
// the window stops reading from the X server; nothing is dropped.
const outboxRoom = 1024

// outbox hands events over to the reader of Events without ever making the
// window wait for it, within outboxRoom.
type outbox struct {
	out  chan screen.Event
	done chan struct{} // closed when out is

	mu      sync.Mutex // guards what follows
	cond    sync.Cond
	queue   []screen.Event
	buttons screen.Buttons // of the pointer event put last
	moving  bool           // it was a motion only
	ended   bool           // nothing more is put; out closes when the queue is empty
	cut     chan struct{}
	isCut   bool
}

func newOutbox() *outbox {
	o := &outbox{out: make(chan screen.Event), done: make(chan struct{}), cut: make(chan struct{})}
	o.cond.L = &o.mu
	return o
}

// run hands over until the queue has ended, or was cut.
func (o *outbox) run() {
	defer close(o.done)
	defer close(o.out)
	for {
		e, ok := o.take()
		if !ok {
			return
		}
		select {
		case o.out <- e:
		case <-o.cut:
			return
		}
	}
}

func (o *outbox) take() (screen.Event, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.ended {
		o.cond.Wait()
	}
	if len(o.queue) == 0 || o.isCut {
		return nil, false
	}
	e := o.queue[0]
	o.queue = o.queue[1:]
	o.cond.Broadcast()
	return e, true
}

// put adds an event, or merges it with the last one: of several motions with
// the same buttons only the last place counts, wheels add up.
func (o *outbox) put(e screen.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || o.merge(e) {
		return
	}
	if p, ok := e.(screen.Pointer); ok {
		o.moving = p.Buttons == o.buttons && p.Wheel == image.Point{}
		o.buttons = p.Buttons
	}
	o.queue = append(o.queue, e)
	o.cond.Broadcast()
}

// merge joins a motion with a motion and a turn of the wheel with another one
// at the same place. A press or release is never moved: a drag starts where
// the button went down.
func (o *outbox) merge(e screen.Event) bool {
	if len(o.queue) == 0 {
		return false
	}
	last := &o.queue[len(o.queue)-1]
	switch now := e.(type) {
	case screen.Pointer:
		was, ok := (*last).(screen.Pointer)
		turned := now.Wheel != image.Point{}
		if !ok || was.Buttons != now.Buttons || was.Picture != now.Picture || turned != (was.Wheel != image.Point{}) {
			return false
		}
		if turned && was.At != now.At || !turned && !o.moving {
			return false
		}
		now.Wheel = now.Wheel.Add(was.Wheel)
		*last = now
		return true
	case screen.Resize:
		if _, ok := (*last).(screen.Resize); ok {
			*last = now
			return true
		}
	}
	return false
}

// room waits until the reader has kept up.
func (o *outbox) room() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) >= outboxRoom && !o.ended {
		o.cond.Wait()
	}
}

// end lets the reader have what is queued and closes the channel then.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.cond.Broadcast()
}

// drop closes the channel at once.
func (o *outbox) drop() {
	o.mu.Lock()
	o.ended = true
	if !o.isCut {
		o.isCut = true
		close(o.cut)
	}
	o.cond.Broadcast()
	o.mu.Unlock()
	<-o.done
}
