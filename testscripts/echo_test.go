//go:build linux

package testscripts

import (
	"bytes"
	"flag"
	"slices"
	"testing"
	"time"
)

// How many letters TestLabEcho types. A few show that each comes back; by hand and
// on a quiet machine, from 40 on, the times are held against their bars:
//
//	go test ./testscripts -run TestLabEcho -v -args -echo 100
var echoKeys = flag.Int("echo", 8, "how many `LETTERS` TestLabEcho types; from 40 on the times must be good")

// A letter typed at the viewer is seen there again, over a line that loses packets
// and one that is slow and long. The times are of the whole way: X server, viewer,
// host, X server, xterm, and back.
func TestLabEcho(t *testing.T) {
	for _, line := range []struct {
		name string
		wire []string      // of each of the two sites, each way
		rtt  time.Duration // of both wires, there and back
	}{
		{"loses 2 %", []string{"--delay", "20", "--jitter", "5", "--loss", "1"}, 80 * time.Millisecond},
		{"256 kbit/s", []string{"--delay", "125", "--rate", "0.256"}, 500 * time.Millisecond},
	} {
		t.Run(line.name, func(t *testing.T) {
			t.Parallel()
			d := newDesks(t, newLab(t, "cone", "cone", line.wire...), nil, nil)
			d.lab.awaitFor(2*patience, d.viewer, "path", "kind=direct")
			awaitSame(t, d.there, d.here)
			var echo []time.Duration
			for n := range *echoKeys {
				echo = append(echo, d.typeOne(rune('a'+n%26)))
			}
			slices.Sort(echo)
			median, p95 := echo[len(echo)/2], echo[len(echo)*95/100]
			t.Logf("%d letters, round trip %v: median %v, p95 %v, slowest %v", len(echo), line.rtt,
				median.Round(time.Millisecond), p95.Round(time.Millisecond), echo[len(echo)-1].Round(time.Millisecond))
			if *echoKeys < 40 {
				return
			}
			const frame = time.Second / 30
			if median > line.rtt+frame {
				t.Errorf("median %v, round trip and one frame are %v", median, line.rtt+frame)
			}
			if p95 > 3*line.rtt {
				t.Errorf("p95 %v, three round trips are %v", p95, 3*line.rtt)
			}
		})
	}
}

// typeOne types a letter and tells how long it took until the viewer's screen
// changed where the typewriter's first lines are. It leaves a pause, as people do.
func (d *desks) typeOne(r rune) time.Duration {
	d.Helper()
	const width, height = 640, 120 // of 80 columns, the lines that one test fills
	before, err := d.here.shot(width, height)
	if err != nil {
		d.Fatal(err)
	}
	began := time.Now()
	d.here.write(string(r))
	end := began.Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		<-tick.C
		now, err := d.here.shot(width, height)
		if err != nil {
			d.Fatal(err)
		}
		if !bytes.Equal(before, now) {
			break
		}
		if time.Now().After(end) {
			d.Fatalf("%q was never seen", r)
		}
	}
	took := time.Since(began)
	<-time.After(150 * time.Millisecond)
	return took
}
