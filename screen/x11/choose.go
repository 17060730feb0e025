package x11

import (
	"fmt"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// A Windows is a screen.Chooser.

// Choices lists the windows that can be shared, the one on top first.
func (s *Windows) Choices() ([]screen.Choice, error) {
	all, err := s.x.toplevels(s.names)
	if err != nil {
		return nil, err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	list := []screen.Choice{}
	for _, t := range slices.Backward(all) {
		if !t.popup && (t.shown || t.Class != "") && t.transient == 0 {
			list = append(list, screen.Choice{ID: t.ID, Title: t.Title, Class: t.Class, Size: t.Rect.Size(), Shared: s.sharing(t.win) >= 0})
		}
	}
	return list, nil
}

// sharing is which of the shares shows a window; -1: none.
func (s *Windows) sharing(w xproto.Window) int {
	return slices.IndexFunc(s.shares, func(sh *share) bool { return sh.main != nil && sh.main.win == w })
}

// Share adds a window. The fence lets hands into it from then on.
func (s *Windows) Share(id screen.WindowID) error {
	all, err := s.x.toplevels(s.names)
	if err != nil {
		return err
	}
	t, err := pick(all, fmt.Sprintf("%#x", uint64(id)))
	if err != nil {
		return err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.add(*t, fmt.Sprintf("%#x", uint64(id))); err != nil {
		return err
	}
	return s.rearranged()
}

// Unshare takes a window away: its pixels are read no more, and the fence keeps
// hands out of it, before this returns.
func (s *Windows) Unshare(id screen.WindowID) (screen.PictureID, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	n := s.sharing(xproto.Window(id))
	if n < 0 {
		return 0, fmt.Errorf("window %#x is not shared", uint64(id))
	}
	sh := s.shares[n]
	s.shares = slices.Delete(s.shares, n, n+1)
	for _, m := range sh.members() {
		s.unwatch(m)
		m.close()
	}
	return sh.id, s.rearranged()
}

// rearranged tells the fence and, by the next change, everybody else.
func (s *Windows) rearranged() error {
	err := s.survey(time.Now())
	s.told = false
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return err
}
