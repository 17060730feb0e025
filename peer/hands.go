package peer

import (
	"image"
	"sync"

	"sightline/screen"
	"sightline/screen/keysym"
)

// hands lets several seats act through one Injector and remembers what each
// holds down, so that whatever a seat pressed comes up when it leaves.
type hands struct {
	mu   sync.Mutex
	to   screen.Injector // nil: this platform takes no input
	keys map[SeatID]map[keysym.Sym]bool
	at   map[SeatID]screen.Pointer

	// eyes guards look: a frame must not wait for a key that is being pressed.
	eyes sync.Mutex
	look map[SeatID]image.Point // where each seat pointed last
}

func newHands(to screen.Injector) *hands {
	return &hands{to: to, keys: map[SeatID]map[keysym.Sym]bool{}, at: map[SeatID]screen.Pointer{}, look: map[SeatID]image.Point{}}
}

// maxHeld keys of one viewer; nobody has more fingers than this.
const maxHeld = 32

// key presses or lifts. A release of what this seat does not hold is ignored; a
// press is checked by may in one step with the act.
func (x *hands) key(id SeatID, k screen.Key, may func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.to == nil {
		return &screen.Refused{Reason: "no input here"}
	}
	held := x.keys[id]
	if held == nil {
		held = map[keysym.Sym]bool{}
		x.keys[id] = held
	}
	if !k.Down {
		if !held[k.Sym] {
			return nil
		}
		delete(held, k.Sym)
		return x.to.Key(k)
	}
	if err := may(); err != nil {
		return err
	}
	if len(held) >= maxHeld && !held[k.Sym] {
		return &screen.Refused{Reason: "too many keys down"}
	}
	if err := x.to.Key(k); err != nil {
		return err
	}
	held[k.Sym] = true
	return nil
}

func (x *hands) pointer(id SeatID, p screen.Pointer, may func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.to == nil {
		return &screen.Refused{Reason: "no input here"}
	}
	if err := may(); err != nil {
		return err
	}
	if err := x.to.Pointer(p); err != nil {
		return err
	}
	p.Wheel = image.Point{}
	x.at[id] = p
	x.eyes.Lock()
	defer x.eyes.Unlock()
	x.look[id] = p.At
	return nil
}

// release lifts everything that a seat holds.
func (x *hands) release(id SeatID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.to == nil {
		return
	}
	for sym := range x.keys[id] {
		x.to.Key(screen.Key{Sym: sym})
	}
	if p, ok := x.at[id]; ok && p.Buttons != 0 {
		p.Buttons = 0
		x.to.Pointer(p)
	}
	held := x.holdsLocked(id)
	delete(x.keys, id)
	delete(x.at, id)
	x.eyes.Lock()
	delete(x.look, id)
	x.eyes.Unlock()
	for other := range x.at {
		held = held && !x.holdsLocked(other)
	}
	for other := range x.keys {
		held = held && !x.holdsLocked(other)
	}
	if held {
		x.to.ReleaseAll() // nobody holds anything any more
	}
}

func (x *hands) holdsLocked(id SeatID) bool {
	return len(x.keys[id]) > 0 || x.at[id].Buttons != 0
}

// lift lifts everything that anybody holds.
func (x *hands) lift() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.keys)
	clear(x.at)
	x.eyes.Lock()
	clear(x.look)
	x.eyes.Unlock()
	if x.to != nil {
		x.to.ReleaseAll()
	}
}

// near is the place around a viewer's pointer, where it looks for the answer
// to what it does: 256 x 256 px, empty while it has not pointed anywhere.
func (x *hands) near(id SeatID) image.Rectangle {
	x.eyes.Lock()
	defer x.eyes.Unlock()
	p, ok := x.look[id]
	if !ok {
		return image.Rectangle{}
	}
	return image.Rectangle{Min: p, Max: p}.Inset(-128)
}
