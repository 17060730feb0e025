//go:build linux

package testscripts

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The matrix of NAT types: which pairs of networks become direct, with the real
// binary, and how fast. `testscripts/natlab/matrix` plays all of it.
var (
	matrixCells = flag.String("matrix", "", "`CELLS` of the matrix: all, or TYPE_AxTYPE_B,… (default: a few that stand for the rest)")
	matrixTries = flag.Int("tries", 1, "how often each cell of the matrix is tried")
	matrixDelay = flag.String("delay", "20", "`MS` of each WAN wire, each way")
)

// A netType is what a type of the lab (natlab types) lets through.
type netType struct {
	udp, tcp reach
	v6       bool // both families: IPv6 has no NAT
}

// reach is who gets in at an address that a side uses for going out.
type reach int

const (
	blocked  reach = iota // nothing goes out
	changing              // another port for each destination, known ones get in
	known                 // one port, only addresses and ports it was used for get in
	anyPort               // one port, addresses it was used for get in
	anybody
)

var netTypes = map[string]netType{
	"open":      {udp: anybody, tcp: anybody},
	"fullcone":  {udp: anybody, tcp: anybody},
	"addrcone":  {udp: anyPort, tcp: anyPort},
	"cone":      {udp: known, tcp: known},
	"cgnat":     {udp: known, tcp: known},
	"sym":       {udp: changing, tcp: changing},
	"cgnatsym":  {udp: changing, tcp: changing},
	"noudp":     {udp: blocked, tcp: known},
	"symnoudp":  {udp: blocked, tcp: changing},
	"tcp443":    {},
	"tcp80443":  {},
	"sym+v6":    {udp: changing, tcp: changing, v6: true},
	"noudp+v6":  {udp: blocked, tcp: known, v6: true},
	"sym+upnp":  {udp: anybody, tcp: anybody},
	"cone+upnp": {udp: anybody, tcp: anybody},
}

// plainTypes are played against each other, both orders; extraCells besides.
var plainTypes = []string{"open", "fullcone", "addrcone", "cone", "cgnat", "sym", "cgnatsym", "noudp", "symnoudp", "tcp443", "tcp80443"}

var extraCells = []cell{
	{"cone", "samelan"}, {"sym", "samelan"}, {"noudp", "samelan"}, {"fullcone", "hairpin"},
	{"sym+v6", "sym+v6"}, {"sym+upnp", "sym"}, {"sym", "sym+upnp"}, {"cone+upnp", "symnoudp"},
}

// usualCells stand for the rest in every run of the tests.
var usualCells = []cell{
	{"open", "symnoudp"}, {"fullcone", "sym"}, {"sym", "addrcone"}, {"cone", "cgnat"}, {"cone", "sym"},
	{"cgnatsym", "cone"}, {"noudp", "cone"}, {"sym", "sym"}, {"cone", "samelan"}, {"tcp443", "cone"},
}

type cell struct{ a, b string }

func (c cell) String() string { return c.a + "x" + c.b }

// expected tells why the pair cannot be direct; "" if it can, over IPv4 or IPv6.
func (c cell) expected() string {
	a, b := netTypes[c.a], netTypes[c.b]
	switch {
	case c.b == "samelan", c.b == "hairpin", a.v6 && b.v6 && a.udp != blocked && b.udp != blocked:
		return ""
	case meetUDP(a.udp, b.udp) || meetTCP(a.tcp, b.tcp):
		return ""
	case a.tcp == blocked || b.tcp == blocked:
		return "one side gets out to web ports only, and the other does not listen on them"
	case a.udp == changing && b.udp == changing:
		return "both sides have another port for each destination"
	case a.udp == blocked || b.udp == blocked:
		return "no UDP, and TCP finds one side with another port for each destination and the other closed to it"
	}
	return "not known"
}

// meetUDP: one side with changing ports is found by trying many of them.
func meetUDP(a, b reach) bool {
	return a != blocked && b != blocked && (a != changing || b != changing)
}

// meetTCP: a changing port is not found, so the other side must let it in.
func meetTCP(a, b reach) bool {
	low := min(a, b)
	return low != blocked && (low != changing || max(a, b) >= anyPort)
}

// TestMatrix builds a lab for each cell and opens sessions in it. (T8, D16)
func TestMatrix(t *testing.T) {
	cells := chosenCells(t)
	results := &results{tries: map[cell][]try{}}
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				playCell(t, c, results)
			})
		}
	})
	t.Log("\n" + results.table(cells))
}

func chosenCells(t *testing.T) []cell {
	switch *matrixCells {
	case "":
		return usualCells
	case "all":
		all := slices.Clone(extraCells)
		for _, a := range plainTypes {
			for _, b := range plainTypes {
				all = append(all, cell{a, b})
			}
		}
		return all
	}
	var some []cell
	for word := range strings.SplitSeq(*matrixCells, ",") {
		a, b, ok := strings.Cut(word, "x")
		switch {
		case a == "all":
			for _, a := range plainTypes {
				some = append(some, cell{a, b})
			}
		case b == "all":
			for _, b := range plainTypes {
				some = append(some, cell{a, b})
			}
		case word == "extra":
			some = append(some, extraCells...)
		case !ok:
			t.Fatalf("%q is no cell", word)
		default:
			some = append(some, cell{a, b})
		}
	}
	return some
}

// try is one session of a cell.
type try struct {
	direct    bool
	transport string
	took      time.Duration // from ACCEPT to the direct path
	reason    string
}

type results struct {
	mu    sync.Mutex
	tries map[cell][]try
}

// playCell lets the lab of a cell stand for all its tries.
func playCell(t *testing.T, c cell, all *results) {
	l := newLab(t, c.a, c.b, "--delay", *matrixDelay)
	l.startRelay()
	why := c.expected()
	for range *matrixTries {
		got := l.try(c, why != "")
		all.mu.Lock()
		all.tries[c] = append(all.tries[c], got)
		all.mu.Unlock()
		if got.direct != (why == "") {
			t.Errorf("direct: %v over %s, reason %q; expected: %q", got.direct, got.transport, got.reason, why)
		}
	}
}

// try opens a session and waits until it is direct or says for good why not.
func (l *lab) try(c cell, relayed bool) try {
	l.Helper()
	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"}
	if strings.Contains(c.a+c.b, "+upnp") {
		env = append(env, "SIGHTLINE_NETWORK_MAP_PORTS=true")
	}
	host := l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern", "--allow", "view,control")
	defer host.leave()
	code := l.await(host, "code").text("code")
	viewer := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
	defer viewer.leave()
	joined := l.await(viewer, "joined")
	want := "kind~direct|lan"
	if relayed {
		want = "reason~NAT|UDP|TCP"
	}
	e := l.awaitFor(30*time.Second, viewer, "path", want)
	return try{
		direct: e.text("kind") != "relayed", transport: e.text("kind") + " " + e.text("transport"),
		took: e.at().Sub(joined.at()), reason: e.text("reason"),
	}
}

// leave ends an actor as a person does, so that the relay has its place back.
func (a *actor) leave() {
	a.cmd.Process.Signal(os.Interrupt)
	a.exit(5 * time.Second)
	a.kill()
}

// at is when the event was.
func (e event) at() time.Time {
	at, _ := time.Parse(time.RFC3339, e.text("time"))
	return at
}

// table prints expected beside seen.
func (r *results) table(cells []cell) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %-9s %-9s %-14s %8s %8s  %s\n", "host x viewer", "expected", "direct", "over", "median", "slowest", "why not")
	var medians []time.Duration
	for _, c := range cells {
		tries := r.tries[c]
		expected, reason := "direct", c.expected()
		if reason != "" {
			expected = "relayed"
		}
		over, seen := map[string]int{}, map[string]bool{}
		var took []time.Duration
		for _, x := range tries {
			if x.direct {
				took = append(took, x.took)
				over[x.transport]++
			} else {
				seen[x.reason] = true
			}
		}
		slices.Sort(took)
		median, slowest := "-", "-"
		if len(took) > 0 {
			median, slowest = ms(took[len(took)/2]), ms(took[len(took)-1])
			medians = append(medians, took[len(took)/2])
		}
		fmt.Fprintf(&b, "%-22s %-9s %d of %-4d %-14s %8s %8s  %s\n", c.a+" x "+c.b, expected, len(took), len(tries),
			strings.Join(slices.Sorted(maps.Keys(over)), ", "), median, slowest, reason)
		for _, words := range slices.Sorted(maps.Keys(seen)) {
			fmt.Fprintf(&b, "%-22s said: %s\n", "", words)
		}
	}
	slices.Sort(medians)
	if len(medians) > 0 {
		fmt.Fprintf(&b, "ACCEPT to direct: median of the cells' medians %s, slowest of them %s\n", ms(medians[len(medians)/2]), ms(medians[len(medians)-1]))
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
