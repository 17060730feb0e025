package x11

import (
	"image"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// localHand tells when the person at the display uses it: then the remote hand
// rests for a while, and does so again as long as that person goes on.
//
// The server says of no event whose it is (RECORD and XInput2 are not to be had
// here), so it is looked where the pointer stands and which keys are down, and
// compared with what we did. That is done only when the remote hand acts, lookEach
// at most: while it does nothing there is nothing that could be in the way.
// A program that moves the pointer by itself passes for a person.
//
// Owned by the Injector's caller.
type localHand struct {
	x     *client
	pause time.Duration // how long the remote hand rests; 0: nobody is looked for
	now   func() time.Time

	known bool                       // at is where the pointer was
	at    image.Point                // of the root window
	moved *xproto.QueryPointerCookie // asked after our last move, not read yet
	ask   *question                  // on its way; nil: none
	seen  time.Time                  // the last look
	mask  uint16                     // modifiers and buttons then, if
	fresh bool                       // that was for what is done now
	until time.Time                  // the remote hand rests
}

// question is one look: what the server is asked, and what we held down then.
type question struct {
	at      time.Time
	pointer xproto.QueryPointerCookie
	keys    xproto.QueryKeymapCookie
	moved   *xproto.QueryPointerCookie // our last move before it
	held    keySet
	buttons screen.Buttons
}

// keySet has a bit for each key code, as QueryKeymap writes it.
type keySet [32]byte

func (s *keySet) add(code byte) { s[code/8] |= 1 << (code % 8) }

const (
	// lookEach is as often as is looked: a key is down for 50 ms and longer.
	lookEach = 40 * time.Millisecond
	// stale is when it says nothing any more that the pointer has moved: it may
	// have been long ago.
	stale = time.Second
)

// rests tells whether the remote hand has to, as far as is known. What it holds
// down itself is held and buttons. A wait for the server's answer is spared where
// it is not urgent: then the answer counts for what the remote hand does next.
func (l *localHand) rests(held keySet, buttons screen.Buttons, urgent bool) (bool, error) {
	if l.pause == 0 {
		return false, nil
	}
	now := l.now()
	l.fresh = false
	if l.ask != nil {
		if err := l.judge(); err != nil {
			return false, err
		}
	}
	if now.Sub(l.seen) >= lookEach {
		send := l.x.wire.hold()
		l.ask = &question{
			at: now, pointer: xproto.QueryPointer(l.x.Conn, l.x.root), keys: xproto.QueryKeymap(l.x.Conn),
			moved: l.moved, held: held, buttons: buttons,
		}
		send()
		l.moved = nil
		if urgent {
			if err := l.judge(); err != nil {
				return false, err
			}
			l.fresh = true
		}
	}
	return now.Before(l.until), nil
}

// judge reads the answer, and compares it with what we know of.
func (l *localHand) judge() error {
	q := l.ask
	l.ask = nil
	if q.moved != nil { // not always where it was sent: beside the monitors there is nothing
		p, err := q.moved.Reply()
		if err != nil {
			return err
		}
		l.known, l.at = true, image.Pt(int(p.RootX), int(p.RootY))
	}
	p, err := q.pointer.Reply()
	if err != nil {
		return err
	}
	k, err := q.keys.Reply()
	if err != nil {
		return err
	}
	at := image.Pt(int(p.RootX), int(p.RootY))
	if l.known && q.at.Sub(l.seen) < stale && at != l.at ||
		foreignButton(p.Mask, q.buttons) || foreignKey(k.Keys, &q.held) {
		l.until = q.at.Add(l.pause)
	}
	l.known, l.at, l.seen, l.mask = true, at, q.at, p.Mask
	return nil
}

// moves notes that we have moved the pointer.
func (l *localHand) moves() error {
	if l.pause == 0 {
		return nil
	}
	if l.moved != nil {
		if _, err := l.moved.Reply(); err != nil {
			return err
		}
	}
	c := xproto.QueryPointer(l.x.Conn, l.x.root)
	l.moved = &c
	return nil
}

func foreignButton(mask uint16, ours screen.Buttons) bool {
	for n, bit := range map[byte]uint16{1: xproto.KeyButMaskButton1, 2: xproto.KeyButMaskButton2, 3: xproto.KeyButMaskButton3} {
		if mask&bit != 0 && ours&buttonBits[n] == 0 {
			return true
		}
	}
	return false
}

// foreignKey tells whether a key is down that is not ours.
func foreignKey(down []byte, ours *keySet) bool {
	for i, set := range down {
		if i < len(ours) && set&^ours[i] != 0 {
			return true
		}
	}
	return false
}
