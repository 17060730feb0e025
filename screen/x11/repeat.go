package x11

import (
	"encoding/binary"

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

func (c *client) repeats() (repeats, error) {
	b, err := c.askXKB(xkbGetControls, xkbCoreKeyboard, 0)
	if err != nil {
		return repeats{}, err
	}
	if len(b) < 24 {
		return repeats{}, errShortMap
	}
	r := repeats{binary.LittleEndian.Uint16(b[20:]), binary.LittleEndian.Uint16(b[22:])}
	if r.delay == neverRepeat {
		r.delay = usualDelay
	}
	return r, nil
}

// setRepeats leaves all other controls of the keyboard as they are.
func (c *client) setRepeats(r repeats) {
	var body [48]uint16
	body[0] = xkbCoreKeyboard
	body[14] = xkbRepeatKeys // which controls are meant
	body[16], body[17] = r.delay, r.interval
	c.sendXKB(xkbSetControls, body[:]...)
}

// pressOnce presses a key that the server does not repeat, if that can be had.
func (i *Injector) pressOnce(code byte) error {
	if !i.plays {
		i.fake(xproto.KeyPress, code)
		return nil
	}
	r, err := i.x.repeats()
	if err != nil {
		return err
	}
	i.x.setRepeats(repeats{neverRepeat, r.interval})
	i.fake(xproto.KeyPress, code)
	i.x.setRepeats(r)
	return nil
}

// pressAgain plays a repetition of a key that we hold: up and down, as servers do it.
func (i *Injector) pressAgain(code byte) error {
	i.fake(xproto.KeyRelease, code)
	return i.pressOnce(code)
}
