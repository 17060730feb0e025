package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"
	"time"

	"sightline/peer"
)

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       Request
		err        string
	}{
		{"status", `{"verb":"status"}`, Request{Verb: Status}, ""},
		{"kick", ` {"verb":"kick","seat":2} `, Request{Verb: Kick, Seat: 2}, ""},
		{"grant", `{"verb":"grant","seat":1,"grants":["view","control"]}`, Request{Verb: Grant, Seat: 1, Grants: []string{"view", "control"}}, ""},
		{"nothing", ``, Request{}, "EOF"},
		{"no JSON", `kick 2`, Request{}, "invalid character"},
		{"HTTP", "GET / HTTP/1.1", Request{}, "invalid character"},
		{"no verb", `{"seat":2}`, Request{}, "no such verb"},
		{"unknown verb", `{"verb":"shutdown"}`, Request{}, "no such verb"},
		{"unknown field", `{"verb":"kick","sead":2}`, Request{}, "unknown field"},
		{"two values", `{"verb":"stop"}{"verb":"stop"}`, Request{}, "more than one"},
		{"negative seat", `{"verb":"kick","seat":-1}`, Request{}, "no such seat"},
		{"huge seat", `{"verb":"kick","seat":99999999999}`, Request{}, "no such seat"},
		{"fraction", `{"verb":"kick","seat":1.5}`, Request{}, "cannot unmarshal"},
		{"unknown right", `{"verb":"grant","grants":["root\u001b[2J"]}`, Request{}, `"root\x1b[2J"`},
		{"rights for kick", `{"verb":"kick","grants":["view"]}`, Request{}, "takes no rights"},
		{"ask", `{"verb":"ask","grants":["clip-to-host"]}`, Request{Verb: Ask, Grants: []string{"clip-to-host"}}, ""},
		{"ask what", `{"verb":"ask"}`, Request{}, "names rights"},
		{"share", `{"verb":"share","window":"0x2d"}`, Request{Verb: Share, Window: "0x2d"}, ""},
		{"share what", `{"verb":"share"}`, Request{}, "name a window"},
		{"a window for kick", `{"verb":"kick","window":"x"}`, Request{}, "name a window"},
		{"a long window", `{"verb":"share","window":"` + strings.Repeat("x", 257) + `"}`, Request{}, "more than 256"},
		{"many rights", `{"verb":"grant","grants":[` + strings.Repeat(`"view",`, 16) + `"view"]}`, Request{}, "more than 16"},
		{"long", `{"verb":"status"}` + strings.Repeat(" ", maxRequest), Request{}, "more than 4096"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseRequest([]byte(c.line))
			if c.err == "" && err != nil || c.err != "" && (!errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error %v, want one with %q", err, c.err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzCtlRequest(f *testing.F) {
	for _, s := range []string{`{"verb":"status"}`, `{"verb":"grant","seat":1,"grants":["view","control"]}`, `{`, `null`, `[]`, "\x00", `{"verb":"kick","seat":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseRequest(line)
		if err != nil {
			if !errors.Is(err, ErrRequest) || !reflect.DeepEqual(r, Request{}) {
				t.Fatalf("%+v with %v", r, err)
			}
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		r2, err := ParseRequest(again)
		if len(r.Grants) == 0 { // null, [] and absence are one
			r.Grants, r2.Grants = nil, nil
		}
		if err != nil || !reflect.DeepEqual(r, r2) {
			t.Fatalf("%+v became %+v, %v", r, r2, err)
		}
	})
}

// fakeHost notes what it is told.
type fakeHost struct {
	peer.HostStatus
	told []string
	err  error
}

func (h *fakeHost) note(format string, args ...any) error {
	h.told = append(h.told, strings.TrimSpace(sprint(format, args...)))
	return h.err
}
func (h *fakeHost) Status() peer.HostStatus                 { return h.HostStatus }
func (h *fakeHost) Admit(s peer.SeatID, g peer.Grant) error { return h.note("admit %d %s", s, g) }
func (h *fakeHost) Refuse(s peer.SeatID) error              { return h.note("refuse %d", s) }
func (h *fakeHost) Kick(s peer.SeatID) error                { return h.note("kick %d", s) }
func (h *fakeHost) Grant(s peer.SeatID, g peer.Grant) error { return h.note("grant %d %s", s, g) }
func (h *fakeHost) Pass(s peer.SeatID) error                { return h.note("pass %d", s) }
func (h *fakeHost) ShareWindow(w peer.WindowID) error       { return h.note("share %#x", w) }
func (h *fakeHost) UnshareWindow(w peer.WindowID) error     { return h.note("unshare %#x", w) }
func (h *fakeHost) Windows() ([]peer.Window, error) {
	return []peer.Window{
		{ID: 0x1c, Title: "notes - Mousepad", Class: "Mousepad", Size: image.Pt(640, 480), Shared: true},
		{ID: 0x2d, Title: "mail\x1b", Class: "Mail", Size: image.Pt(800, 600)},
		{ID: 0x3e, Title: "notes of mail", Class: "XTerm", Size: image.Pt(80, 24)},
	}, h.err
}
func (h *fakeHost) Pause(on bool)                { h.note("pause %t", on) }
func (h *fakeHost) Stop()                        { h.note("stop") }
func (h *fakeHost) AnotherCode() (string, error) { return "", h.note("code") }
func (h *fakeHost) Renew()                       { h.note("renew") }

func TestForHost(t *testing.T) {
	view, keys := vocabulary["view"], vocabulary["keyboard"]
	asks := peer.SeatStatus{Seat: 2, Asking: true, Wants: view | vocabulary["control"]}
	sits := peer.SeatStatus{Seat: 1, Grants: view}
	types := peer.SeatStatus{Seat: 1, Grants: view | keys}
	wantsMore := peer.SeatStatus{Seat: 1, Grants: view, Asking: true, Wants: view | keys}
	for _, c := range []struct {
		name  string
		seats []peer.SeatStatus
		r     Request
		told  string
		code  int
		err   string
	}{
		{"status", nil, Request{Verb: Status}, "", 0, ""},
		{"pause", nil, Request{Verb: Pause}, "pause true", 0, ""},
		{"resume", nil, Request{Verb: Resume}, "pause false", 0, ""},
		{"stop", nil, Request{Verb: Stop}, "stop", 0, ""},
		{"pass control", []peer.SeatStatus{sits, asks}, Request{Verb: Pass, Seat: 1}, "pass 1", 0, ""},
		{"pass control to nobody", []peer.SeatStatus{sits}, Request{Verb: Pass, Seat: 7}, "", 9, "there is no viewer 7"},
		{"list windows", nil, Request{Verb: Windows}, "", 0, ""},
		{"share by class", nil, Request{Verb: Share, Window: "mail"}, "", 2, "several windows match"},
		{"share by ID", nil, Request{Verb: Share, Window: "0x2D"}, "share 0x2d", 0, ""},
		{"share by title", nil, Request{Verb: Share, Window: "of Mail"}, "share 0x3e", 0, ""},
		{"share nothing", nil, Request{Verb: Share, Window: "0x99"}, "", 9, "no window matches"},
		{"take away", nil, Request{Verb: Unshare, Window: "mousepad"}, "unshare 0x1c", 0, ""},
		{"renew", nil, Request{Verb: Renew}, "renew", 0, ""},
		{"code", []peer.SeatStatus{sits}, Request{Verb: Code}, "code", 0, ""},
		{"admit the only one", []peer.SeatStatus{sits, asks}, Request{Verb: Admit}, "admit 2 view pointer keyboard", 0, ""},
		{"admit to less", []peer.SeatStatus{asks}, Request{Verb: Admit, Seat: 2, Grants: []string{"view"}}, "admit 2 view", 0, ""},
		{"admit to more than was asked", []peer.SeatStatus{asks}, Request{Verb: Admit, Grants: []string{"view", "terminal"}}, "admit 2 view", 0, ""},
		{"admit nobody", []peer.SeatStatus{sits}, Request{Verb: Admit}, "", 9, "nobody asks"},
		{"admit who does not ask", []peer.SeatStatus{sits}, Request{Verb: Admit, Seat: 1}, "", 2, "asks for nothing"},
		{"admit one who is in and asks for more", []peer.SeatStatus{{Seat: 1, Grants: view, Wants: view | keys}}, Request{Verb: Admit, Seat: 1}, "admit 1 view keyboard", 0, ""},
		{"a wish is not taken for a knock", []peer.SeatStatus{{Seat: 1, Grants: view, Wants: view | keys}}, Request{Verb: Admit}, "", 9, "nobody asks"},
		{"admit while somebody types", []peer.SeatStatus{types, asks}, Request{Verb: Admit}, "", 14, "could have typed this"},
		{"refuse", []peer.SeatStatus{sits, asks}, Request{Verb: Refuse}, "refuse 2", 0, ""},
		{"refuse while somebody types", []peer.SeatStatus{types, asks}, Request{Verb: Refuse}, "refuse 2", 0, ""},
		{"kick the only one", []peer.SeatStatus{types}, Request{Verb: Kick}, "kick 1", 0, ""},
		{"kick which", []peer.SeatStatus{sits, asks}, Request{Verb: Kick}, "", 2, "2 viewers"},
		{"kick nobody", nil, Request{Verb: Kick}, "", 9, "no viewer"},
		{"kick a stranger", []peer.SeatStatus{sits}, Request{Verb: Kick, Seat: 7}, "", 9, "no viewer 7"},
		{"widen", []peer.SeatStatus{sits}, Request{Verb: Grant, Grants: []string{"view", "control"}}, "grant 1 view pointer keyboard", 0, ""},
		{"widen while somebody types", []peer.SeatStatus{types}, Request{Verb: Grant, Grants: []string{"view", "control"}}, "", 14, "could have typed this"},
		{"narrow while somebody types", []peer.SeatStatus{types}, Request{Verb: Grant, Grants: []string{"view"}}, "grant 1 view", 0, ""},
		{"take everything", []peer.SeatStatus{types}, Request{Verb: Grant}, "grant 1 nothing", 0, ""},
		{"grant before admission", []peer.SeatStatus{asks}, Request{Verb: Grant, Seat: 2, Grants: []string{"view"}}, "", 2, "not let in yet"},
		{"admit a wish for more", []peer.SeatStatus{wantsMore}, Request{Verb: Admit}, "admit 1 view keyboard", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &fakeHost{HostStatus: peer.HostStatus{Seats: c.seats}}
			got := ForHost(h)(t.Context(), c.r)
			if told := strings.Join(h.told, "; "); told != c.told {
				t.Errorf("the host was told %q, want %q", told, c.told)
			}
			if got.Code != c.code || got.OK != (c.code == 0) || !strings.Contains(got.Error, c.err) || got.OK == (got.Status == nil) {
				t.Errorf("answer %+v, want code %d, error %q", got, c.code, c.err)
			}
		})
	}
}

func TestForHostPassesErrors(t *testing.T) {
	h := &fakeHost{HostStatus: peer.HostStatus{Seats: []peer.SeatStatus{{Seat: 1}}}, err: peer.ErrExpired}
	if got := ForHost(h)(t.Context(), Request{Verb: Kick}); got.OK || got.Code != 9 || got.Error != peer.ErrExpired.Error() {
		t.Errorf("%+v", got)
	}
}

type fakeView struct {
	ended bool
	asked peer.Grant
}

func (v *fakeView) Status() peer.ViewStatus { return peer.ViewStatus{State: "connected"} }
func (v *fakeView) End()                    { v.ended = true }
func (v *fakeView) Ask(g peer.Grant) error  { v.asked = g; return nil }

func TestForView(t *testing.T) {
	v := &fakeView{}
	h := ForView(v)
	if r := h(t.Context(), Request{Verb: Kick}); r.OK || r.Code != 2 {
		t.Errorf("kick: %+v", r)
	}
	if r := h(t.Context(), Request{Verb: Status}); !r.OK || r.Status.View.State != "connected" || v.ended {
		t.Errorf("status: %+v", r)
	}
	if r := h(t.Context(), Request{Verb: Ask, Grants: []string{"clip-to-host", "control"}}); !r.OK || v.asked != vocabulary["clip-to-host"]|vocabulary["control"] {
		t.Errorf("ask: %+v, %v", r, v.asked)
	}
	if r := h(t.Context(), Request{Verb: Stop}); !r.OK || !v.ended {
		t.Errorf("stop: %+v", r)
	}
}

func TestFormatStatus(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	r := *ReportHost(peer.HostStatus{Name: "build-7", Sharing: "display :0 (1920x1080)", Number: "48291", Code: "48291-7304-4187",
		Expires: now.Add(90 * time.Second), Route: "LAN", Allow: vocabulary["view"], Paused: true,
		Seats: []peer.SeatStatus{
			{Seat: 1, Viewer: peer.Viewer{Name: "an\x1b[2Jna", Fingerprint: "ABCD"}, Refused: peer.Refusals{"covered": 2, "hot key": 17}, Grants: vocabulary["view"], Since: now.Add(-time.Minute), Stats: peer.Stats{FPS: 29.9},
				Path: peer.Path{Kind: 1, Transport: "tcp", RTT: 41 * time.Millisecond, Why: "UDP is blocked"}},
			{Seat: 2, Viewer: peer.Viewer{Name: "bob"}, Asking: true, Wants: vocabulary["control"], Until: now.Add(9 * time.Second)},
			{Seat: 3, Viewer: peer.Viewer{Name: "eve"}, Suspend: true, Until: now.Add(5 * time.Minute)},
		}})
	r.PID = 4711
	if err := FormatStatus(&b, r, now); err != nil {
		t.Fatal(err)
	}
	want := `host         process 4711
name         build-7
code         48291-7304-4187  valid for 1m30s, 0 wrong tries
route        LAN
sharing      display :0 (1920x1080)  (paused)
allowed      view
viewer 1     an[2Jna
             connected for 1m0s, may: view, 30 pictures a second
             fingerprint ABCD
             path relayed over tcp, 41.0 ms (UDP is blocked)
             input refused: hot key 17, covered 2
viewer 2     bob
             asks for pointer keyboard; refused by itself in 9s: ctl admit 2, ctl refuse 2
             fingerprint 
             path none
viewer 3     eve
             its path broke; it can come back for 5m0s
             fingerprint 
             path none
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// The roles have what ctl needs.
var (
	_ Host = (*peer.Host)(nil)
	_ View = (*peer.View)(nil)
)

func TestFormatWindows(t *testing.T) {
	var b bytes.Buffer
	h := &fakeHost{}
	r := ForHost(h)(t.Context(), Request{Verb: Share, Window: "0x2d"})
	if err := FormatWindows(&b, r.Windows); err != nil {
		t.Fatal(err)
	}
	want := "* 0x1c       Mousepad             640x480  notes - Mousepad\n" +
		"  0x2d       Mail                 800x600  mail\n" +
		"  0x3e       XTerm                  80x24  notes of mail\n"
	if b.String() != want {
		t.Errorf("\n%swant\n%s", b.String(), want)
	}
}
