package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"sightline/peer/invite"
	"sightline/peer/secure"
)

// firstDigits is the shortest session number; a relay with many sessions asks
// for more (SECURITY-DESIGN, section 3).
const firstDigits = 5

// codes keeps a code on show: after a session, a burnt or an expired one it
// goes on with a fresh one. With Once there is one code and one session.
func (h *Host) codes(ctx context.Context) error {
	for draft := h.o.First; ; draft = nil {
		err := h.oneCode(ctx, draft)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if h.o.Once {
			return h.onceResult(err)
		}
		if err != nil {
			return err
		}
	}
}

// onceResult is what Once ends with: the session's end, or the code's if
// nobody came.
func (h *Host) onceResult(err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		if err == nil {
			err = ErrExpired
		}
		h.outcome = err
	}
	return errOnceDone
}

// Draft is a code that is ready to be shown once its number is published. To
// make one takes a quarter of a second and 64 MiB (Argon2id), so the first may
// be made before anything listens, and the others while the number is published.
type Draft struct {
	code     invite.Code
	verifier secure.Verifier
}

// NewDraft draws a number and a secret and stretches the secret.
func NewDraft() (*Draft, error) {
	number, err := invite.NewNumber(firstDigits, rand.Reader)
	if err != nil {
		return nil, err
	}
	return draftFor(number)
}

func draftFor(number string) (*Draft, error) {
	code, err := invite.New(number, rand.Reader)
	if err != nil {
		return nil, err
	}
	v, err := secure.NewVerifier(code.Secret, rand.Reader)
	return &Draft{code, v}, err
}

// oneCode publishes a number, shows its code and stays until the newest code of
// that number is dead and everybody whom one of them let in has left. The number
// stays published so long, because a broken session comes back through the relay.
func (h *Host) oneCode(ctx context.Context, first *Draft) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, draft, err := h.publish(ctx, first)
	if err != nil {
		return err
	}
	door := h.prepare(draft, h.o.Viewers)
	h.mu.Lock()
	h.door, h.route = door, lease.Route
	h.mu.Unlock()
	h.tellCode(door)
	return h.outlive(ctx)
}

// maxSeats is how many viewers one host serves at most, by whatever codes.
const maxSeats = 16

// AnotherCode shows a further code, for one more viewer, while others are inside:
// so each of them can have a code of its own. It has the same session number, for
// a relay gives a host one number only, and therefore there is one open code at a
// time: one that nobody has used yet stays and is told in the error; places that are left of one
// that was used (HostOptions.Viewers) end. It takes a quarter of a second.
func (h *Host) AnotherCode() (string, error) {
	h.more.Lock()
	defer h.more.Unlock()
	last, err := h.spent()
	if err != nil {
		return "", err
	}
	draft, err := draftFor(last.number)
	if err != nil {
		return "", err
	}
	door := h.prepare(draft, 1)
	h.mu.Lock()
	same := h.door == last
	if same {
		h.door = door
	}
	h.mu.Unlock()
	if !same {
		return "", errBetween // everybody left meanwhile: a fresh one comes by itself
	}
	last.Burn()
	signal(h.changed)
	h.tellCode(door)
	return door.code, nil
}

var errBetween = &Error{Class: ClassNoSession, Msg: "no session is open at this moment; a fresh code comes by itself"}

// spent is the newest code, if a further one may follow it.
func (h *Host) spent() (*openCode, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped || h.door == nil:
		return nil, errBetween
	case h.o.Once:
		return nil, &Error{Class: ClassUsage, Msg: "this host was started for one session (--once)", Fix: "--viewers N lets more than one in by the one code"}
	case h.door.Err() == nil && !h.door.Used():
		return nil, &Error{Class: ClassUsage, Msg: "the code on show has not been used yet", Fix: "give that one away first, or replace it (`sightline ctl renew`)"}
	case len(h.seats) >= maxSeats:
		return nil, &Error{Class: ClassUsage, Msg: fmt.Sprintf("%d viewers are the most that one host serves", maxSeats)}
	}
	return h.door, nil
}

func (h *Host) tellCode(door *openCode) {
	h.emit(Code{Number: door.number, Code: door.code, Admits: door.admits, Expires: door.Expires(), Sharing: h.whatIsShared()})
}

// publish finds a number that all relays accept and makes its code meanwhile.
func (h *Host) publish(ctx context.Context, draft *Draft) (Lease, *Draft, error) {
	if draft != nil {
		lease, err := h.o.Directory.Publish(ctx, draft.code.Number)
		if err == nil && lease.Number != draft.code.Number {
			draft, err = draftFor(lease.Number)
		}
		return lease, draft, err
	}
	number, err := invite.NewNumber(firstDigits, rand.Reader)
	if err != nil {
		return Lease{}, nil, err
	}
	var wg sync.WaitGroup
	var drafted error
	wg.Go(func() { draft, drafted = draftFor(number) })
	lease, err := h.o.Directory.Publish(ctx, number)
	wg.Wait()
	if err = errors.Join(err, drafted); err == nil && lease.Number != number {
		draft, err = draftFor(lease.Number)
	}
	return lease, draft, err
}

// prepare makes a code that can be put on show, for so many viewers.
func (h *Host) prepare(d *Draft, viewers int) *openCode {
	door := invite.NewDoor(d.code.NumberValue(), invite.DoorOptions{Uses: viewers, Life: h.o.Expire})
	return &openCode{CodeDoor: &secure.CodeDoor{Door: door, Verifier: d.verifier}, number: d.code.Number, code: d.code.String(), admits: viewers}
}

// outlive waits until the newest door is shut and nobody sits here. The error
// says why the code died unused, and is nil if it was used.
func (h *Host) outlive(ctx context.Context) error {
	for {
		door, over := h.newest()
		if over != nil {
			return h.codeEnd(over)
		}
		if err := h.awaitNews(ctx, door); err != nil {
			h.mu.Lock()
			h.door = nil
			h.mu.Unlock()
			return err
		}
	}
}

// newest is the code of now. If it is dead and nobody is here any more the
// number ends, in the same step: over says why.
func (h *Host) newest() (door *openCode, over error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	door = h.door
	if err := door.Err(); err != nil && h.entering == 0 && len(h.seats) == 0 {
		h.door = nil
		return door, err
	}
	return door, nil
}

// awaitNews waits until something happened to this door or to a seat.
func (h *Host) awaitNews(ctx context.Context, door *openCode) error {
	shut, expired := door.Closed(), (<-chan time.Time)(nil)
	switch left := time.Until(door.Expires()); {
	case door.Err() != nil:
		shut = nil // known; what is waited for is that people leave
	case left > 0:
		expiry := time.NewTimer(left)
		defer expiry.Stop()
		expired = expiry.C
	}
	select {
	case <-shut:
	case <-expired:
	case <-h.changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// codeEnd tells people why a code is gone. Only Once makes an error of it.
func (h *Host) codeEnd(err error) error {
	h.mu.Lock()
	once, ended := h.o.Once, h.ended
	h.mu.Unlock()
	switch {
	case ended, errors.Is(err, invite.ErrUsed):
		return nil
	case errors.Is(err, invite.ErrExpired):
		h.emit(Failed{Err: ErrExpired})
	case errors.Is(err, invite.ErrBurnt):
		h.emit(Failed{Err: errBurnt})
	}
	if once {
		return &Error{Class: ClassNoSession, Err: err}
	}
	return nil
}

var errBurnt = &Error{Class: ClassNoSession, Msg: "the code was burnt after wrong tries"}
