package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"sightline/peer"
)

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// object is one JSON event: fields in the order in which they are printed. Field
// names are part of the contract (UX.md, "JSON events"): they never change their
// meaning, new ones may come.
type object struct {
	event  string
	fields []field
}

type field struct {
	name  string
	value any
}

// add appends a field.
func (o *object) add(name string, value any) *object {
	o.fields = append(o.fields, field{name, value})
	return o
}

// text appends a cleaned string unless it is empty.
func (o *object) text(name, value string) *object {
	if value = clean(value); value != "" {
		o.add(name, value)
	}
	return o
}

// seat names the seat on the host's side; a viewer has none.
func (o *object) seat(s peer.SeatID) *object {
	if s != 0 {
		o.add("seat", int(s))
	}
	return o
}

// person appends the other side under its role: "viewer" or "host".
func (o *object) person(role string, v peer.Viewer) *object {
	other := "viewer"
	if role == RoleView {
		other = "host"
	}
	return o.add(other, clean(v.Name)).text("id", v.ID).text("fingerprint", v.Fingerprint)
}

// path appends kind, transport, rtt_ms, reason, and all of it in words.
func (o *object) path(p peer.Path) *object {
	kind, transport := pathWords(p)
	o.text("kind", kind).text("transport", transport)
	if p.RTT > 0 {
		o.add("rtt_ms", inMillis(p.RTT))
	}
	o.text("reason", p.Why)
	if kind == "" {
		return o
	}
	return o.add("route", route(p))
}

// eventObject is what a script gets to know of an event.
func eventObject(ev peer.Event, role string) *object {
	switch ev := ev.(type) {
	case peer.Code:
		return begin("code").add("number", clean(ev.Number)).add("code", clean(ev.Code)).add("expires", stamp(ev.Expires)).text("sharing", ev.Sharing)
	case peer.Waiting:
		return begin("waiting").text("for", ev.For)
	case peer.Asks:
		return begin("asks").seat(ev.Seat).person(role, ev.Viewer).add("wants", ev.Wants.Words()).path(ev.Path).add("until", stamp(ev.Until))
	case peer.Joined:
		return begin("joined").seat(ev.Seat).person(role, ev.Viewer).add("grants", ev.Grants.Words()).add("resumed", ev.Resumed)
	case peer.PathChanged:
		return begin("path").seat(ev.Seat).path(ev.Path)
	case peer.Stats:
		return begin("stats").seat(ev.Seat).add("fps", round(ev.FPS)).add("bytes_out", ev.BytesOut).add("bytes_in", ev.BytesIn).
			add("rtt_ms", inMillis(ev.RTT)).add("frame_ms", inMillis(ev.Frame)).add("refined", ev.Refined)
	case peer.Granted:
		return begin("granted").seat(ev.Seat).add("grants", ev.Grants.Words())
	case peer.Roster:
		return begin("roster").add("viewers", watchers(ev.Viewers))
	case peer.Sharing:
		return begin("sharing").add("sharing", clean(ev.What))
	case peer.Control:
		return begin("control").add("seat", int(ev.Holder)).add("asks", seats(ev.Asks))
	case peer.Denied:
		o := begin("denied").seat(ev.Seat).add("reason", clean(ev.Reason))
		if ev.Count > 0 {
			o.add("count", ev.Count)
		}
		return o
	case peer.Left:
		return begin("left").seat(ev.Seat).add("reason", clean(ev.Reason))
	case peer.Kicked:
		return begin("kicked").seat(ev.Seat).add("reason", clean(ev.Reason))
	case peer.Relay:
		return begin("relay").add("name", clean(ev.Name)).add("up", ev.Up).text("reason", ev.Why)
	case peer.Failed:
		return failure("error", Explain(ev.Err))
	case peer.Ended:
		return ending(ev)
	}
	// A new event of package peer must not vanish from scripts without a word.
	return begin("unknown").add("type", fmt.Sprintf("%T", ev))
}

// watcher is one element of the roster event.
type watcher struct {
	Seat   int      `json:"seat"`
	Viewer string   `json:"viewer"`
	Grants []string `json:"grants"`
	You    bool     `json:"you"`
	Away   bool     `json:"away"`
	Acts   bool     `json:"controls"`
	Asks   bool     `json:"asks"`
	Colour string   `json:"colour"`
}

func seats(ids []peer.SeatID) []int {
	list := []int{}
	for _, id := range ids {
		list = append(list, int(id))
	}
	return list
}

func watchers(list []peer.Watching) []watcher {
	out := []watcher{}
	for _, w := range list {
		out = append(out, watcher{int(w.Seat), clean(w.Name), w.Grants.Words(), w.You, w.Away, w.Acts, w.Asks, hex(w.Colour)})
	}
	return out
}

func begin(event string) *object { return &object{event: event} }

// failure has an error's sentence as reason, its hint and its exit code.
func failure(event string, e Explanation) *object {
	return begin(event).add("reason", e.Sentence).text("hint", e.Hint).add("exit", e.Code)
}

// ending tells why the role is over and the code that it exits with.
func ending(ev peer.Ended) *object {
	if ev.Err != nil {
		return failure("end", Explain(ev.Err))
	}
	return begin("end").add("reason", clean(ev.Reason)).add("exit", 0)
}

// jsonLocked writes the object as one line.
func (p *Printer) jsonLocked(o *object) {
	var b bytes.Buffer
	b.WriteByte('{')
	put(&b, "time", stamp(p.o.Now()))
	b.WriteByte(',')
	put(&b, "event", o.event)
	for _, f := range o.fields {
		b.WriteByte(',')
		put(&b, f.name, f.value)
	}
	b.WriteString("}\n")
	p.writeLocked(p.o.Out, b.String())
}

// put writes "name":value. Values are strings, numbers, booleans and lists of
// strings or of flat structs, which always marshal. < and > stay as they are: no web page reads this.
func put(b *bytes.Buffer, name string, value any) {
	fmt.Fprintf(b, "%q:", name)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		panic(fmt.Sprintf("tui: field %s: %v", name, err)) // a broken promise of this file: eventObject chose the type
	}
	b.Truncate(b.Len() - 1) // Encode ends every value with a line feed
}

func stamp(t time.Time) string { return t.Format(timeFormat) }

// inMillis keeps a hundredth of a millisecond, which is what a person can
// measure and a script wants to compare.
func inMillis(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

func round(v float64) float64 {
	if !(v > -1e12 && v < 1e12) { // NaN and infinity are no JSON
		return 0
	}
	return float64(int64(v*100+0.5)) / 100
}
