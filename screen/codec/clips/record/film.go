package main

import (
	"bytes"
	"fmt"
	"image"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// calm is how many equal looks in a row, 10 ms and more apart, mean that a
// program has finished drawing.
const calm = 4

// look reads the whole screen.
func (s *stage) look() (*screen.Frame, error) {
	f := screen.NewFrame(image.Rectangle{Max: s.size})
	const strip = 128 // rows: xgb copies replies, smaller ones are kinder
	for y := 0; y < s.size.Y; y += strip {
		h := min(strip, s.size.Y-y)
		m, err := xproto.GetImage(s.x, xproto.ImageFormatZPixmap, xproto.Drawable(s.root), 0, int16(y), uint16(s.size.X), uint16(h), 0xffffff).Reply()
		if err != nil {
			return nil, fmt.Errorf("read the screen: %w", err)
		}
		copy(f.Pix[y*f.Stride:], m.Data)
	}
	for i := 3; i < len(f.Pix); i += 4 {
		f.Pix[i] = 0
	}
	return f, nil
}

// settle waits until the screen differs from old (nil: from nothing) and has
// come to rest. Film taken by the clock would differ from run to run.
func (s *stage) settle(old *screen.Frame) (*screen.Frame, error) {
	var last *screen.Frame
	same := 0
	err := s.until("any change", func() (bool, error) {
		f, err := s.look()
		if err != nil {
			return false, err
		}
		if last != nil && bytes.Equal(f.Pix, last.Pix) {
			same++
		} else {
			same = 0
		}
		last = f
		return same >= s.calm && (old == nil || !bytes.Equal(f.Pix, old.Pix)), nil
	})
	return last, err
}

// shoot films what an action changes, and then nothing for some frames.
func (s *stage) shoot(still int, action func() error) error {
	old, err := s.look()
	if err != nil {
		return err
	}
	if err := action(); err != nil {
		return err
	}
	f, err := s.settle(old)
	if err != nil {
		return err
	}
	return s.add(f, still)
}

// add writes a frame and the still ones after it.
func (s *stage) add(f *screen.Frame, still int) error {
	for range 1 + still {
		if err := s.clip.Add(f); err != nil {
			return err
		}
	}
	return nil
}
