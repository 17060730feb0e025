package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"sightline/peer"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 7e6, time.UTC)
	anna = peer.Viewer{Name: "anna@laptop", ID: "12D3KooWAnna", Fingerprint: "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567"}
	far  = peer.Path{Kind: 1, Transport: "tcp", RTT: 41500 * time.Microsecond, Why: "UDP is blocked"}
	near = peer.Path{Kind: 3, Transport: "quic", RTT: 1200 * time.Microsecond}
)

func printed(o PrinterOptions, events ...peer.Event) (out, words string) {
	var b, e bytes.Buffer
	o.Out, o.Err, o.Now = &b, &e, func() time.Time { return noon }
	p := NewPrinter(o)
	for _, ev := range events {
		p.Event(ev)
	}
	return b.String(), e.String()
}

func TestPlainHost(t *testing.T) {
	out, words := printed(PrinterOptions{},
		peer.Relay{Name: "relay.example.org:4001", Up: true},
		peer.Code{Number: "48291", Code: "48291-7304-4187", Admits: 3, Expires: noon.Add(15 * time.Minute), Sharing: "display :0\x1b (1920x1080)"},
		peer.Waiting{For: "a viewer"},
		peer.Asks{Seat: 1, Viewer: anna, Wants: viewRight | controlRights, Path: far, Until: noon.Add(time.Minute)},
		peer.Joined{Seat: 1, Viewer: anna, Grants: viewRight},
		peer.Stats{Seat: 1, FPS: 30},
		peer.PathChanged{Seat: 1, Path: near},
		peer.Granted{Seat: 1, Grants: viewRight | controlRights},
		peer.Control{Holder: 1},
		peer.Control{Holder: 1, Asks: []peer.SeatID{2}},
		peer.Control{Holder: 1},
		peer.Control{},
		peer.Denied{Seat: 1, Reason: "no clipboard"},
		peer.Denied{Seat: 1, Reason: "covered", Count: 1},
		peer.Denied{Seat: 1, Reason: "covered", Count: 2},
		peer.Denied{Seat: 1, Reason: "covered", Count: 3}, // not yet twice as often
		peer.Denied{Seat: 1, Reason: "paused", Count: 3},
		peer.Kicked{Seat: 1, Reason: "by key"},
		peer.Left{Seat: 1},
		peer.Left{Seat: 2},
		peer.Failed{Err: errors.New("SHM refused")},
		peer.Ended{Reason: "told to stop"})
	if want := "48291-7304-4187\n"; out != want {
		t.Errorf("stdout is %q, want %q", out, want)
	}
	want := `relay relay.example.org:4001 reached
on the other computer run:  sightline view 48291-7304-4187
valid for 15 min, 3 viewers
sharing display :0 (1920x1080)
waiting for a viewer
anna@laptop asks for view + control, relayed tcp 42 ms: UDP is blocked
anna@laptop joined, may: view
anna@laptop is connected lan quic 1.2 ms
anna@laptop may now: view pointer keyboard
anna@laptop has control
viewer 2 asks for the control that anna@laptop has
control is free
denied to anna@laptop: no clipboard
input of anna@laptop refused once: covered (another window is in front there)
input of anna@laptop refused 2 times: covered (another window is in front there)
input of anna@laptop refused 3 times: paused
anna@laptop was kicked: by key
anna@laptop left
viewer 2 left
SHM refused
ended: told to stop
`
	if words != want {
		t.Errorf("stderr is\n%s\nwant\n%s", words, want)
	}
}

func TestPlainViewer(t *testing.T) {
	host := peer.Viewer{Name: "build-7\x1b[31m"}
	out, words := printed(PrinterOptions{Role: RoleView},
		peer.Waiting{For: "the person at the host"},
		peer.Joined{Viewer: host, Grants: viewRight},
		peer.PathChanged{Path: far},
		peer.Granted{Grants: viewRight | controlRights},
		peer.Denied{Reason: "not now"},
		peer.Joined{Viewer: host, Grants: viewRight, Resumed: true},
		peer.Ended{Err: peer.ErrKicked})
	want := `waiting for the person at the host
connected to build-7[31m, rights: view
connected relayed tcp 42 ms: UDP is blocked
your rights are now: view pointer keyboard
the host denied it: not now
connected to build-7[31m again, rights: view
ended: the host ended your session
`
	if out != "" || words != want {
		t.Errorf("stdout %q, stderr\n%s\nwant\n%s", out, words, want)
	}
}

func TestJSONLines(t *testing.T) {
	const head = `{"time":"2026-11-22T12:00:00.007Z","event":`
	person := `"anna@laptop","id":"12D3KooWAnna","fingerprint":"ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567"`
	for _, c := range []struct {
		name, role string
		ev         peer.Event
		want       string
	}{
		{"code", "", peer.Code{Number: "48291", Code: "48291-7304-4187", Expires: noon.Add(15 * time.Minute)},
			`"code","number":"48291","code":"48291-7304-4187","expires":"2026-11-22T12:15:00.007Z"}`},
		{"code of a display", "", peer.Code{Number: "48291", Code: "48291-7304-4187", Expires: noon.Add(15 * time.Minute), Sharing: "display :0 (1920x1080)"},
			`"code","number":"48291","code":"48291-7304-4187","expires":"2026-11-22T12:15:00.007Z","sharing":"display :0 (1920x1080)"}`},
		{"waiting", "", peer.Waiting{For: "a viewer"}, `"waiting","for":"a viewer"}`},
		{"asks", "", peer.Asks{Seat: 1, Viewer: anna, Wants: viewRight | controlRights, Path: far, Until: noon.Add(time.Minute)},
			`"asks","seat":1,"viewer":` + person + `,"wants":["view","pointer","keyboard"],"kind":"relayed","transport":"tcp","rtt_ms":41.5,"reason":"UDP is blocked","route":"relayed tcp 42 ms: UDP is blocked","until":"2026-11-22T12:01:00.007Z"}`},
		{"joined at the host", "", peer.Joined{Seat: 1, Viewer: anna, Grants: viewRight},
			`"joined","seat":1,"viewer":` + person + `,"grants":["view"],"resumed":false}`},
		{"joined at the viewer", RoleView, peer.Joined{Viewer: anna, Grants: 0, Resumed: true},
			`"joined","host":` + person + `,"grants":[],"resumed":true}`},
		{"path", "", peer.PathChanged{Seat: 1, Path: near}, `"path","seat":1,"kind":"lan","transport":"quic","rtt_ms":1.2,"route":"lan quic 1.2 ms"}`},
		{"stats", RoleView, peer.Stats{FPS: 29.97, BytesOut: 1 << 40, BytesIn: 3, RTT: 12 * time.Millisecond, Frame: 2345 * time.Microsecond, Refined: true},
			`"stats","fps":29.97,"bytes_out":1099511627776,"bytes_in":3,"rtt_ms":12,"frame_ms":2.35,"refined":true}`},
		{"stats without a number", "", peer.Stats{Seat: 2, FPS: math.Inf(1)},
			`"stats","seat":2,"fps":0,"bytes_out":0,"bytes_in":0,"rtt_ms":0,"frame_ms":0,"refined":false}`},
		{"roster", RoleView, peer.Roster{Viewers: []peer.Watching{{Seat: 1, Name: "an\x1bna", Grants: viewRight}, {Seat: 2, Name: "bob", Colour: 1, You: true, Away: true, Acts: true}}},
			`"roster","viewers":[{"seat":1,"viewer":"anna","grants":["view"],"you":false,"away":false,"controls":false,"asks":false,"colour":"#ff8c1a"},` +
				`{"seat":2,"viewer":"bob","grants":[],"you":true,"away":true,"controls":true,"asks":false,"colour":"#3aa0ff"}]}`},
		{"control", "", peer.Control{Holder: 2, Asks: []peer.SeatID{3}}, `"control","seat":2,"asks":[3]}`},
		{"sharing", "", peer.Sharing{What: "windows of display :0"}, `"sharing","sharing":"windows of display :0"}`},
		{"control is free", "", peer.Control{}, `"control","seat":0,"asks":[]}`},
		{"granted", "", peer.Granted{Seat: 1, Grants: viewRight}, `"granted","seat":1,"grants":["view"]}`},
		{"refused input", RoleHost, peer.Denied{Seat: 2, Reason: "hot key", Count: 3}, `"denied","seat":2,"reason":"hot key","count":3}`},
		{"denied", RoleView, peer.Denied{Reason: "a <b> & \"c\""}, `"denied","reason":"a <b> & \"c\""}`},
		{"left", "", peer.Left{Seat: 1, Reason: "closed"}, `"left","seat":1,"reason":"closed"}`},
		{"kicked", "", peer.Kicked{Seat: 1, Reason: "by key"}, `"kicked","seat":1,"reason":"by key"}`},
		{"relay", "", peer.Relay{Name: "r:4001", Why: "timed out"}, `"relay","name":"r:4001","up":false,"reason":"timed out"}`},
		{"error", "", peer.Failed{Err: errors.New("SHM refused")}, `"error","reason":"SHM refused","exit":1}`},
		{"end", "", peer.Ended{Reason: "told to stop"}, `"end","reason":"told to stop","exit":0}`},
		{"end with an error", RoleView, peer.Ended{Err: peer.ErrKicked},
			`"end","reason":"the host ended your session","hint":"the old code is burnt; ask the host for a new one","exit":10}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, words := printed(PrinterOptions{JSON: true, Role: c.role}, c.ev)
			if want := head + c.want + "\n"; out != want {
				t.Errorf("got  %swant %s", out, want)
			}
			if !json.Valid([]byte(out)) {
				t.Error("that is no JSON")
			}
			if words != "" {
				t.Errorf("words on stderr under --json: %q", words)
			}
		})
	}
}

func TestRelayLines(t *testing.T) {
	ready := Ready{Join: "sightline-relay:abc", Listen: []string{"0.0.0.0:4001 quic", "0.0.0.0:443 wss"}}
	load := Load{Registrations: 1, Circuits: 2, BytesPerSec: 1.25e6, Bytes: 18e6, Refused: 3, Up: time.Hour, Cut: 1, Month: 5e9, MonthLimit: 9e9,
		Peers: []PeerLoad{{Peer: 4, Role: "host", Circuits: 2, Bytes: 18e6, BytesPerSec: 1.25e6, Age: 90}}}
	for _, c := range []struct {
		json       bool
		out, words string
	}{
		{false, "sightline-relay:abc\n", "relay listens on 0.0.0.0:4001 quic, 0.0.0.0:443 wss\n" +
			"on each host run:  sightline config relay add STRING  (viewers too; they can leave away the # and what follows, the key that lets hosts in):\n" +
			"12:00:00  1 host, 2 sessions, 1.2 MB/s, 18 MB in all, 3 refused\n"},
		{true, `{"time":"2026-11-22T12:00:00.007Z","event":"ready","join":"sightline-relay:abc","listen":["0.0.0.0:4001 quic","0.0.0.0:443 wss"]}
{"time":"2026-11-22T12:00:00.007Z","event":"load","registrations":1,"circuits":2,"bytes_per_s":1250000,"bytes":18000000,"refused":3,"cut":1,"peers":[{"peer":4,"role":"host","circuits":2,"bytes":18000000,"bytes_per_s":1250000,"age_s":90}],"month_bytes":5000000000,"month_limit":9000000000,"up_s":3600}
`, ""},
	} {
		var out, words bytes.Buffer
		p := NewPrinter(PrinterOptions{JSON: c.json, Role: RoleRelay, Out: &out, Err: &words, Now: func() time.Time { return noon }})
		p.Ready(ready)
		p.Load(load)
		if out.String() != c.out || words.String() != c.words {
			t.Errorf("json %t: stdout\n%s\nstderr\n%s", c.json, out.String(), words.String())
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestPrinterKeepsFirstError(t *testing.T) {
	p := NewPrinter(PrinterOptions{JSON: true, Out: brokenPipe{}})
	p.Event(peer.Waiting{})
	if p.Err() == nil || !strings.Contains(p.Err().Error(), "broken pipe") {
		t.Errorf("Err is %v", p.Err())
	}
}
