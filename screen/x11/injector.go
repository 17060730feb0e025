package x11

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"sightline/screen"
	"sightline/screen/keysym"
)

// InjectorOptions of an Injector.
type InjectorOptions struct {
	Display   string   // "": DISPLAY
	Authority string   // file with the cookie; "": XAUTHORITY, else ~/.Xauthority
	Screen    string   // what the viewer sees: see Options
	Guardian  []string // command of a process that calls RunGuardian; nil: none
	// LocalPause is how long the remote hand rests after the person at the display
	// has moved the pointer or pressed a key; 0: it never does.
	LocalPause time.Duration
	// Group is the list of shared windows that input is confined to, of a Windows;
	// nil: the whole screen.
	Group *Group
	Raise bool // a click on a covered window of Group may bring it forward
	Log   *slog.Logger
}

// Injector types and points for a remote hand, through XTEST.
//
// Keys come as keysyms and leave as key codes of the host's own map: the
// layout of the viewer does not matter. A release always lifts the code that
// its press put down, whatever the map has become meanwhile. Repetitions of a
// key that is down come from the viewer (see repeats); on a server without XKB
// they are dropped, and the server's own count.
type Injector struct {
	// Static after construction.
	x     *client
	opt   InjectorOptions
	log   *slog.Logger
	guard *guard // nil: none
	alarm *alarm
	ended chan struct{} // closed by pump when the connection has ended
	plays bool          // the repetitions: the server makes none

	remap atomic.Bool // the keyboard map was changed, by us or somebody
	moved atomic.Bool // outputs or the screen were changed
	mu    sync.Mutex  // guards held, which pump reads
	held  []heldKey   // in the order in which they went down

	// Owned by the caller's goroutine.
	keys     *keyboard
	spares   spares
	repeater repeater
	layout   layout
	fence    *fence // nil: the whole screen
	local    localHand
	buttons  screen.Buttons
	stale    screen.Buttons  // were down when the local hand stepped in: they must come up first
	area     image.Rectangle // of the root window
	closed   bool
	dog      *dog // cuts the connection when the server does not answer
}

type heldKey struct {
	sym   keysym.Sym
	code  byte
	group bool // it went down in a layout that is not the person's
}

// OpenInjector opens a display for input. Errors wrap screen.ErrNoDisplay.
func OpenInjector(o InjectorOptions) (*Injector, error) {
	x, err := connect(o.Display, o.Authority)
	if err != nil {
		return nil, err
	}
	i := &Injector{x: x, opt: o, log: silent(o.Log), ended: make(chan struct{}), dog: newDog(connectTimeout, x.close)}
	i.repeater.x = x
	i.local = localHand{x: x, pause: o.LocalPause, now: time.Now}
	if err := i.prepare(); err != nil {
		x.close()
		x.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	go i.pump()
	return i, nil
}

func (i *Injector) prepare() (err error) {
	i.x.use("RANDR")
	if err := i.x.use("XTEST"); err != nil {
		return err
	}
	if _, err := xtest.GetVersion(i.x.Conn, 2, 2).Reply(); err != nil {
		return err
	}
	if i.area, err = i.x.area(i.opt.Screen); err != nil {
		return err
	}
	i.x.watchOutputs()
	if i.plays = i.x.useXKB(); i.plays {
		if err := i.repeater.learn(); err != nil {
			return err
		}
	}
	if err := i.readMap(); err != nil {
		return err
	}
	i.alarm = newAlarm(i.x, i.keys, i.log)
	if i.opt.Group != nil {
		if i.fence, err = newFence(i.x, i.opt.Group, i.opt.Raise); err != nil {
			return err
		}
	}
	if len(i.opt.Guardian) > 0 {
		i.guard, err = startGuard(i.opt)
	}
	i.layout = layout{x: i.x, guard: i.guard}
	return err
}

// pump notes what changed on the display, and hears the panic key.
func (i *Injector) pump() {
	defer close(i.ended)
	for {
		ev, xerr := i.x.WaitForEvent()
		if ev == nil && xerr == nil {
			return
		}
		switch e := ev.(type) {
		case xproto.MappingNotifyEvent, xkbEvent:
			i.remap.Store(true)
		case randr.ScreenChangeNotifyEvent, randr.NotifyEvent:
			i.moved.Store(true)
		case xproto.ConfigureNotifyEvent:
			if e.Window == i.x.root {
				i.moved.Store(true)
			}
		case xproto.KeyPressEvent:
			if !i.holds(byte(e.Detail)) {
				i.alarm.ring()
			}
		}
	}
}

// Panic tells that the person at the host pressed Ctrl+Alt+Shift+Q; nil if
// another program owns that key. The remote hand cannot press it.
func (i *Injector) Panic() <-chan struct{} { return i.alarm.rang }

func (i *Injector) holds(code byte) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, h := range i.held {
		if h.code == code {
			return true
		}
	}
	return false
}

// Key presses or lifts a key. It takes 10 ms for a character that is not on
// the host's keyboard, since every program must learn its new place first.
func (i *Injector) Key(k screen.Key) error {
	defer i.dog.watch()()
	if !k.Down {
		return fault(i.lift(k.Sym))
	}
	if err := i.yield(true); err != nil {
		return fault(err)
	}
	return fault(i.press(k.Sym))
}

// yield refuses while the person at the display uses it, and lifts what we hold.
func (i *Injector) yield(urgent bool) error {
	held := i.heldKeys()
	rests, err := i.local.rests(held, i.buttons, urgent)
	if err != nil || !rests {
		return err
	}
	if i.stale |= i.buttons; i.buttons != 0 || held != (keySet{}) {
		if err := i.ReleaseAll(); err != nil {
			return err
		}
	}
	return &screen.Refused{Reason: "local hand"}
}

func (i *Injector) heldKeys() (s keySet) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, h := range i.held {
		s.add(h.code)
	}
	return s
}

// fault names the end of the connection; all other errors stay.
func fault(err error) error {
	if err == nil {
		return nil
	}
	return lost(err)
}

func (i *Injector) press(s keysym.Sym) error {
	held := i.heldCode(s)
	if s == keysym.NoSymbol || held != 0 && (!i.plays || s.IsModifier()) {
		return nil
	}
	if err := errors.Join(i.refresh(), i.repeater.settle()); err != nil {
		return err
	}
	mask, err := i.modifiers()
	if err != nil {
		return err
	}
	c := choice{code: held}
	if held == 0 {
		c, err = i.choose(s, mask)
	} else if as, ok := i.keys.chooseOn(held, s, mask); ok {
		c = as // else the map has changed meanwhile
	}
	if err != nil {
		return err
	}
	c.spoils = i.spoilers(s, mask)
	if i.alarm.isPanic(c.code, i.after(c, mask)) {
		return &screen.Refused{Reason: refuseHotKey}
	}
	if i.fence != nil { // nothing below waits for other programs
		defer i.fence.enter()()
		if err := i.confine(s, c, mask); err != nil {
			return err
		}
	}
	if held == 0 {
		i.guard.tell("+k", c.code)
		i.mu.Lock()
		i.held = append(i.held, heldKey{s, c.code, (c.group > 0 || i.layout.away) && !s.IsModifier()})
		i.mu.Unlock()
	}
	undo, err := i.arrange(c)
	if err != nil {
		return err
	}
	if held == 0 {
		i.pressOnce(c.code)
	} else {
		i.pressAgain(c.code)
	}
	i.undo(undo)
	i.spares.used(c.code, time.Now())
	return nil
}

// modifiers are those that are down; who has just looked need not ask again.
func (i *Injector) modifiers() (uint16, error) {
	if i.local.fresh {
		return i.local.mask, nil
	}
	p, err := xproto.QueryPointer(i.x.Conn, i.x.root).Reply()
	if err != nil {
		return 0, err
	}
	return p.Mask, nil
}

// heldCode is the code that holds a symbol down, 0 if none does.
func (i *Injector) heldCode(s keysym.Sym) byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, h := range i.held {
		if h.sym == s {
			return h.code
		}
	}
	return 0
}

// lift lifts the code that the press of s used; unknown releases are none of ours.
func (i *Injector) lift(s keysym.Sym) error {
	i.mu.Lock()
	n := -1
	for j, h := range i.held {
		if h.sym == s {
			n = j
		}
	}
	if n < 0 {
		i.mu.Unlock()
		return nil
	}
	code := i.held[n].code
	i.held = append(i.held[:n], i.held[n+1:]...)
	i.mu.Unlock()
	if i.holds(code) {
		return nil // two symbols of one key: the other one still holds it
	}
	i.fake(xproto.KeyRelease, code)
	i.guard.tell("-k", code)
	i.spares.used(code, time.Now())
	if err := i.repeater.settle(); err != nil {
		return err
	}
	if !i.inGroup() {
		if err := i.layout.back(); err != nil {
			return err
		}
	}
	return i.check()
}

// inGroup tells whether a key is down for which the layout was changed.
func (i *Injector) inGroup() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.ContainsFunc(i.held, func(h heldKey) bool { return h.group })
}

// fake makes an event of XTEST; errors are found by check.
func (i *Injector) fake(kind, detail byte) {
	xtest.FakeInput(i.x.Conn, kind, detail, 0, i.x.root, 0, 0, 0)
}

// check tells whether the display is still there.
func (i *Injector) check() error {
	select {
	case <-i.ended:
		return lost(nil)
	default:
		return nil
	}
}

// refresh reads the keyboard map again if it was changed.
func (i *Injector) refresh() error {
	if !i.remap.Swap(false) {
		return nil
	}
	return i.readMap()
}

func (i *Injector) readMap() error {
	k, err := i.x.readKeyboard()
	if err != nil {
		return err
	}
	i.keys = k
	i.spares.look(k)
	if i.alarm != nil {
		i.alarm.learn(k)
	}
	return nil
}

// maxTurns bounds the turns of a wheel in one event; the number is foreign.
const maxTurns = 32

// Pointer moves the pointer to a place of the picture, presses and lifts what
// differs from the buttons we hold, and turns the wheels. A place outside of
// the picture is refused, but buttons that came up are lifted all the same.
func (i *Injector) Pointer(p screen.Pointer) error {
	defer i.dog.watch()()
	if i.moved.Swap(false) {
		area, err := i.x.area(i.opt.Screen)
		if err != nil {
			return fault(err)
		}
		i.area = area
	}
	i.stale &= p.Buttons
	acts := p.Buttons&^i.stale&^i.buttons != 0 || p.Wheel != image.Point{}
	if err := i.yield(acts); err != nil {
		i.stale |= p.Buttons
		return fault(err)
	}
	p.Buttons &^= i.stale
	if i.fence != nil {
		if err := i.point(p); err != nil {
			return fault(err)
		}
		return fault(i.local.moves())
	}
	at := p.At.Add(i.area.Min)
	if p.Picture != 0 || !at.In(i.area) {
		i.setButtons(i.buttons & p.Buttons)
		return &screen.Refused{Reason: refuseOutside}
	}
	defer i.x.wire.hold()()
	xtest.FakeInput(i.x.Conn, xproto.MotionNotify, 0, 0, i.x.root, int16(at.X), int16(at.Y), 0)
	i.setButtons(p.Buttons)
	i.turn(p.Wheel.Y, 4, 5)
	i.turn(p.Wheel.X, 6, 7)
	if err := i.local.moves(); err != nil {
		return fault(err)
	}
	return i.check()
}

// setButtons puts buttons down and up. It tells whether all of them are now as
// they should be: the fence may find that a press would go elsewhere.
func (i *Injector) setButtons(now screen.Buttons) bool {
	for _, n := range [...]byte{1, 2, 3, 8, 9} {
		bit := buttonBits[n]
		switch {
		case now&bit != 0 && i.buttons&bit == 0:
			i.guard.tell("+b", n)
			if !i.putDown(n) {
				i.guard.tell("-b", n)
				continue
			}
			i.buttons |= bit
		case now&bit == 0 && i.buttons&bit != 0:
			i.fake(xproto.ButtonRelease, n)
			i.guard.tell("-b", n)
			i.buttons &^= bit
		}
	}
	return i.buttons == now
}

// putDown presses a button, within the fence if there is one.
func (i *Injector) putDown(n byte) bool {
	if i.fence != nil {
		return i.fence.deliver(n, i.buttons != 0)
	}
	i.fake(xproto.ButtonPress, n)
	return true
}

// turn turns a wheel, which is a button that is pressed for each step.
func (i *Injector) turn(steps int, back, forth byte) bool {
	button := forth
	if steps < 0 {
		button, steps = back, -steps
	}
	for range min(steps, maxTurns) {
		if !i.putDown(button) {
			return false
		}
		i.fake(xproto.ButtonRelease, button)
	}
	return true
}

// Fence limits input to windows, whose pictures are numbered as they are listed;
// nil is the whole screen, or the Group that this Injector was opened for.
func (i *Injector) Fence(allowed []screen.WindowID) (err error) {
	if allowed == nil {
		i.fence = nil
		if i.opt.Group != nil {
			i.fence, err = newFence(i.x, i.opt.Group, i.opt.Raise)
		}
		return err
	}
	f, err := newFence(i.x, &Group{}, i.opt.Raise)
	if err != nil {
		return err
	}
	f.fixed = []xproto.Window{}
	for _, w := range allowed {
		f.fixed = append(f.fixed, xproto.Window(w))
	}
	f.fix()
	i.fence = f
	return nil
}

// ReleaseAll lifts what we hold down, the last key first, and waits until the
// server has done it.
func (i *Injector) ReleaseAll() error {
	defer i.dog.watch()()
	i.mu.Lock()
	held := i.held
	i.held = nil
	i.mu.Unlock()
	for n := len(held) - 1; n >= 0; n-- {
		i.fake(xproto.KeyRelease, held[n].code)
		i.guard.tell("-k", held[n].code)
		i.spares.used(held[n].code, time.Now())
	}
	i.setButtons(0)
	if err := errors.Join(i.repeater.settle(), i.layout.back()); err != nil {
		return fault(err)
	}
	i.x.Sync()
	return i.check()
}

// Close lifts everything, gives the borrowed key codes back and lets the
// guardian go.
func (i *Injector) Close() error {
	if i.closed {
		return nil
	}
	i.closed = true
	err := i.ReleaseAll()
	if err == nil {
		done := i.dog.watch()
		i.giveBack()
		done()
	}
	i.guard.bye()
	i.x.close()
	<-i.ended
	i.x.drain()
	if errors.Is(err, screen.ErrDisplayLost) {
		return nil
	}
	return err
}
