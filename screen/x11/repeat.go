package x11

import (
	"encoding/binary"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// A server repeats a key that is down until it hears that it is up. What comes through
// XTEST is up only when the other side's word for it has arrived: if the path dies
// between the two, the server would fill the page with one letter until somebody notices,
// seconds and many letters later. So our keys are pressed in a way that the server does
// not repeat, and the repetitions that the other side's own keyboard makes are played.
//
// XKB looks at the delay of a key's first repetition when the key goes down. It is made
// very long for that moment and then as it was, so that the keyboard of the person at
// the display repeats as ever. The repeating of XTEST's device alone cannot be changed:
// the server looks at the settings of the device that was the last one before.

// repeats is how the keys of a server are repeated.
type repeats struct{ delay, interval uint16 } // ms

const (
	neverRepeat = 0xffff // ms, the longest delay that there is
	// usualDelay stands in, in ms, for one that another program is just changing as we do.
	usualDelay = 500
)

// repeats asks how keys are repeated now.
func (c *client) repeats() (repeats, error) {
	r, err := readRepeats(c.askRepeats())
	if r.delay == neverRepeat {
		r.delay = usualDelay
	}
	return r, err
}

func (c *client) askRepeats() *xgb.Cookie {
	cookie := c.NewCookie(true, true)
	c.NewRequest(c.xkbRequest(xkbGetControls, xkbCoreKeyboard, 0), cookie)
	return cookie
}

func readRepeats(asked *xgb.Cookie) (repeats, error) {
	b, err := asked.Reply()
	if err != nil {
		return repeats{}, err
	}
	if len(b) < 24 {
		return repeats{}, errShortMap
	}
	return repeats{binary.LittleEndian.Uint16(b[20:]), binary.LittleEndian.Uint16(b[22:])}, nil
}

// setRepeats leaves all other controls of the keyboard as they are.
func (c *client) setRepeats(r repeats) {
	var body [48]uint16
	body[0] = xkbCoreKeyboard
	body[14] = xkbRepeatKeys // which controls are meant
	body[16], body[17] = r.delay, r.interval
	c.sendXKB(xkbSetControls, body[:]...)
}

// repeater is how an Injector presses keys that the server does not repeat, without
// asking the server first: that would be a round trip on the way of each key.
//
// The settings of the last time are put back, and the answer to what they were is read
// when the key comes up. If a person has changed them in between, what this person chose
// is put in force then. All that belongs to one press is one piece that no other program
// gets into: what it finds is a person's choice, and never half of a press.
type repeater struct {
	x     *client
	kept  repeats     // what is put back
	found *xgb.Cookie // what the last press found, not read yet; nil: that was read
}

// learn reads the settings for the first time.
func (r *repeater) learn() (err error) {
	r.kept, err = r.x.repeats()
	return err
}

// press has a key pressed by fake. It does not wait for the server; alone tells that the
// caller keeps other programs out.
func (r *repeater) press(fake func(), alone bool) {
	defer r.x.wire.hold()()
	if !alone {
		xproto.GrabServer(r.x.Conn)
		defer xproto.UngrabServer(r.x.Conn)
	}
	r.found = r.x.askRepeats()
	r.x.setRepeats(repeats{neverRepeat, r.kept.interval})
	fake()
	r.x.setRepeats(r.kept)
}

// settle sees to it that what a person has set meanwhile stands. The caller must not keep
// other programs out.
func (r *repeater) settle() error {
	if r.found == nil {
		return nil
	}
	found, err := readRepeats(r.found)
	r.found = nil
	if err != nil || found == r.kept || found.delay == neverRepeat { // the last is a press by another host
		return err
	}
	xproto.GrabServer(r.x.Conn)
	defer xproto.UngrabServer(r.x.Conn)
	now, err := r.x.repeats()
	if err != nil {
		return err
	}
	if now == r.kept { // ours, and nobody's choice
		r.x.setRepeats(found)
		now = found
	}
	r.kept = now
	return nil
}

// pressOnce presses a key that the server does not repeat, if that can be had.
func (i *Injector) pressOnce(code byte) {
	press := func() { i.fake(xproto.KeyPress, code) }
	if !i.plays {
		press()
		return
	}
	i.repeater.press(press, i.fence != nil)
}

// pressAgain plays a repetition of a key that we hold: up and down, as servers do it.
func (i *Injector) pressAgain(code byte) {
	i.fake(xproto.KeyRelease, code)
	i.pressOnce(code)
}
