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
	seen  time.Time                  // the last look
	until time.Time                  // the remote hand rests
}

const (
	// lookEach is as often as is looked: a key is down for 50 ms and longer.
	lookEach = 40 * time.Millisecond
	// stale is when it says nothing any more that the pointer has moved: it may
	// have been long ago.
	stale = time.Second
)

// rests tells whether the remote hand has to. ours are the keys and buttons that
// it holds down itself.
func (l *localHand) rests(holds func(code byte) bool, buttons screen.Buttons) (bool, error) {
	if l.pause == 0 {
		return false, nil
	}
	now := l.now()
	if now.Sub(l.seen) < lookEach {
		return now.Before(l.until), nil
	}
	stirs, err := l.look(now, holds, buttons)
	if err != nil {
		return false, err
	}
	if stirs {
		l.until = now.Add(l.pause)
	}
	return now.Before(l.until), nil
}

// look compares what there is with what we know of.
func (l *localHand) look(now time.Time, holds func(code byte) bool, buttons screen.Buttons) (stirs bool, err error) {
	if err := l.settle(); err != nil {
		return false, err
	}
	where, keys := xproto.QueryPointer(l.x.Conn, l.x.root), xproto.QueryKeymap(l.x.Conn)
	p, err := where.Reply()
	if err != nil {
		return false, err
	}
	k, err := keys.Reply()
	if err != nil {
		return false, err
	}
	at := image.Pt(int(p.RootX), int(p.RootY))
	stirs = l.known && now.Sub(l.seen) < stale && at != l.at ||
		foreignButton(p.Mask, buttons) || foreignKey(k.Keys, holds)
	l.known, l.at, l.seen = true, at, now
	return stirs, nil
}

// settle reads where our last move has brought the pointer: not always to where
// it was sent, for beside the monitors there is nothing.
func (l *localHand) settle() error {
	if l.moved == nil {
		return nil
	}
	p, err := l.moved.Reply()
	l.moved = nil
	if err != nil {
		return err
	}
	l.known, l.at = true, image.Pt(int(p.RootX), int(p.RootY))
	return nil
}

// moves notes that we have moved the pointer.
func (l *localHand) moves() error {
	if l.pause == 0 {
		return nil
	}
	if err := l.settle(); err != nil {
		return err
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

// foreignKey tells whether a key is down in a key map (QueryKeymap, a bit for each
// code) that is not ours.
func foreignKey(keys []byte, ours func(code byte) bool) bool {
	for i, set := range keys {
		for bit := range byte(8) {
			if code := byte(i)*8 + bit; set>>bit&1 == 1 && !ours(code) {
				return true
			}
		}
	}
	return false
}
