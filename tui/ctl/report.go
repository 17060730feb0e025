package ctl

import (
	"fmt"
	"time"

	"sightline/peer"
)

// Report is the state of a role: one of Host, View and Relay is set. Its JSON is
// what `ctl status --json` prints; field names never change their meaning.
type Report struct {
	Role  string       `json:"role"`
	PID   int          `json:"pid"` // set by Serve
	Host  *HostReport  `json:"host,omitempty"`
	View  *ViewReport  `json:"view,omitempty"`
	Relay *RelayReport `json:"relay,omitempty"`
}

// HostReport is peer.HostStatus in words. It holds the code: who may ask is the
// user who started the host, perhaps in a terminal that is gone (--detach).
type HostReport struct {
	Name    string         `json:"name"`
	Sharing string         `json:"sharing"`
	Number  string         `json:"number,omitempty"`
	Code    string         `json:"code,omitempty"`
	Expires *time.Time     `json:"expires,omitempty"`
	Route   string         `json:"route"`
	Allow   []string       `json:"allow"`
	Failed  int            `json:"failed"` // wrong tries on the open code
	Paused  bool           `json:"paused"`
	Control string         `json:"control"` // who acts: one viewer at a time, or all
	Viewers []ViewerReport `json:"viewers"`
}

// ViewerReport is one viewer of a host.
type ViewerReport struct {
	Seat        int        `json:"seat"`
	Viewer      string     `json:"viewer"`
	ID          string     `json:"id"`
	Fingerprint string     `json:"fingerprint"`
	State       string     `json:"state"` // asks, connected or away (the path broke, it may come back)
	Until       *time.Time `json:"until,omitempty"`
	Wants       []string   `json:"wants"`
	Grants      []string   `json:"grants"`
	Acts        bool       `json:"controls"`
	AsksControl bool       `json:"asks_control"` // which another viewer has
	Since       time.Time  `json:"since"`
	Path        PathReport `json:"path"`
	Stats       Traffic    `json:"stats"`

	Refused map[string]int `json:"refused,omitempty"` // input, by reason
}

// ViewReport is peer.ViewStatus in words.
type ViewReport struct {
	Host        string     `json:"host"`
	ID          string     `json:"id"`
	Fingerprint string     `json:"fingerprint"`
	State       string     `json:"state"`
	Since       time.Time  `json:"since"`
	Grants      []string   `json:"grants"`
	Viewers     []Watcher  `json:"viewers"` // of the host, this one among them
	Picture     string     `json:"picture"`
	Window      string     `json:"window"`
	Dimmed      *time.Time `json:"dimmed,omitempty"` // no picture since
	Path        PathReport `json:"path"`
	Stats       Traffic    `json:"stats"`

	Refused map[string]int `json:"refused,omitempty"` // input, by reason
}

// Watcher has the words of the "roster" event.
type Watcher struct {
	Seat   int      `json:"seat"`
	Viewer string   `json:"viewer"`
	Grants []string `json:"grants"`
	You    bool     `json:"you"`
	Away   bool     `json:"away"`
	Acts   bool     `json:"controls"`
	Asks   bool     `json:"asks"`
	Colour string   `json:"colour"` // of its pointer, #rrggbb
}

// RelayReport is the state of a relay, in counts.
type RelayReport struct {
	Join          string      `json:"join"`
	Listen        []string    `json:"listen"`
	Registrations int         `json:"registrations"`
	Circuits      int         `json:"circuits"`
	Bytes         uint64      `json:"bytes"`
	Refused       uint64      `json:"refused"`
	Cut           uint64      `json:"cut"`         // circuits ended by the relay: idle, too old, volume spent
	Month         uint64      `json:"month_bytes"` // carried in this month, counted only under a limit
	MonthLimit    uint64      `json:"month_limit"` // 0: none
	Peers         []RelayPeer `json:"peers"`
}

// RelayPeer is one of those who have circuits now, named by a number that means
// nothing outside this run of the relay.
type RelayPeer struct {
	Peer     int       `json:"peer"`
	Role     string    `json:"role"` // host or viewer
	Circuits int       `json:"circuits"`
	Bytes    uint64    `json:"bytes"` // both ways
	Since    time.Time `json:"since"`
}

// PathReport has the words of the "path" event.
type PathReport struct {
	Kind      string  `json:"kind"` // lan, direct, relayed or none
	Transport string  `json:"transport,omitempty"`
	RTT       float64 `json:"rtt_ms"`
	Reason    string  `json:"reason,omitempty"`
}

// Traffic has the words of the "stats" event.
type Traffic struct {
	FPS      float64 `json:"fps"`
	BytesOut uint64  `json:"bytes_out"`
	BytesIn  uint64  `json:"bytes_in"`
	RTT      float64 `json:"rtt_ms"`
	Frame    float64 `json:"frame_ms"`
	Refined  bool    `json:"refined"`
}

// ReportHost puts a host's state into words.
func ReportHost(s peer.HostStatus) *Report {
	h := &HostReport{Name: s.Name, Sharing: s.Sharing, Number: s.Number, Code: s.Code, Expires: moment(s.Expires), Route: s.Route,
		Allow: s.Allow.Words(), Failed: s.Failed, Paused: s.Paused, Viewers: []ViewerReport{}}
	for _, v := range s.Seats {
		h.Viewers = append(h.Viewers, reportSeat(v))
	}
	return &Report{Role: "host", Host: h}
}

func reportSeat(s peer.SeatStatus) ViewerReport {
	state := "connected"
	switch {
	case s.Asking:
		state = "asks"
	case s.Suspend:
		state = "away"
	}
	return ViewerReport{Seat: int(s.Seat), Viewer: s.Viewer.Name, ID: s.Viewer.ID, Fingerprint: s.Viewer.Fingerprint,
		State: state, Until: moment(s.Until), Wants: s.Wants.Words(), Grants: s.Grants.Words(), Since: s.Since,
		Acts: s.Acts, AsksControl: s.AsksControl, Path: reportPath(s.Path), Stats: traffic(s.Stats), Refused: s.Refused}
}

// ReportView puts a viewer's state into words.
func ReportView(s peer.ViewStatus) *Report {
	watchers := []Watcher{}
	for _, w := range s.Viewers {
		watchers = append(watchers, Watcher{Seat: int(w.Seat), Viewer: w.Name, Grants: w.Grants.Words(), You: w.You, Away: w.Away, Acts: w.Acts, Asks: w.Asks, Colour: fmt.Sprintf("#%06x", w.Colour.RGB())})
	}
	return &Report{Role: "view", View: &ViewReport{Viewers: watchers, Host: s.Host.Name, ID: s.Host.ID, Fingerprint: s.Host.Fingerprint,
		State: s.State, Since: s.Since, Grants: s.Grants.Words(), Picture: s.Picture, Window: s.Window,
		Dimmed: moment(s.Dimmed), Path: reportPath(s.Path), Stats: traffic(s.Stats), Refused: s.Refused}}
}

func reportPath(p peer.Path) PathReport {
	return PathReport{Kind: p.Kind.String(), Transport: p.Transport, RTT: millis(p.RTT), Reason: p.Why}
}

func traffic(s peer.Stats) Traffic {
	return Traffic{FPS: s.FPS, BytesOut: s.BytesOut, BytesIn: s.BytesIn, RTT: millis(s.RTT), Frame: millis(s.Frame), Refined: s.Refined}
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// moment leaves out a time that is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
