//go:build linux

package testscripts

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// maxTrips is how many round trips from host to viewer may pass between the code and
// the first exact frame through a relay. It takes eight: a half to the relay and a half
// for the question where the host is, one for the circuit and its encryption, four for
// the proof of the code with ACCEPT and the first frame at its end, one for the rest
// of the picture.
const maxTrips = 12

// TestLabRoundTrips opens sessions over short wires and over long ones. What takes
// longer on the long ones are round trips; what the machine is busy with (the
// stretching of the code, the programs' start) takes as long on both. The quickest of
// some tries counts: what a busy machine adds is no round trip.
func TestLabRoundTrips(t *testing.T) {
	t.Parallel()
	const short, long, tries = 5, 250, 4 // ms of wire, four of which are a round trip from host to viewer
	for _, way := range [...]struct{ name, option string }{{"punching", "--quiet-network"}, {"no punching", "--no-direct"}} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			near := newLab(t, "cone", "cone", "--delay", strconv.Itoa(short))
			far := newLab(t, "cone", "cone", "--delay", strconv.Itoa(long))
			near.startRelay()
			far.startRelay()
			least, most := time.Hour, time.Hour
			trips := func() float64 {
				return float64(most-least) / float64(4*(long-short)*time.Millisecond)
			}
			for n := 0; n == 0 || n < tries && trips() > maxTrips; n++ {
				least, most = min(least, near.open(way.option)), min(most, far.open(way.option))
			}
			t.Logf("code to the first exact frame: %v with %d ms of wire, %v with %d ms: %.1f round trips", least, short, most, long, trips())
			if trips() > maxTrips {
				t.Errorf("%.1f round trips, at most %d", trips(), maxTrips)
			}
		})
	}
}

// open starts a host and a viewer and gives the time from the code to the first exact
// frame; an hour if there is none.
func (l *lab) open(option string) time.Duration {
	env := []string{"SIGHTLINE_RELAYS=" + l.join}
	host := l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern", option)
	defer host.leave()
	code, err := host.await(patience, want{name: "code"})
	if err != nil {
		l.Error(err)
		return time.Hour
	}
	began := time.Now()
	viewer := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", option, code.text("code"))
	defer viewer.leave()
	exact, err := viewer.await(patience, want{name: "stats", fields: map[string]*regexp.Regexp{"refined": regexp.MustCompile("true")}})
	if err != nil {
		l.Error(err)
		return time.Hour
	}
	return exact.at().Sub(began)
}
