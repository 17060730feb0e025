package peer

import (
	"context"
	"crypto/rand"
	"errors"
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

// oneCode publishes a number, shows its code and stays until the code is dead
// and everybody whom it let in has left. The number stays published so long,
// because a broken session comes back through the relay.
func (h *Host) oneCode(ctx context.Context, first *Draft) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lease, draft, err := h.publish(ctx, first)
	if err != nil {
		return err
	}
	door := h.open(lease, draft)
	h.emit(Code{Number: door.number, Code: door.code, Expires: door.Expires(), Sharing: h.o.Sharing})
	dead := h.outlive(ctx, door)
	h.mu.Lock()
	h.door = nil
	h.mu.Unlock()
	return dead
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

// open puts a code on show.
func (h *Host) open(lease Lease, d *Draft) *openCode {
	door := invite.NewDoor(d.code.NumberValue(), invite.DoorOptions{Uses: h.o.Viewers, Life: h.o.Expire})
	open := &openCode{CodeDoor: &secure.CodeDoor{Door: door, Verifier: d.verifier}, number: d.code.Number, code: d.code.String()}
	h.mu.Lock()
	h.door, h.route = open, lease.Route
	h.mu.Unlock()
	return open
}

// outlive waits until the door is shut and nobody sits here by it. The error
// says why the code died unused, and is nil if it was used.
func (h *Host) outlive(ctx context.Context, door *openCode) error {
	expiry := time.NewTimer(time.Until(door.Expires()))
	defer expiry.Stop()
	shut := door.Closed()
	for {
		err := door.Err()
		if err != nil && !h.occupied(door) {
			return h.codeEnd(err)
		}
		select {
		case <-shut:
			shut = nil
		case <-expiry.C:
		case <-h.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (h *Host) occupied(door *openCode) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return door.entering > 0 || h.sharedLocked(door)
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
