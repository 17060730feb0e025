package tui

import (
	"fmt"
	"strings"
	"time"
)

// Ready is the first event of a relay ("ready").
type Ready struct {
	Join   string   // the string for hosts and viewers: addresses, key, token
	Listen []string // "0.0.0.0:4001 quic"
}

// Load is how busy a relay is ("load"). Counts only: whom it serves is not said.
type Load struct {
	Registrations int     // hosts that hold a number
	Circuits      int     // sessions that go through
	BytesPerSec   float64 // through all circuits
	Bytes         uint64  // through all circuits, since the start
	Refused       uint64  // requests refused, since the start
	Cut           uint64  // circuits that the relay ended: idle, too old, volume spent
	Month         uint64  // bytes in this month; told only if MonthLimit is set
	MonthLimit    uint64
	Peers         []PeerLoad    // who has circuits now, the busiest first
	Up            time.Duration // since the start
}

// PeerLoad is one of those who have circuits. It is named by a number that means
// nothing outside this run.
type PeerLoad struct {
	Peer        int     `json:"peer"`
	Role        string  `json:"role"` // host or viewer
	Circuits    int     `json:"circuits"`
	Bytes       uint64  `json:"bytes"` // since its first circuit of now
	BytesPerSec float64 `json:"bytes_per_s"`
	Age         int64   `json:"age_s"`
}

// maxPeers are told in one event; a relay has 64 circuits by default.
const maxPeers = 16

// Ready prints how to join the relay: the string alone on stdout, words on
// stderr.
func (p *Printer) Ready(r Ready) {
	p.mu.Lock()
	defer p.mu.Unlock()
	join, listen := strings.TrimSpace(r.Join), make([]string, len(r.Listen))
	for i, l := range r.Listen {
		listen[i] = clean(l)
	}
	if p.o.JSON {
		p.jsonLocked(begin("ready").add("join", join).add("listen", listen))
		return
	}
	p.wordsLocked("relay listens on " + strings.Join(listen, ", "))
	p.wordsLocked("on each host run:  sightline config relay add STRING  (viewers too; they can leave away the # and what follows, the key that lets hosts in):")
	p.writeLocked(p.o.Out, join+"\n")
}

// Load prints how busy the relay is.
func (p *Printer) Load(l Load) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.JSON {
		p.jsonLocked(begin("load").add("registrations", l.Registrations).add("circuits", l.Circuits).
			add("bytes_per_s", round(l.BytesPerSec)).add("bytes", l.Bytes).add("refused", l.Refused).
			add("cut", l.Cut).add("peers", l.busiest()).add("month_bytes", l.Month).add("month_limit", l.MonthLimit).
			add("up_s", int64(l.Up/time.Second)))
		return
	}
	p.wordsLocked(fmt.Sprintf("%s  %s, %s, %s/s, %s in all, %d refused", p.o.Now().Format(time.TimeOnly),
		count(l.Registrations, "host"), count(l.Circuits, "session"), amount(uint64(max(l.BytesPerSec, 0))), amount(l.Bytes), l.Refused))
}

// busiest are the first peers of the list, never nil.
func (l Load) busiest() []PeerLoad {
	all := []PeerLoad{}
	for _, p := range l.Peers[:min(len(l.Peers), maxPeers)] {
		p.BytesPerSec = round(p.BytesPerSec)
		all = append(all, p)
	}
	return all
}

// count prints "1 host", "3 hosts".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
