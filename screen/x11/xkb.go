package x11

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jezek/xgb"

	"sightline/screen/keysym"
)

// xgb has no XKEYBOARD, of which a few requests are needed: what each key means in
// each group of a layout like "us,ru", which the core protocol's table does not tell
// (its columns from the fifth on are of the first group that has a third level,
// whichever that is), which group is active, to change it, and when keys repeat (XKB
// protocol 1.0; byte order and fields as in X11/extensions/XKBproto.h). The server speaks them only
// to clients that have said which version they know, and tells these of a new map by
// events of the extension instead of MappingNotify.
const (
	xkbName = "XKEYBOARD"

	xkbUseExtension   = 0
	xkbSelectEvents   = 1
	xkbGetState       = 4
	xkbLatchLockState = 5
	xkbGetControls    = 6
	xkbSetControls    = 7
	xkbGetMap         = 8

	xkbCoreKeyboard = 0x100
	xkbKeySyms      = 1 << 1 // part of a map
	xkbNewKeyboard  = 1 << 0 // event
	xkbMapNotify    = 1 << 1 // event
	xkbMapParts     = 0xff
	xkbRepeatKeys   = 1 << 0 // control
)

// useXKB makes the extension ready; false: this server has none.
func (c *client) useXKB() bool {
	if c.use(xkbName) != nil {
		return false
	}
	b, err := c.askXKB(xkbUseExtension, 1, 0) // version 1.0
	if err != nil || len(b) < 2 || b[1] == 0 {
		c.ExtLock.Lock()
		delete(c.Extensions, xkbName)
		c.ExtLock.Unlock()
		return false
	}
	c.sendXKB(xkbSelectEvents, xkbCoreKeyboard, xkbNewKeyboard|xkbMapNotify, 0, xkbNewKeyboard|xkbMapNotify, xkbMapParts, xkbMapParts)
	return true
}

// xkbEvent is any of the events that useXKB asks for: the map is another one.
type xkbEvent struct{ sequence uint16 }

func newXKBEvent(b []byte) xgb.Event { return xkbEvent{binary.LittleEndian.Uint16(b[2:])} }

func (xkbEvent) Bytes() []byte        { return nil }
func (e xkbEvent) SequenceId() uint16 { return e.sequence }
func (xkbEvent) String() string       { return "a new keyboard map" }

// xkbRequest has a body of 16-bit numbers, an even count of them.
func (c *client) xkbRequest(minor byte, body ...uint16) []byte {
	c.ExtLock.RLock()
	defer c.ExtLock.RUnlock()
	b := []byte{c.Extensions[xkbName], minor, byte(1 + len(body)/2), 0}
	for _, v := range body {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

func (c *client) sendXKB(minor byte, body ...uint16) {
	c.NewRequest(c.xkbRequest(minor, body...), c.NewCookie(false, false))
}

func (c *client) askXKB(minor byte, body ...uint16) ([]byte, error) {
	cookie := c.NewCookie(true, true)
	c.NewRequest(c.xkbRequest(minor, body...), cookie)
	return cookie.Reply()
}

// groupState is which group of the layouts is active, 0 to 3, and which of them is
// locked: what the person chose, without the keys that hold another one.
type groupState struct{ active, locked byte }

func (c *client) groupState() (groupState, error) {
	b, err := c.askXKB(xkbGetState, xkbCoreKeyboard, 0)
	if err != nil {
		return groupState{}, err
	}
	if len(b) < 14 {
		return groupState{}, errShortMap
	}
	return groupState{active: b[12] & 3, locked: b[13] & 3}, nil
}

// lockGroup makes a group the locked one.
func (c *client) lockGroup(group byte) {
	const yes = 1
	c.sendXKB(xkbLatchLockState, xkbCoreKeyboard, 0, yes|uint16(group)<<8, 0, 0, 0)
}

// xkbKey is what one key means: levels of each of its groups.
type xkbKey struct {
	groups, levels int
	beyond         byte // what a group that it has not stands for: see group
	syms           []keysym.Sym
}

// group is the one of its groups that counts in a state.
func (k *xkbKey) group(active int) int {
	const (
		clamp    = 1 // bits 6 and 7
		redirect = 2 // to the group in bits 4 and 5
	)
	switch {
	case active < k.groups:
		return active
	case k.beyond>>6 == clamp:
		return k.groups - 1
	case k.beyond>>6 == redirect:
		if to := int(k.beyond >> 4 & 3); to < k.groups {
			return to
		}
		return 0
	}
	return active % k.groups
}

// at is the keysym on a level of a group, NoSymbol if there is none.
func (k *xkbKey) at(group, level int) keysym.Sym {
	if k.groups == 0 || level >= k.levels {
		return keysym.NoSymbol
	}
	return k.syms[k.group(group)*k.levels+level]
}

// readKeys asks for the map of all keys, the first of which has the code first.
func (c *client) readKeys(first, last byte) ([]xkbKey, error) {
	count := uint16(last-first) + 1
	if count > 255 {
		count = 255
	}
	b, err := c.askXKB(xkbGetMap, xkbCoreKeyboard, 0, xkbKeySyms, 0, uint16(first)|count<<8, 0, 0, 0, 0, 0, 0, 0)
	if err != nil {
		return nil, err
	}
	return parseKeys(b)
}

var errShortMap = errors.New("the X server's keyboard map is cut off")

// parseKeys reads the server's answer. After a head of 40 bytes, in which byte 20 is
// how many keys follow, each key is
//
//	types [4]u8  groups u8  levels u8  syms u16  syms * u32
//
// where the low half of groups is their number.
func parseKeys(b []byte) ([]xkbKey, error) {
	const head, keyHead = 40, 8
	if len(b) < head {
		return nil, errShortMap
	}
	keys := make([]xkbKey, b[20])
	b = b[head:]
	for n := range keys {
		if len(b) < keyHead {
			return nil, errShortMap
		}
		k := xkbKey{groups: int(b[4] & 15), levels: int(b[5]), beyond: b[4]}
		count := int(binary.LittleEndian.Uint16(b[6:]))
		if k.groups > 4 || k.groups*k.levels > count {
			return nil, fmt.Errorf("the X server's keyboard map has %d symbols for %d groups of %d levels", count, k.groups, k.levels)
		}
		if b = b[keyHead:]; len(b) < 4*count {
			return nil, errShortMap
		}
		for i := range k.groups * k.levels {
			k.syms = append(k.syms, keysym.Sym(binary.LittleEndian.Uint32(b[4*i:])))
		}
		keys[n], b = k, b[4*count:]
	}
	return keys, nil
}
