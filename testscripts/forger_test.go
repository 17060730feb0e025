//go:build linux

package testscripts

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jezek/xgb/xproto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// forger is a relay that changes bytes of what it carries. It stands in the
// stream between relay and host through which all bytes of a circuit pass.
type forger struct {
	*liar

	mu      sync.Mutex
	at      [2]int64 // in circuits that open from now on this byte is changed; -1: none
	all     bool     // a byte of whatever passes, in every circuit
	changed int      // bytes so far
	newest  *forgedStream
}

// The directions of a circuit.
const (
	toHost = iota
	toViewer
)

var directions = [2]string{"to the host", "to the viewer"}

func newForger(t *testing.T) *forger {
	t.Helper()
	f := &forger{at: [2]int64{-1, -1}}
	f.liar = newRelayOf(t, func(h host.Host) host.Host { return forgingHost{h, f} })
	return f
}

// strike changes the byte with a number, counted from the opening of a circuit,
// in all circuits that open from now on.
func (f *forger) strike(direction int, at int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = [2]int64{-1, -1}
	f.at[direction] = at
}

// spoil changes everything that passes, or lets it be.
func (f *forger) spoil(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all, f.at = on, [2]int64{-1, -1}
}

func (f *forger) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// carried is how many bytes have passed in the newest circuit.
func (f *forger) carried() [2]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return [2]int64{f.newest.lanes[toHost].n, f.newest.lanes[toViewer].n}
}

type forgingHost struct {
	host.Host
	f *forger
}

func (h forgingHost) NewStream(ctx context.Context, p p2p.ID, ids ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil || len(ids) == 0 || !strings.HasSuffix(string(ids[0]), "/stop") {
		return s, err
	}
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	forged := &forgedStream{Stream: s, f: h.f, at: h.f.at}
	h.f.newest = forged
	return forged, nil
}

type forgedStream struct {
	network.Stream
	f     *forger
	at    [2]int64
	lanes [2]lane // guarded by f.mu
}

// lane is one direction of a circuit. The first message in each is the relay's
// own (circuit relay v2: uvarint length, protobuf); the peers' bytes follow.
type lane struct {
	opened bool
	length []byte // of the relay's message, as far as it has come
	skip   int    // bytes of it still to come
	n      int64  // bytes of the peers
}

// own takes the relay's part off the front of p and returns how long it was.
func (l *lane) own(p []byte) int {
	i := 0
	for ; i < len(p) && !l.opened; i++ {
		switch {
		case l.skip > 0:
			l.skip--
			l.opened = l.skip == 0
		default:
			l.length = append(l.length, p[i])
			if p[i] < 0x80 {
				for k, b := range l.length {
					l.skip |= int(b&0x7f) << (7 * k)
				}
				l.opened = l.skip == 0
			}
		}
	}
	return i
}

// forge changes what passes, in place.
func (s *forgedStream) forge(direction int, p []byte) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	l := &s.lanes[direction]
	p = p[l.own(p):]
	if len(p) == 0 {
		return
	}
	if k := s.at[direction] - l.n; k >= 0 && k < int64(len(p)) {
		p[k] ^= 0x20
		s.f.changed++
	} else if s.f.all {
		p[len(p)/2] ^= 0x01
		s.f.changed++
	}
	l.n += int64(len(p))
}

func (s *forgedStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.forge(toViewer, p[:n])
	return n, err
}

func (s *forgedStream) Write(p []byte) (int, error) {
	forged := append([]byte(nil), p...)
	s.forge(toHost, forged)
	return s.Stream.Write(forged)
}

// A relay changes one byte of what it carries, at many places of the way from
// the first byte of a circuit to the picture, in both directions. The viewer
// ends with a sentence and a code that fits, nothing was shown, the host goes
// on, and the tries that it counts are no more than were made: who knows the
// code that is open then gets in. (SECURITY-DESIGN, TestMITMFlip, with real
// programs; the layers one by one are in peer/secure and peer/link.)
func TestRelayFlipsHandshake(t *testing.T) {
	for direction := range directions {
		t.Run(directions[direction], func(t *testing.T) {
			t.Parallel()
			flipHandshake(t, direction)
		})
	}
}

func flipHandshake(t *testing.T, direction int) {
	c := newCrew(t)
	f := newForger(t)
	env := []string{"SIGHTLINE_RELAYS=" + f.join}
	host := c.start("host", env, "host", "--json", "--accept", "--source", "pattern", "--relay-only", "--viewers", "16")
	code := c.await(host, "code").text("code")
	enter := func(name string) *actor {
		return c.start(name, env, "view", "--json", "--window", "none", "--relay-only", code)
	}
	honest := enter("honest")
	c.await(honest, "joined")
	length := f.carried()[direction]
	places := []int64{0} // the first byte breaks a length, and both sides wait: 20 s
	for part := range int64(6) {
		places = append(places, (2*part+1)*length/12)
	}
	for _, at := range places {
		before := f.count()
		f.strike(direction, at)
		v := enter(fmt.Sprintf("viewer, byte %d of %d", at, length))
		if entered(t, v) { // so many bytes were not needed this time
			f.spoil(false)
			v.cmd.Process.Signal(syscall.SIGTERM)
			c.exits(v, 0)
			continue
		}
		code, err := v.exit(patience)
		if err != nil {
			t.Fatal(err)
		}
		if f.count() == before {
			t.Errorf("%s: nothing was changed", v.name)
		}
		// No route that works, no answer, or a proof that failed.
		if code != 4 && code != 6 && code != 7 {
			t.Errorf("%s: exit code %d\n%s", v.name, code, v.told())
		}
		c.never(v, "stats")
		c.brief(v)
	}
	f.spoil(false)
	c.lives(host)
	c.never(host, "error")
	var report struct {
		Status struct {
			Host struct {
				Code   string
				Failed int
			}
		}
	}
	status := c.startWith("ctl", func(cmd *exec.Cmd) { cmd.Env = host.cmd.Env }, "ctl", "status", "--json")
	c.exits(status, 0)
	if err := json.Unmarshal([]byte(strings.Join(status.odd, "")), &report); err != nil {
		t.Fatal(err)
	}
	if h := report.Status.Host; h.Failed > len(places) || h.Code == "" {
		t.Errorf("the host says %+v", h)
	}
	code = report.Status.Host.Code
	c.await(enter("late"), "stats", "refined=true")
}

// entered waits until a viewer was let in or has ended.
func entered(t *testing.T, v *actor) bool {
	t.Helper()
	in := false
	eventually(t, v.name+" is in or ends", func() bool {
		in = v.heard("joined")
		return in || v.ended()
	})
	return in
}

// brief checks that an actor's end was told in one sentence.
func (c *crew) brief(a *actor) {
	c.Helper()
	e := c.await(a, "end")
	words := a.stderr.String()
	if e.text("reason") == "" || len(e.text("reason")) > 200 || strings.ContainsAny(e.text("reason"), "\n\x1b") ||
		strings.Contains(words, "panic") || strings.Contains(words, "goroutine ") {
		c.Errorf("%s ended with %q and said %q", a.name, e.text("reason"), words)
	}
}

func (c *crew) lives(a *actor) {
	c.Helper()
	if a.ended() {
		c.Fatalf("%s has ended\n%s", a.name, a.told())
	}
}

// The relay spoils all that passes in the middle of a session, while the host's
// screen moves. What the window shows is at every moment a picture that the
// host's screen showed, or that darkened; both sides wait; and when the relay
// carries truly again the session goes on by itself, exact. When it does not,
// the viewer can be ended like any other.
func TestRelayFlipsPictures(t *testing.T) {
	f := newForger(t)
	s := setting{there: "640x480", join: f.join, host: []string{"--relay-only"}, view: []string{"--relay-only"}}.open(t)
	b := board{cols: 16, rows: 12}
	picture := image.Pt(640, 480)
	s.there.put(b.pixels())
	w := s.here.named("sightline")
	s.showsBoard(w, picture, b)

	play := func(what string, ok func() bool) {
		t.Helper()
		eventually(t, what, func() bool {
			b.turn++
			s.there.put(b.pixels())
			if err := s.here.wasBoard(w, picture, b); err != nil {
				t.Fatalf("garbage is shown: %v", err)
			}
			return ok()
		})
	}
	for round := range 2 {
		s.viewer.skim()
		f.spoil(true)
		before := f.count()
		play("the viewer waits", func() bool { return s.viewer.heard("waiting") })
		play("it tries again", func() bool { return f.count() >= before+4 })
		s.lives(s.viewer)
		s.lives(s.host)
		if round == 0 {
			f.spoil(false)
			s.await(s.viewer, "joined", "resumed=true")
			s.showsBoard(w, picture, b)
		}
	}
	s.viewer.cmd.Process.Signal(syscall.SIGTERM)
	s.exits(s.viewer, 0)
	s.brief(s.viewer)
	s.never(s.host, "error")
}

// wasBoard tells whether each square of a window has a colour that the board
// had there in some turn, or half its light. The two rows of squares in the
// middle are left out: words may stand there.
func (d *display) wasBoard(w xproto.Window, size image.Point, b board) error {
	pix, err := d.shotOf(w, uint16(size.X), uint16(size.Y))
	if err != nil {
		return err
	}
	for row := range b.rows {
		for col := 0; col < b.cols && row != b.rows/2 && row != b.rows/2-1; col++ {
			o := 4 * ((row*square+square/2)*size.X + col*square + square/2)
			if !b.had(col, row, pix[o:o+3]) {
				return fmt.Errorf("% x in square %d,%d", pix[o:o+3], col, row)
			}
		}
	}
	return nil
}

func (b board) had(col, row int, bgr []byte) bool {
	for ; b.turn >= 0; b.turn-- {
		c := b.colour(col, row)
		whole, half := true, true
		for i, v := range bgr {
			want := int(byte(c >> (8 * i)))
			whole = whole && int(v) == want
			half = half && abs(int(v)-want/2) <= 1
		}
		if whole || half {
			return true
		}
	}
	return false
}
