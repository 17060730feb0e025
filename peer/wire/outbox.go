package wire

import (
	"errors"
	"fmt"
)

// maxUnacked is how many messages may wait for their acknowledgement. Two
// seconds of the fastest input allowed (SECURITY-DESIGN, section 11): whoever
// is further behind has no path at all, and typing into the void for longer
// would replay a long burst blindly when the path returns.
const maxUnacked = 4096

// ErrBehind means that too many messages wait for their acknowledgement.
var ErrBehind = errors.New("too many unacknowledged messages")

// Outbox numbers the messages of one direction of one channel and keeps them
// until the other side has applied them. It belongs to one goroutine or to its
// owner's lock. The zero value is ready.
type Outbox struct {
	last    uint32
	waiting []boxed  // oldest first
	spare   [][]byte // bodies to use again
}

type boxed struct {
	t    Type
	seq  uint32
	body []byte
}

// Put numbers a message and keeps a copy of its body.
func (o *Outbox) Put(t Type, body []byte) (seq uint32, err error) {
	if len(o.waiting) >= maxUnacked {
		return 0, ErrBehind
	}
	o.last++
	var spare []byte
	if n := len(o.spare); n > 0 {
		spare, o.spare = o.spare[n-1], o.spare[:n-1]
	}
	o.waiting = append(o.waiting, boxed{t, o.last, append(spare[:0], body...)})
	return o.last, nil
}

// Applied forgets everything up to seq. A number that was never given out is
// an error of the other side.
func (o *Outbox) Applied(seq uint32) error {
	if seq > o.last {
		return fmt.Errorf("%w: acknowledges %d of %d", ErrMalformed, seq, o.last)
	}
	n := 0
	for n < len(o.waiting) && o.waiting[n].seq <= seq {
		o.spare = append(o.spare, o.waiting[n].body)
		n++
	}
	o.waiting = append(o.waiting[:0], o.waiting[n:]...)
	return nil
}

// Last is the number of the last message that was put in.
func (o *Outbox) Last() uint32 { return o.last }

// Waiting is the number of messages not yet acknowledged.
func (o *Outbox) Waiting() int { return len(o.waiting) }

// Again appends every waiting message to dst, for a new path.
func (o *Outbox) Again(dst []byte, ch Channel) []byte {
	for _, m := range o.waiting {
		dst = Append(dst, ch, m.t, m.seq, m.body)
	}
	return dst
}

// Inbox tells new messages of one direction of one channel from repeated ones.
// The zero value is ready.
type Inbox struct{ last uint32 }

// Fresh tells whether to apply the message. A gap is an error: a stream keeps
// the order, so only a faulty or hostile sender makes one.
func (i *Inbox) Fresh(seq uint32) (bool, error) {
	switch {
	case seq <= i.last:
		return false, nil
	case seq == i.last+1:
		i.last = seq
		return true, nil
	}
	return false, fmt.Errorf("%w: number %d after %d", ErrMalformed, seq, i.last)
}

// Last is the number of the last message applied.
func (i *Inbox) Last() uint32 { return i.last }
