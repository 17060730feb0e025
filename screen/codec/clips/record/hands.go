package main

import (
	"fmt"
	"image"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// keycode is a key and whether Shift has to be down for what is wanted.
type keycode struct {
	code  xproto.Keycode
	shift bool
}

const (
	symReturn    = 0xff0d
	symBackspace = 0xff08
	symShift     = 0xffe1
)

// learnKeys asks where each character is on the server's keyboard.
func (s *stage) learnKeys() error {
	setup := xproto.Setup(s.x)
	n := byte(setup.MaxKeycode - setup.MinKeycode + 1)
	m, err := xproto.GetKeyboardMapping(s.x, setup.MinKeycode, n).Reply()
	if err != nil {
		return fmt.Errorf("ask for the keyboard: %w", err)
	}
	s.codes = map[xproto.Keysym]keycode{}
	per := int(m.KeysymsPerKeycode)
	for i := range int(n) {
		for level := range min(per, 2) {
			sym := m.Keysyms[i*per+level]
			if _, known := s.codes[sym]; !known && sym != 0 {
				s.codes[sym] = keycode{setup.MinKeycode + xproto.Keycode(i), level == 1}
			}
		}
	}
	return nil
}

// press strikes one key.
func (s *stage) press(sym xproto.Keysym) error {
	k, ok := s.codes[sym]
	if !ok {
		return fmt.Errorf("no key for %#x", sym)
	}
	shift := byte(s.codes[symShift].code)
	if k.shift {
		s.fake(xproto.KeyPress, shift)
	}
	s.fake(xproto.KeyPress, byte(k.code))
	s.fake(xproto.KeyRelease, byte(k.code))
	if k.shift {
		s.fake(xproto.KeyRelease, shift)
	}
	return nil
}

// key strikes the key of a character, '\n' and '\b' included.
func (s *stage) key(c rune) error {
	switch c {
	case '\n':
		return s.press(symReturn)
	case '\b':
		return s.press(symBackspace)
	}
	return s.press(xproto.Keysym(c)) // Latin-1 keysyms are the characters
}

func (s *stage) button(down bool) {
	if down {
		s.fake(xproto.ButtonPress, 1)
	} else {
		s.fake(xproto.ButtonRelease, 1)
	}
}

func (s *stage) fake(kind, detail byte) {
	xtest.FakeInput(s.x, kind, detail, 0, s.root, 0, 0, 0)
}

// warp moves the pointer.
func (s *stage) warp(p image.Point) {
	xtest.FakeInput(s.x, xproto.MotionNotify, 0, 0, s.root, int16(p.X), int16(p.Y), 0)
}
