//go:build linux

package testscripts

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMatrix builds a lab for each cell and opens sessions in it. (T8, D16)
func TestMatrix(t *testing.T) {
	cells := chosenCells(t)
	all := &results{tries: map[cell][]try{}}
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				playCell(t, c, all)
			})
		}
	})
	t.Log("\n" + all.table(cells))
}

// try is one session of a cell.
type try struct {
	err       error // it could not be played
	direct    bool
	transport string
	exact     time.Duration // from the code to the first exact frame
	took      time.Duration // from ACCEPT to the direct path
	reason    string
}

// asExpected: direct if that can be, else relayed for the reason that is the case.
func (x try) asExpected(c cell) bool {
	if x.err != nil || x.direct != (c.expected() == "") {
		return false
	}
	return x.direct || strings.Contains(x.reason, c.words())
}

// playCell lets the lab of a cell stand for all its tries.
func playCell(t *testing.T, c cell, all *results) {
	a, portA, _ := strings.Cut(c.a, "@")
	b, portB, _ := strings.Cut(c.b, "@")
	l := newLab(t, a, b, "--delay", *matrixDelay)
	l.startRelay()
	captures := map[string]*capture{"hostA": l.capture("hostA"), "hostB": l.capture("hostB")}
	for n := range *matrixTries {
		got := l.try(c, portA, portB)
		all.add(c, got)
		c.birthdays(t, captures)
		if !got.asExpected(c) {
			t.Errorf("try %d: direct %v over %q, reason %q, expected to be relayed for %q: %v",
				n+1, got.direct, got.transport, got.reason, c.expected(), got.err)
		}
	}
}

// birthdays looks at what was tried: only where one side and not the other has another
// port for each destination many ports are opened and tried, and within the limits.
func (c cell) birthdays(t *testing.T, captures map[string]*capture) {
	hard := func(name string) bool { return netTypes[name].udp == changing }
	for node, other := range map[string]string{"hostA": "11.2.0.2", "hostB": "11.1.0.2"} {
		p := captures[node].probed()
		if p.count > 0 && hard(c.a) == hard(c.b) {
			t.Errorf("%s: %s sent %d probes", c, node, p.count)
		}
		p.withinLimits(t, node, other)
	}
}

// tryTime is how long a session may take to be what is expected of it. Attempts go
// on for ever; some pairs need a round that begins 8 s after the one before.
const tryTime = 40 * time.Second

// try opens a session and waits until it is as expected, or does not become so.
func (l *lab) try(c cell, portA, portB string) (got try) {
	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_DEBUG=1"}
	if strings.Contains(c.String(), "+upnp") {
		env = append(env, "SIGHTLINE_NETWORK_MAP_PORTS=true")
	}
	host := l.on("hostA", "host", append(listenOn(portA), env...), "host", "--json", "--accept", "--source", "pattern", "--allow", "view,control")
	defer host.leave()
	code, err := host.await(patience, want{name: "code"})
	if err != nil {
		return try{err: err}
	}
	began := time.Now()
	viewer := l.on("hostB", "viewer", append(listenOn(portB), env...), "view", "--json", "--window", "none", code.text("code"))
	defer viewer.leave()
	defer func() {
		if !got.asExpected(c) {
			l.Log(viewer.told())
			l.Log(host.told())
		}
	}()
	joined, err := viewer.await(patience, want{name: "joined"})
	if err != nil {
		return try{err: err}
	}
	exact, err := viewer.await(patience, want{name: "stats", fields: map[string]*regexp.Regexp{"refined": regexp.MustCompile("true")}})
	if err != nil {
		return try{err: err}
	}
	viewer.rewind()
	got, err = viewer.route(c, joined)
	got.exact = exact.at().Sub(began)
	got.err = errors.Join(err, stillThere(host), stillThere(viewer))
	return got
}

// listenOn sets the port, where a type has one.
func listenOn(port string) []string {
	if port == "" {
		return nil
	}
	return []string{"SIGHTLINE_NETWORK_LISTEN=:" + port}
}

// route follows the path events until the path is the expected one.
func (a *actor) route(c cell, joined event) (got try, err error) {
	end := time.Now().Add(tryTime)
	for {
		e, err := a.await(time.Until(end), want{name: "path"})
		if err != nil && a.ended() {
			return got, err
		}
		if err != nil {
			return got, nil // the last one stands; the caller sees that it is another
		}
		got = try{
			direct: e.text("kind") != "relayed", transport: e.text("kind") + " " + e.text("transport"),
			took: e.at().Sub(joined.at()), reason: e.text("reason"),
		}
		if got.asExpected(c) {
			return got, nil
		}
	}
}

func stillThere(a *actor) error {
	if a.ended() {
		return fmt.Errorf("%s has ended", a.name)
	}
	return nil
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

type results struct {
	mu    sync.Mutex
	tries map[cell][]try
}

func (r *results) add(c cell, x try) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries[c] = append(r.tries[c], x)
}

// table prints expected beside seen. A cell without tries was not played.
func (r *results) table(cells []cell) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %-8s %-8s %-3s %-20s %8s %8s %8s  %s\n", "host x viewer", "expected", "direct", "ok", "over",
		"ACCEPT..", "slowest", "code..", "why not direct")
	var other []string
	var direct, exact []time.Duration
	for _, c := range cells {
		row := r.row(c)
		if !row.ok {
			other = append(other, c.String())
		}
		b.WriteString(row.text)
		direct, exact = append(direct, row.direct...), append(exact, row.exact...)
	}
	b.WriteString("ACCEPT.. is to the direct path, slowest the slowest of those, code.. from the code to the first exact frame: medians of the tries\n")
	fmt.Fprintf(&b, "all tries: ACCEPT to direct %s; code to the first exact frame %s\n", spread(direct), spread(exact))
	fmt.Fprintf(&b, "%d cells, %d as expected\n", len(cells), len(cells)-len(other))
	if len(other) > 0 {
		fmt.Fprintf(&b, "again: testscripts/natlab/matrix -only %s\n", strings.Join(other, ","))
	}
	return b.String()
}

// row is one line of the table, and what the viewer said.
type row struct {
	ok            bool
	text          string
	direct, exact []time.Duration
}

func (r *results) row(c cell) row {
	tries := r.tries[c]
	out := row{ok: len(tries) == *matrixTries}
	over, said := map[string]int{}, map[string]int{}
	for _, x := range tries {
		out.ok = out.ok && x.asExpected(c)
		switch {
		case x.err != nil:
			line, _, _ := strings.Cut(x.err.Error(), "\n")
			said["could not be played: "+line]++
			continue
		case x.direct:
			out.direct = append(out.direct, x.took)
			over[x.transport]++
		default:
			said["said: "+x.reason]++
		}
		out.exact = append(out.exact, x.exact)
	}
	slices.Sort(out.direct)
	expected, mark := "direct", "yes"
	if c.expected() != "" {
		expected = "relayed"
	}
	if !out.ok {
		mark = "NO"
	}
	slowest := "-"
	if n := len(out.direct); n > 0 {
		slowest = ms(out.direct[n-1])
	}
	out.text = fmt.Sprintf("%-20s %-8s %-8s %-3s %-20s %8s %8s %8s  %s\n", c.a+" x "+c.b, expected,
		fmt.Sprintf("%d of %d", len(out.direct), *matrixTries), mark, counts(over), median(out.direct), slowest, median(out.exact), c.expected())
	for _, words := range slices.Sorted(maps.Keys(said)) {
		out.text += fmt.Sprintf("%-20s %d of %d %s\n", "", said[words], *matrixTries, words)
	}
	return out
}

func counts(m map[string]int) string {
	if len(m) == 1 {
		for k := range m {
			return k
		}
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		words = append(words, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(words, ", ")
}

func median(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	d = slices.Sorted(slices.Values(d))
	return ms(d[len(d)/2])
}

func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	d = slices.Sorted(slices.Values(d))
	return fmt.Sprintf("median %s, 95 of 100 within %s, slowest %s", ms(d[len(d)/2]), ms(d[len(d)*95/100]), ms(d[len(d)-1]))
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
