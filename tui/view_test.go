package tui

import (
	"io"
	"strings"
	"testing"
	"time"

	"sightline/peer"
)

type fakeView struct {
	peer.ViewStatus
	told []string
}

func (v *fakeView) Status() peer.ViewStatus { return v.ViewStatus }
func (v *fakeView) AskControl()             { v.told = append(v.told, "ask") }
func (v *fakeView) AskClipboard()           { v.told = append(v.told, "ask clipboard") }
func (v *fakeView) PassControl()            { v.told = append(v.told, "pass") }
func (v *fakeView) CtrlAltDel()             { v.told = append(v.told, "c-a-del") }
func (v *fakeView) End()                    { v.told = append(v.told, "end") }

func watching() peer.ViewStatus {
	s := peer.ViewStatus{Host: peer.Viewer{Name: "build-7", Fingerprint: anna.Fingerprint}, State: "connected", Since: noon.Add(-221 * time.Second),
		Path: far, Grants: viewRight, Wants: control, Picture: "1920x1080", Window: "native",
		Stats: peer.Stats{FPS: 29.2, BytesIn: 5e6, RTT: 44 * time.Millisecond, Refined: true}}
	for i := range 60 {
		lag := 30 * time.Millisecond
		if i%13 == 0 {
			lag = 120 * time.Millisecond
		}
		s.Lags = append(s.Lags, lag)
	}
	return s
}

func viewAt(s peer.ViewStatus) (*viewPage, *fakeView, *clockwork) {
	v, c := &fakeView{ViewStatus: s}, &clockwork{noon}
	m := newViewPage(ViewOptions{Out: io.Discard, Controls: v, Now: c.now, Fingerprint: bob.Fingerprint})
	m.wake = noTick
	run(m, m.Init())
	return m, v, c
}

func TestViewGolden(t *testing.T) {
	t.Run("connected", func(t *testing.T) {
		s := watching()
		s.Viewers = []peer.Watching{{Seat: 1, Name: "carol", Grants: control, Acts: true}, {Seat: 2, Name: "dave", Away: true}, {Seat: 3, Name: "me", You: true}}
		m, _, c := viewAt(s)
		send(m, eventMsg{peer.Joined{Viewer: m.status.Host, Grants: viewRight}})
		send(m, eventMsg{peer.PathChanged{Path: far}})
		send(m, eventMsg{peer.Stats{BytesIn: 4e6}})
		c.at = noon.Add(time.Second)
		send(m, eventMsg{peer.Stats{BytesIn: 5.8e6}})
		press(m, "r")
		golden(t, "view-connected", m.View())
	})
	t.Run("asking", func(t *testing.T) {
		m, _, _ := viewAt(peer.ViewStatus{Host: peer.Viewer{Name: "build-7", Fingerprint: anna.Fingerprint}, State: "asking", Since: noon.Add(-9 * time.Second)})
		send(m, eventMsg{peer.Waiting{For: "the person at the host"}})
		golden(t, "view-asking", m.View())
	})
	t.Run("dimmed", func(t *testing.T) {
		s := watching()
		s.State, s.Dimmed, s.Path, s.Lags = "reconnecting", noon.Add(-4*time.Second), peer.Path{}, nil
		m, _, _ := viewAt(s)
		golden(t, "view-dimmed", m.View())
	})
}

func TestViewSizes(t *testing.T) {
	for _, size := range []struct{ w, h int }{{80, 24}, {200, 60}, {40, 12}, {20, 3}} {
		m, _, _ := viewAt(watching())
		m.w, m.h = size.w, size.h
		whole(t, m.View(), size.w, size.h)
	}
}

func TestViewKeys(t *testing.T) {
	waiting, steering := peer.ViewStatus{State: "asking"}, watching()
	steering.Grants = control
	me := peer.Watching{Seat: 1, You: true, Grants: control, Acts: true}
	other := peer.Watching{Seat: 2, Name: "bob", Grants: control}
	acting, looking, lined := steering, steering, steering
	acting.Viewers = []peer.Watching{me, other}
	me.Acts, other.Acts = false, true
	looking.Viewers = []peer.Watching{me, other}
	me.Asks = true
	lined.Viewers = []peer.Watching{me, other}
	for _, c := range []struct {
		name, keys string
		s          peer.ViewStatus
		told       string
		notice     string
		quit       bool
	}{
		{"ask for control", "r", watching(), "ask", "", false},
		{"ask twice", "r r", watching(), "ask", "asked already", false},
		{"has control", "r", steering, "", "you have control", false},
		{"ask too early", "r", waiting, "", "not connected yet", false},
		{"ask for what another has", "r r", looking, "ask", "asked already", false},
		{"ask for what one has", "r", acting, "", "you have control", false},
		{"stands in line", "r", lined, "", "asked already, the viewer who has control", false},
		{"ask for the clipboard", "c", watching(), "ask clipboard", "", false},
		{"ask for the clipboard twice", "c c", watching(), "ask clipboard", "asked already", false},
		{"give away", "g", acting, "pass", "", false},
		{"give away what another has", "g", looking, "", "you have not got control", false},
		{"give to nobody", "g", steering, "", "you have not got control", false},
		{"Ctrl+Alt+Del", "x", steering, "c-a-del", "", false},
		{"Ctrl+Alt+Del without keyboard", "x", watching(), "", "has not given you the keyboard", false},
		{"end", "q", watching(), "end", "", false},
		{"end now", "q ctrl+c", waiting, "end", "", true},
		{"others", "y n k", watching(), "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, v, _ := viewAt(c.s)
			quit := false
			for _, k := range strings.Fields(c.keys) {
				quit = press(m, k) || quit
			}
			if told := strings.Join(v.told, "; "); told != c.told || quit != c.quit {
				t.Errorf("told %q, quit %t", told, quit)
			}
			if !strings.Contains(m.notice, c.notice) || c.notice == "" && m.notice != "" {
				t.Errorf("notice %q, want %q", m.notice, c.notice)
			}
		})
	}
}

// An answer, yes or no, lets the viewer ask again.
func TestViewAsksAgain(t *testing.T) {
	m, v, _ := viewAt(watching())
	press(m, "r")
	send(m, eventMsg{peer.Denied{Reason: "not now"}})
	press(m, "r")
	if len(v.told) != 2 {
		t.Errorf("told %v", v.told)
	}
}

// What the host did not do is counted on the page, and is no answer to a question.
func TestViewShowsRefusals(t *testing.T) {
	s := watching()
	s.Refused = peer.Refusals{"covered": 2, "hot key": 17}
	m, v, _ := viewAt(s)
	if page := m.View(); !strings.Contains(page, "hot key 17, covered 2") {
		t.Errorf("the page is\n%s", page)
	}
	press(m, "r")
	send(m, eventMsg{peer.Denied{Reason: "covered", Count: 3}})
	press(m, "r")
	if len(v.told) != 1 {
		t.Errorf("told %v", v.told)
	}
}

func TestViewEnds(t *testing.T) {
	m, _, _ := viewAt(watching())
	if !send(m, eventMsg{peer.Ended{Err: peer.ErrKicked}}) || !send(m, overMsg{}) {
		t.Error("stays after the end")
	}
}
