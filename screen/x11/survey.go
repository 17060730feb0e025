package x11

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// NoWindow tells that a pattern means no window, or more than one.
type NoWindow struct {
	Pattern string
	Several bool
	Have    []Toplevel // those that match, else all that can be shared
}

func (e *NoWindow) Error() string {
	if e.Several {
		return fmt.Sprintf("several windows match %q", e.Pattern)
	}
	return fmt.Sprintf("no window matches %q", e.Pattern)
}

// Hint lists what could be meant.
func (e *NoWindow) Hint() string {
	if len(e.Have) == 0 {
		return "no program has a window on this display"
	}
	list := make([]string, 0, len(e.Have))
	for _, t := range e.Have[:min(len(e.Have), 12)] {
		list = append(list, t.String())
	}
	return "take one of these by its ID: " + strings.Join(list, "; ")
}

// pick finds the one window that a pattern means. A title or class that is
// matched exactly goes before parts of titles.
func pick(all []Toplevel, pattern string) (*Toplevel, error) {
	var have, some, exact []Toplevel
	for _, t := range all {
		if t.popup {
			continue
		}
		have = append(have, t)
		if t.Matches(pattern) {
			some = append(some, t)
			if t.Title == pattern || t.Class == pattern {
				exact = append(exact, t)
			}
		}
	}
	switch {
	case len(some) == 0:
		return nil, &NoWindow{Pattern: pattern, Have: have}
	case len(some) == 1:
		return &some[0], nil
	case len(exact) == 1:
		return &exact[0], nil
	}
	return nil, &NoWindow{Pattern: pattern, Several: true, Have: some}
}

// agree names the versions, and asks for the events that tell of windows.
func (s *Windows) agree() error {
	c := s.x.Conn
	if _, err := xfixes.QueryVersion(c, 4, 0).Reply(); err != nil {
		return err
	}
	if _, err := damage.QueryVersion(c, 1, 1).Reply(); err != nil {
		return err
	}
	if _, err := composite.QueryVersion(c, 0, 4).Reply(); err != nil {
		return err
	}
	if err := xfixes.SelectCursorInputChecked(c, s.x.root, xfixes.CursorNotifyMaskDisplayCursor).Check(); err != nil {
		return err
	}
	return xproto.ChangeWindowAttributesChecked(c, s.x.root, xproto.CwEventMask, []uint32{xproto.EventMaskSubstructureNotify}).Check()
}

// add begins to share a window.
func (s *Windows) add(t Toplevel, pattern string) error {
	for _, sh := range s.shares {
		if sh.main != nil && sh.main.win == t.win {
			return nil // it was named twice
		}
	}
	if len(s.shares) == screen.MaxPictures {
		return fmt.Errorf("%d windows can be shared at once", screen.MaxPictures)
	}
	for slices.ContainsFunc(s.shares, func(sh *share) bool { return sh.id == s.next }) {
		s.next++
	}
	sh := &share{id: s.next, pattern: pattern}
	if err := s.adopt(sh, t); err != nil {
		return err
	}
	s.shares = append(s.shares, sh)
	s.next++ // a number is used again as late as can be
	return nil
}

// adopt makes a window the one that a share shows.
func (s *Windows) adopt(sh *share, t Toplevel) error {
	m, err := s.watch(t)
	if err != nil {
		return err
	}
	sh.main, sh.class, sh.name = m, t.Class, cut(t.Title, screen.MaxName)
	if sh.diff == nil {
		sh.rect = t.Rect
		sh.resize(t.Rect.Size())
	}
	return nil
}

// watch makes a member of a window.
func (s *Windows) watch(t Toplevel) (*member, error) {
	m, err := newMember(s.x, t.win, t.outer)
	if err != nil {
		return nil, err
	}
	m.rect, m.popup, m.tip = t.Rect, t.popup, t.tip
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes[t.win] = sized{outer: t.outer} // the next event is news
	s.pending.stale[t.win] = true
	return m, nil
}

func (s *Windows) unwatch(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sizes, m.win)
	delete(s.pending.stale, m.win)
	delete(s.pending.drew, m.win)
}

// survey looks where everything is and what belongs to what, and tells the fence.
func (s *Windows) survey(now time.Time) error {
	s.pending.moved, s.surveyed = false, now
	all, err := s.x.toplevels(s.names)
	if err != nil {
		return err
	}
	changed := false
	for _, sh := range s.shares {
		s.settleMain(sh, all)
		if err := s.settleOthers(sh, all); err != nil {
			return err
		}
		changed = sh.fit(now) || changed
	}
	if changed {
		s.told = false
	}
	s.tellFence()
	return nil
}

// settleMain finds out what has become of the shared window.
func (s *Windows) settleMain(sh *share, all []Toplevel) {
	if sh.main != nil {
		if rect, _, err := s.x.stands(sh.main.win); err == nil {
			sh.main.rect = rect
			if t := byWindow(all, sh.main.win); t != nil {
				s.reframed(sh.main, t.outer)
			}
		} else {
			s.unwatch(sh.main)
			sh.main.close()
			sh.main, sh.all = nil, true
		}
	}
	if sh.main == nil {
		s.takeOver(sh, all)
	}
	card := "this window was closed"
	if sh.main != nil {
		card = s.refresh(sh, sh.main, "this window is minimised")
	}
	if card != sh.card {
		sh.card, sh.all = card, true
	}
}

// refresh takes a member's memory if it is another one, and returns words if it has none.
func (s *Windows) refresh(sh *share, m *member, none string) string {
	if s.pending.stale[m.win] {
		delete(s.pending.stale, m.win)
		sh.all = true
		switch err := m.take(s.a, s.opt.NoSHM, s.log); {
		case err == nil:
			s.pending.drew[m.win] = true
			s.mu.Lock()
			s.sizes[m.win] = sized{m.outer, uint16(m.frame.Rect.Dx()), uint16(m.frame.Rect.Dy()), uint16(m.border)}
			s.mu.Unlock()
		case !errors.Is(err, errNotShown):
			s.log.Debug("a window has no pixels", "err", err)
		}
	}
	if m.frame == nil {
		return none
	}
	return ""
}

func byWindow(all []Toplevel, w xproto.Window) *Toplevel {
	for i := range all {
		if all[i].win == w {
			return &all[i]
		}
	}
	return nil
}

func (s *Windows) reframed(m *member, outer xproto.Window) {
	m.outer = outer
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.sizes[m.win]
	is.outer = outer
	s.sizes[m.win] = is
}

// takeOver shows what came in the place of a window that was closed: only what
// was meant by the same words, is of the same class and leaves no choice.
func (s *Windows) takeOver(sh *share, all []Toplevel) {
	if _, isID := windowID(sh.pattern); isID {
		return
	}
	var found []Toplevel
	for _, t := range all {
		if _, taken := s.group.has(t.win); !t.popup && t.shown && !taken && t.transient == 0 && t.Class == sh.class && t.Matches(sh.pattern) {
			found = append(found, t)
		}
	}
	if len(found) == 1 {
		if err := s.adopt(sh, found[0]); err != nil {
			s.log.Debug("a window that came back is gone again", "err", err)
		}
	}
}

// settleOthers finds the menus and dialogs of a share.
func (s *Windows) settleOthers(sh *share, all []Toplevel) error {
	var wanted []Toplevel
	if sh.main != nil && sh.card == "" {
		for _, t := range all {
			if t.shown && s.belongs(&t, sh.main.win, all) {
				wanted = append(wanted, t)
			}
		}
	}
	sh.drop(func(m *member) bool {
		keep := slices.ContainsFunc(wanted, func(t Toplevel) bool { return t.win == m.win })
		if !keep {
			s.unwatch(m)
		}
		return keep
	})
	others := make([]*member, 0, len(wanted))
	for _, t := range wanted {
		m := sh.member(t.win)
		if m == nil {
			var err error
			if m, err = s.watch(t); err != nil {
				continue // it is gone again
			}
			sh.all = true
		}
		if m.rect != t.Rect {
			m.rect, sh.all = t.Rect, true
		}
		s.reframed(m, t.outer)
		s.refresh(sh, m, "")
		others = append(others, m)
	}
	if !slices.Equal(others, sh.others) {
		sh.others, sh.all = others, true
	}
	return nil
}

func (s *share) member(w xproto.Window) *member {
	for _, m := range s.others {
		if m.win == w {
			return m
		}
	}
	return nil
}

// transientsDeep bounds a chain of dialogs of dialogs, and of submenus.
const transientsDeep = 8

// belongs is the rule of membership: a dialog or a menu that says whose it is, or a
// menu that says nothing and came when the shared window was in use; of the same
// program's connection in any case. All else of that program stays out.
func (s *Windows) belongs(t *Toplevel, main xproto.Window, all []Toplevel) bool {
	if t.win == main || !s.x.sameClient(t.win, main) {
		return false
	}
	if t.transient == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return t.popup && s.menus[t.win] == main
	}
	for of, deep := t.transient, 0; of != 0 && deep < transientsDeep; deep++ {
		if of == main {
			return true
		}
		next := byWindow(all, of)
		if next == nil || !s.x.sameClient(of, main) {
			return false
		}
		of = next.transient
	}
	return false
}

// afterInput is how long after the remote hand acted a menu counts as its doing.
const afterInput = 500 * time.Millisecond

// judge decides at the moment when a window comes that no window manager cares
// for whether it is a menu of a shared one. Called by pump.
func (s *Windows) judge(w xproto.Window) {
	s.mu.Lock()
	mains := slices.Clone(s.mains)
	s.mu.Unlock()
	if !slices.ContainsFunc(mains, func(m xproto.Window) bool { return s.x.sameClient(m, w) }) {
		return
	}
	main := s.focused(mains)
	if at, on := s.group.last(); main == 0 && time.Since(at) < afterInput {
		main = s.group.main(on)
	}
	if main == 0 || !s.x.sameClient(main, w) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.menus[w] = main
}

// focused is which of some windows has the keyboard; 0: none.
func (s *Windows) focused(mains []xproto.Window) xproto.Window {
	f, err := xproto.GetInputFocus(s.x.Conn).Reply()
	if err != nil {
		return 0
	}
	for w, deep := f.Focus, 0; w > xproto.InputFocusPointerRoot && deep < treeDeep; deep++ {
		if slices.Contains(mains, w) {
			return w
		}
		t, err := xproto.QueryTree(s.x.Conn, w).Reply()
		if err != nil {
			return 0
		}
		w = t.Parent
	}
	return 0
}

// treeDeep bounds a way through windows in windows.
const treeDeep = 32

// tellFence hands out the list.
func (s *Windows) tellFence() {
	var pics []grouped
	var mains []xproto.Window
	for _, sh := range s.shares {
		g := grouped{id: sh.id, rect: sh.rect, wins: sh.wins()}
		for _, m := range sh.others {
			if m.popup {
				g.pops, g.menu = append(g.pops, m.win), g.menu || !m.tip
			}
		}
		pics = append(pics, g)
		if sh.main != nil {
			mains = append(mains, sh.main.win)
		}
	}
	s.group.set(pics)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mains = mains
}

// layout is one picture for each shared window, where it stands.
func (s *Windows) layout() *screen.Layout {
	l := &screen.Layout{}
	for _, sh := range s.shares {
		l.Pictures = append(l.Pictures, sh.picture())
	}
	return l
}

// Size is that of all pictures as they stand, in px.
func (s *Windows) Size() image.Point {
	var box image.Rectangle
	for _, sh := range s.shares {
		box = box.Union(sh.rect)
	}
	return box.Size()
}
