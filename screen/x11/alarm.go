package x11

import (
	"log/slog"
	"sync"

	"github.com/jezek/xgb/xproto"

	"sightline/screen/keysym"
)

// alarm is the panic key Ctrl+Alt+Shift+Q, grabbed on the root window so that
// it works whatever has the focus.
type alarm struct {
	x    *client
	log  *slog.Logger
	rang chan struct{} // of one; nil if another program owns the key

	mu   sync.Mutex // guards what follows
	code byte
	mods uint16 // Ctrl, Alt, Shift
	num  uint16
}

func newAlarm(x *client, k *keyboard, log *slog.Logger) *alarm {
	a := &alarm{x: x, log: log, rang: make(chan struct{}, 1)}
	if err := a.grab(k); err != nil {
		log.Warn("the panic key belongs to another program", "err", err)
		a.rang = nil
	}
	return a
}

// grab asks for the key in every state of CapsLock and NumLock.
func (a *alarm) grab(k *keyboard) error {
	c, ok := k.choose('q', 0)
	if !ok {
		return errNoKey
	}
	alt := k.alt
	if alt == 0 {
		alt = xproto.ModMask1
	}
	a.mu.Lock()
	a.code, a.mods, a.num = c.code, shiftBit|controlBit|alt, k.num
	a.mu.Unlock()
	var asked []xproto.GrabKeyCookie
	for _, locks := range lockStates(k.num) {
		asked = append(asked, xproto.GrabKeyChecked(a.x.Conn, true, a.x.root, a.mods|locks, xproto.Keycode(c.code),
			xproto.GrabModeAsync, xproto.GrabModeAsync))
	}
	var failed error
	for _, ask := range asked {
		if err := ask.Check(); err != nil {
			failed = err
		}
	}
	return failed
}

func lockStates(num uint16) []uint16 {
	if num == 0 {
		return []uint16{0, lockBit}
	}
	return []uint16{0, lockBit, num, lockBit | num}
}

// learn grabs anew if the key has moved on the map.
func (a *alarm) learn(k *keyboard) {
	if a.rang == nil {
		return
	}
	a.mu.Lock()
	code, num, mods := a.code, a.num, a.mods
	a.mu.Unlock()
	if c, ok := k.choose('q', 0); ok && c.code == code && k.num == num {
		return
	}
	for _, locks := range lockStates(num) {
		xproto.UngrabKey(a.x.Conn, xproto.Keycode(code), a.x.root, mods|locks)
	}
	if err := a.grab(k); err != nil {
		a.log.Warn("the panic key was lost with the change of the keyboard map", "err", err)
	}
}

// isPanic tells whether a key in a state is the panic key.
func (a *alarm) isPanic(code byte, state uint16) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rang != nil && code == a.code && state&a.mods == a.mods
}

// ring is called for the grabbed key only: no other is selected.
func (a *alarm) ring() {
	xproto.UngrabKeyboard(a.x.Conn, xproto.TimeCurrentTime)
	select {
	case a.rang <- struct{}{}:
	default:
	}
}

var errNoKey = &noKey{keysym.Sym('q')}

type noKey struct{ sym keysym.Sym }

func (e *noKey) Error() string { return "the keyboard has no key " + e.sym.String() }
