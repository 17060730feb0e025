package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"sightline/peer"
)

// fakeHost is a role that does what it is told and notes it.
type fakeHost struct {
	peer.HostStatus
	told []string
	err  error
}

func (h *fakeHost) note(format string, args ...any) error {
	h.told = append(h.told, fmt.Sprintf(format, args...))
	return h.err
}
func (h *fakeHost) Status() peer.HostStatus                 { return h.HostStatus }
func (h *fakeHost) Admit(s peer.SeatID, g peer.Grant) error { return h.note("admit %d %s", s, g) }
func (h *fakeHost) Refuse(s peer.SeatID) error              { return h.note("refuse %d", s) }
func (h *fakeHost) Kick(s peer.SeatID) error                { return h.note("kick %d", s) }
func (h *fakeHost) Grant(s peer.SeatID, g peer.Grant) error { return h.note("grant %d %s", s, g) }
func (h *fakeHost) Pass(s peer.SeatID) error                { return h.note("pass %d", s) }
func (h *fakeHost) Pause(on bool)                           { h.Paused = on; h.note("pause %t", on) }
func (h *fakeHost) Stop()                                   { h.note("stop") }

type renewingHost struct{ *fakeHost }

func (h renewingHost) Renew()                       { h.note("renew") }
func (h renewingHost) AnotherCode() (string, error) { return "", h.note("code") }

var (
	control = viewRight | controlRights
	bob     = peer.Viewer{Name: "bob@vpn", ID: "12D3KooWBob", Fingerprint: "2345 EFGH IJKL MNOP QRST UVWX YZ23 ABCD"}
	sitting = peer.SeatStatus{Seat: 1, Viewer: anna, Grants: viewRight, Since: noon.Add(-221 * time.Second), Path: near,
		Stats: peer.Stats{Seat: 1, FPS: 29.7, RTT: 12 * time.Millisecond}}
	steering = peer.SeatStatus{Seat: 3, Viewer: peer.Viewer{Name: "carol", Fingerprint: "7777 EFGH IJKL MNOP QRST UVWX YZ23 ABCD"},
		Grants: control, Acts: true, Since: noon.Add(-time.Minute), Path: far}
	wishing  = peer.SeatStatus{Seat: 5, Viewer: peer.Viewer{Name: "erin"}, Grants: control, AsksControl: true, Since: noon.Add(-time.Minute), Path: far}
	knocking = peer.SeatStatus{Seat: 2, Viewer: bob, Asking: true, Wants: control, Until: noon.Add(time.Minute), Path: far}
	knock    = peer.Asks{Seat: 2, Viewer: bob, Wants: control, Path: far, Until: noon.Add(time.Minute)}
)

func open() peer.HostStatus {
	return peer.HostStatus{Name: "build-7", Sharing: "display :0 (1920x1080)", Number: "48291", Code: "48291-7304-4187",
		Expires: noon.Add(14*time.Minute + 32*time.Second), Route: "relay relay.example.org:4001, LAN", Allow: viewRight, Failed: 1}
}

func busy(seats ...peer.SeatStatus) peer.HostStatus {
	s := open()
	s.Code, s.Expires, s.Seats = "", time.Time{}, seats
	return s
}

func hostAt(s peer.HostStatus) (*hostPage, *fakeHost, *clockwork) {
	h, c := &fakeHost{HostStatus: s}, &clockwork{noon}
	m := newHostPage(HostOptions{Out: io.Discard, Controls: h, Now: c.now, Fingerprint: "HHHH EFGH IJKL MNOP QRST UVWX YZ23 4567"})
	m.wake = noTick
	run(m, m.Init())
	return m, h, c
}

func TestHostGolden(t *testing.T) {
	t.Run("code", func(t *testing.T) {
		m, _, _ := hostAt(open())
		send(m, eventMsg{peer.Relay{Name: "relay.example.org:4001", Up: true}})
		send(m, eventMsg{peer.Code{Number: "48291", Code: "48291-7304-4187", Expires: noon.Add(15 * time.Minute)}})
		send(m, eventMsg{peer.Waiting{For: "a viewer"}})
		golden(t, "host-code", m.View())
	})
	t.Run("asks", func(t *testing.T) {
		m, _, c := hostAt(busy(sitting, knocking))
		send(m, eventMsg{knock})
		c.at = noon.Add(2 * time.Second)
		send(m, tickMsg{})
		golden(t, "host-asks", m.View())
		c.at = noon.Add(6 * time.Second)
		send(m, tickMsg{})
		golden(t, "host-asks-later", m.View())
	})
	t.Run("viewers", func(t *testing.T) {
		away := peer.SeatStatus{Seat: 5, Viewer: peer.Viewer{Name: "dave with a very long name indeed"}, Suspend: true, Until: noon.Add(5 * time.Minute)}
		s := busy(sitting, steering, away)
		s.Paused = true
		m, _, c := hostAt(s)
		send(m, eventMsg{peer.Joined{Seat: 1, Viewer: anna, Grants: viewRight}})
		send(m, eventMsg{peer.Stats{Seat: 1, BytesOut: 1e6}})
		c.at = noon.Add(time.Second)
		send(m, eventMsg{peer.Stats{Seat: 1, BytesOut: 3.1e6}})
		press(m, "down")
		golden(t, "host-viewers", m.View())
	})
}

// Whatever the size, the page fills the terminal and no more, and the question
// is the last thing to go.
func TestHostSizes(t *testing.T) {
	for _, size := range []struct{ w, h int }{{80, 24}, {200, 60}, {80, 20}, {60, 15}, {40, 10}, {20, 3}} {
		m, _, _ := hostAt(busy(sitting, steering, knocking))
		m.w, m.h = size.w, size.h
		whole(t, m.View(), size.w, size.h)
		send(m, eventMsg{knock})
		whole(t, m.View(), size.w, size.h)
		if size.w >= 80 && size.h >= 20 {
			for _, must := range []string{"[y] yes: view + control", fraudWarning2, bob.Fingerprint} {
				if !strings.Contains(m.View(), must) {
					t.Errorf("%dx%d lacks %q", size.w, size.h, must)
				}
			}
		}
	}
	m := newHostPage(HostOptions{Out: io.Discard, Controls: &fakeHost{}})
	m.w, m.h = 0, 0
	_ = m.View() // before the terminal told its size
}

func TestHostKeys(t *testing.T) {
	type step struct {
		after time.Duration
		key   string
	}
	wish := peer.Asks{Seat: 1, Viewer: anna, Wants: control, Path: near, Until: noon.Add(time.Minute)}
	for _, c := range []struct {
		name   string
		seats  []peer.SeatStatus
		ev     peer.Event
		keys   []step
		told   string
		notice string
		quit   bool
	}{
		{"yes after the wait", []peer.SeatStatus{knocking}, knock, []step{{5 * time.Second, "y"}}, "admit 2 view pointer keyboard", "", false},
		{"view only", []peer.SeatStatus{knocking}, knock, []step{{5 * time.Second, "v"}}, "admit 2 view", "", false},
		{"yes too early", []peer.SeatStatus{knocking}, knock, []step{{1 * time.Second, "y"}}, "", "yes can be chosen in 4 s", false},
		{"view too early", []peer.SeatStatus{knocking}, knock, []step{{1 * time.Second, "v"}}, "", "yes can be chosen in 4 s", false},
		{"no at once", []peer.SeatStatus{knocking}, knock, []step{{0, "n"}}, "refuse 2", "", false},
		{"Enter is no", []peer.SeatStatus{knocking}, knock, []step{{9 * time.Second, "enter"}}, "refuse 2", "", false},
		{"one answer", []peer.SeatStatus{knocking}, knock, []step{{5 * time.Second, "y"}, {0, "y"}}, "admit 2 view pointer keyboard", "nobody asks", false},
		{"too late", []peer.SeatStatus{knocking}, knock, []step{{61 * time.Second, ""}, {0, "y"}}, "", "nobody asks", false},
		{"nobody asks", nil, nil, []step{{0, "y"}}, "", "y: nobody asks", false},
		{"other letters", []peer.SeatStatus{knocking}, knock, []step{{9 * time.Second, "Y"}, {0, "z"}, {0, "space"}}, "", "", false},
		{"asked for view alone", []peer.SeatStatus{knocking}, peer.Asks{Seat: 2, Viewer: bob, Wants: viewRight, Until: noon.Add(time.Minute)},
			[]step{{5 * time.Second, "y"}}, "admit 2 view", "", false},
		{"a viewer asks for more", []peer.SeatStatus{sitting}, wish, []step{{5 * time.Second, "y"}}, "admit 1 view pointer keyboard", "", false},
		{"a viewer gets no more", []peer.SeatStatus{sitting}, wish, []step{{0, "n"}}, "refuse 1", "", false},
		{"view for one who views", []peer.SeatStatus{sitting}, wish, []step{{5 * time.Second, "v"}}, "", "views already", false},
		{"kick", []peer.SeatStatus{sitting, steering}, nil, []step{{0, "k"}}, "kick 1", "", false},
		{"kick the second", []peer.SeatStatus{sitting, knocking, steering}, nil, []step{{0, "down"}, {0, "k"}}, "kick 3", "", false},
		{"round the end", []peer.SeatStatus{sitting, steering}, nil, []step{{0, "down"}, {0, "down"}, {0, "k"}}, "kick 1", "", false},
		{"up from the first", []peer.SeatStatus{sitting, steering}, nil, []step{{0, "up"}, {0, "k"}}, "kick 3", "", false},
		{"kick nobody", []peer.SeatStatus{knocking}, nil, []step{{0, "k"}}, "", "k: there is no viewer", false},
		{"pass control", []peer.SeatStatus{steering, wishing}, nil, []step{{0, "down"}, {0, "t"}}, "pass 5", "", false},
		{"pass control to who has it", []peer.SeatStatus{steering, wishing}, nil, []step{{0, "t"}}, "", "this viewer has control", false},
		{"pass control without the right", []peer.SeatStatus{sitting}, nil, []step{{0, "t"}}, "", "no right to control", false},
		{"pass control to nobody", nil, nil, []step{{0, "t"}}, "", "there is no viewer", false},
		{"Esc Esc", []peer.SeatStatus{sitting, steering}, nil, []step{{0, "esc"}, {300 * time.Millisecond, "esc"}}, "grant 3 view", "", false},
		{"Esc Esc in one read", []peer.SeatStatus{sitting, steering}, nil, []step{{0, "alt+esc"}}, "grant 3 view", "", false},
		{"Esc once", []peer.SeatStatus{steering}, nil, []step{{0, "esc"}}, "", "Esc once more", false},
		{"slow Esc Esc", []peer.SeatStatus{steering}, nil, []step{{0, "esc"}, {2 * time.Second, "esc"}}, "", "Esc once more", false},
		{"Esc without control", []peer.SeatStatus{sitting}, nil, []step{{0, "esc"}, {0, "esc"}}, "", "no viewer controls", false},
		{"Esc Esc during a question", []peer.SeatStatus{steering, knocking}, knock, []step{{0, "alt+esc"}}, "grant 3 view", "", false},
		{"pause and go on", nil, nil, []step{{0, "p"}, {0, "p"}}, "pause true; pause false", "", false},
		{"no new code", nil, nil, []step{{0, "x"}}, "", "cannot change its code", false},
		{"end", nil, nil, []step{{0, "q"}}, "stop", "", false},
		{"end now", nil, nil, []step{{0, "q"}, {0, "q"}}, "stop", "", true},
		{"Ctrl+C", nil, nil, []step{{0, "ctrl+c"}}, "stop", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, h, clock := hostAt(busy(c.seats...))
			if c.ev != nil {
				send(m, eventMsg{c.ev})
			}
			quit := false
			for _, s := range c.keys {
				clock.at = clock.at.Add(s.after)
				if s.key == "" {
					send(m, tickMsg{})
					continue
				}
				quit = press(m, s.key) || quit
			}
			if told := strings.Join(h.told, "; "); told != c.told {
				t.Errorf("the host was told %q, want %q", told, c.told)
			}
			if !strings.Contains(m.notice, c.notice) || c.notice == "" && m.notice != "" {
				t.Errorf("notice %q, want %q", m.notice, c.notice)
			}
			if quit != c.quit {
				t.Errorf("quit: %t", quit)
			}
		})
	}
}

// The keys that are shown are those that work.
func TestHostKeyLine(t *testing.T) {
	m, _, clock := hostAt(busy(knocking))
	send(m, eventMsg{knock})
	if got, want := keyLine(hostKeys, m), "n no   p pause   q end"; got != want {
		t.Errorf("in the first seconds: %q, want %q", got, want)
	}
	clock.at = noon.Add(5 * time.Second)
	send(m, tickMsg{})
	if got, want := keyLine(hostKeys, m), "n no   v view only   y yes, as asked   p pause   q end"; got != want {
		t.Errorf("then: %q, want %q", got, want)
	}
}

// A second question is on the screen for its own five seconds.
func TestHostTwoQuestions(t *testing.T) {
	third := knocking
	third.Seat = 4
	m, h, clock := hostAt(busy(knocking, third))
	send(m, eventMsg{knock})
	second := knock
	second.Seat = 4
	send(m, eventMsg{second})
	if !strings.Contains(m.View(), "(1 of 2)") {
		t.Error("the page does not say that two ask")
	}
	clock.at = noon.Add(6 * time.Second)
	press(m, "y")
	press(m, "y")
	clock.at = noon.Add(12 * time.Second)
	press(m, "y")
	if got := strings.Join(h.told, "; "); got != "admit 2 view pointer keyboard; admit 4 view pointer keyboard" || len(m.asks) != 0 {
		t.Errorf("told %q", got)
	}
}

// What is pasted or comes in one burst answers nothing.
func TestHostBurst(t *testing.T) {
	m, h, clock := hostAt(busy(knocking))
	send(m, eventMsg{knock})
	clock.at = noon.Add(9 * time.Second)
	send(m, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y"), Paste: true})
	press(m, "yyy")
	if len(h.told) > 0 || len(m.asks) != 1 {
		t.Errorf("told %v", h.told)
	}
}

// A question goes when the viewer does.
func TestHostQuestionGoes(t *testing.T) {
	for name, ev := range map[string]peer.Event{
		"left": peer.Left{Seat: 2}, "denied": peer.Denied{Seat: 2}, "joined": peer.Joined{Seat: 2, Viewer: bob}, "kicked": peer.Kicked{Seat: 2},
	} {
		m, _, _ := hostAt(busy(knocking))
		send(m, eventMsg{knock})
		if send(m, eventMsg{ev}); len(m.asks) != 0 {
			t.Errorf("%s: the question stays", name)
		}
	}
	m, h, clock := hostAt(busy(knocking))
	send(m, eventMsg{knock})
	h.Seats = nil
	clock.at = noon.Add(9 * time.Second)
	if send(m, tickMsg{}); len(m.asks) != 0 {
		t.Error("the seat is gone and its question stays")
	}
}

// A wish that ctl granted is no question any more.
func TestHostWishGranted(t *testing.T) {
	m, _, _ := hostAt(busy(sitting))
	send(m, eventMsg{peer.Asks{Seat: 1, Viewer: anna, Wants: control, Until: noon.Add(time.Minute)}})
	send(m, eventMsg{peer.Granted{Seat: 1, Grants: viewRight | right("pointer")}})
	if len(m.asks) != 1 {
		t.Error("half an answer removed the question")
	}
	send(m, eventMsg{peer.Granted{Seat: 1, Grants: control}})
	if len(m.asks) != 0 {
		t.Error("the question stays")
	}
}

// Who has said no word yet is no viewer; who lost all rights still is one.
func TestHostInside(t *testing.T) {
	m, _, _ := hostAt(busy(peer.SeatStatus{Seat: 1}, peer.SeatStatus{Seat: 2, Viewer: bob}, knocking))
	if in := m.inside(); len(in) != 1 || in[0].Viewer.Name != bob.Name {
		t.Errorf("inside: %+v", in)
	}
}

// A snapshot that is older than the question must not remove it.
func TestHostOldSnapshot(t *testing.T) {
	m, _, _ := hostAt(open())
	m.reading = true // a snapshot is being taken while the event comes
	m.Update(eventMsg{knock})
	m.Update(hostStatusMsg{open()})
	if len(m.asks) != 1 {
		t.Error("the question vanished")
	}
}

func TestHostRenew(t *testing.T) {
	h, c := &fakeHost{HostStatus: open()}, &clockwork{noon}
	m := newHostPage(HostOptions{Out: io.Discard, Controls: renewingHost{h}, Now: c.now})
	m.wake = noTick
	run(m, m.Init())
	press(m, "x")
	if fmt.Sprint(h.told) != "[renew]" || !strings.Contains(keyLine(hostKeys, m), "x new code") {
		t.Errorf("told %v", h.told)
	}
}

func TestHostShowsErrors(t *testing.T) {
	m, h, _ := hostAt(busy(sitting))
	h.err = errors.New("the seat\x1b[2J is empty")
	press(m, "k")
	if !strings.Contains(m.View(), "the seat[2J is empty") {
		t.Errorf("the error is not shown:\n%s", m.View())
	}
}

func TestHostEnds(t *testing.T) {
	m, _, _ := hostAt(open())
	if !send(m, eventMsg{peer.Ended{Reason: "told to stop"}}) {
		t.Error("stays after the end")
	}
	if !send(m, overMsg{}) {
		t.Error("stays when the events are over")
	}
	// Nothing moves, so nothing ticks.
	idle, _, _ := hostAt(peer.HostStatus{Name: "build-7"})
	if idle.ticking {
		t.Error("an idle page ticks")
	}
	if !m.ticking {
		t.Error("a code that expires is counted down")
	}
}

// The whole program, on a pipe in place of a terminal.
func TestRunHost(t *testing.T) {
	events := make(chan peer.Event, 1)
	h := &fakeHost{HostStatus: open()}
	r, w := io.Pipe()
	defer w.Close()
	var out bytes.Buffer
	events <- peer.Waiting{For: "a viewer"}
	close(events)
	if err := RunHost(t.Context(), HostOptions{In: r, Out: &out, Events: events, Controls: h}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[?1049h") || !strings.Contains(out.String(), "\x1b[?1049l") {
		t.Error("the alternate screen was not entered and left")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("signal"))
	if err := RunHost(ctx, HostOptions{In: r, Out: &out, Events: make(chan peer.Event), Controls: h}); err != nil {
		t.Errorf("after the end of ctx: %v", err)
	}
	if err := RunHost(t.Context(), HostOptions{}); err == nil {
		t.Error("runs without Controls")
	}
}

// TestFurtherCodeKey: c shows a further code while somebody is inside, and says
// why it does nothing before.
func TestFurtherCodeKey(t *testing.T) {
	for _, c := range []struct {
		name  string
		state peer.HostStatus
		told  string
		says  string
	}{
		{"nobody inside", open(), "[]", "x replaces it"},
		{"inside", busy(sitting), "[code]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, clock := &fakeHost{HostStatus: c.state}, &clockwork{noon}
			m := newHostPage(HostOptions{Out: io.Discard, Controls: renewingHost{h}, Now: clock.now})
			m.wake = noTick
			run(m, m.Init())
			press(m, "c")
			if fmt.Sprint(h.told) != c.told || !strings.Contains(m.notice, c.says) {
				t.Errorf("told %v, says %q", h.told, m.notice)
			}
		})
	}
}

// windowHost shares single windows.
type windowHost struct{ *fakeHost }

func (h windowHost) Windows() ([]peer.Window, error) {
	return []peer.Window{
		{ID: 0x1c, Title: "notes\x1b[2J - Mousepad", Class: "Mousepad", Size: image.Pt(640, 480), Shared: true},
		{ID: 0x2d, Title: "mail", Class: "Mail", Size: image.Pt(800, 600)},
	}, h.err
}
func (h windowHost) ShareWindow(w peer.WindowID) error   { return h.note("share %#x", w) }
func (h windowHost) UnshareWindow(w peer.WindowID) error { return h.note("unshare %#x", w) }
func (h windowHost) HoldInput(on bool)                   { h.note("hold %t", on) }

// Windows are chosen from a list; no viewer's hand acts meanwhile, and a question
// closes it.
func TestHostWindows(t *testing.T) {
	for _, c := range []struct{ name, keys, told string }{
		{"look", "w w", "hold true; hold false"},
		{"share", "w down enter esc", "hold true; share 0x2d; hold false"},
		{"take away", "w enter w", "hold true; unshare 0x1c; hold false"},
		{"no other key works", "w k p x y w", "hold true; hold false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := busy(sitting)
			s.Picks = true
			h := &fakeHost{HostStatus: s}
			m := newHostPage(HostOptions{Out: io.Discard, Controls: windowHost{h}, Now: (&clockwork{noon}).now})
			m.wake = func() tea.Cmd { return nil }
			m.Update(hostStatusMsg{s})
			for _, k := range strings.Fields(c.keys) {
				press(m, k)
			}
			if told := strings.Join(h.told, "; "); told != c.told {
				t.Errorf("told %q, want %q", told, c.told)
			}
			if m.picker.open {
				t.Error("the list is open")
			}
		})
	}
	s := busy(sitting)
	s.Picks = true
	h := &fakeHost{HostStatus: s}
	m := newHostPage(HostOptions{Out: io.Discard, Controls: windowHost{h}, Now: (&clockwork{noon}).now})
	m.wake = func() tea.Cmd { return nil }
	m.Update(hostStatusMsg{s})
	press(m, "w")
	golden(t, "host-windows", m.View())
	send(m, eventMsg{knock})
	if m.picker.open || strings.Join(h.told, "; ") != "hold true; hold false" {
		t.Errorf("a question came: open %t, told %v", m.picker.open, h.told)
	}
	m = newHostPage(HostOptions{Out: io.Discard, Controls: windowHost{&fakeHost{HostStatus: s}}, Now: (&clockwork{noon}).now, Pick: true})
	m.wake = noTick
	run(m, m.Init())
	if !m.picker.open {
		t.Error("--pick does not begin with the list")
	}
	whole, _, _ := hostAt(open())
	press(whole, "w")
	if !strings.Contains(whole.notice, "cannot share single windows") {
		t.Errorf("notice %q", whole.notice)
	}
}
