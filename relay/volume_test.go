package relay

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
)

// paper is a VolumeStore in memory.
type paper struct {
	text []byte
	err  error
}

func (p *paper) Read() ([]byte, error) { return p.text, p.err }
func (p *paper) Write(b []byte) error  { p.text = b; return p.err }
func at(t string) (now time.Time)      { now, _ = time.Parse(time.DateTime, t); return now }
func (p *paper) is(t testing.TB, w string) {
	if got := strings.TrimSpace(string(p.text)); got != w {
		t.Helper()
		t.Errorf("%s, want %s", got, w)
	}
}

// TestVolumeSurvives: the count goes on after a restart, and a month begins at zero.
func TestVolumeSurvives(t *testing.T) {
	var p paper
	v, err := newVolume(&p, 1000, at("2026-11-30 23:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	if v.add(999) || v.spent() {
		t.Error("spent too early")
	}
	if err := v.save(at("2026-11-30 23:59:00")); err != nil {
		t.Fatal(err)
	}
	p.is(t, `{"month":"2026-11","bytes":999}`)
	if v, err = newVolume(&p, 1000, at("2026-11-30 23:59:30")); err != nil {
		t.Fatal(err)
	}
	if !v.add(1) || !v.spent() || v.add(5) {
		t.Error("not spent, or told twice")
	}
	v.save(at("2026-12-01 00:00:30"))
	p.is(t, `{"month":"2026-12","bytes":0}`)
	if v.spent() {
		t.Error("spent in a new month")
	}
	v.add(7)
	v.save(at("2026-11-30 23:00:00")) // the clock was set back
	p.is(t, `{"month":"2026-12","bytes":7}`)
	if v, err = newVolume(&p, 1000, at("2027-01-05 00:00:00")); err != nil || v.used.Load() != 0 {
		t.Errorf("%d, %v", v.used.Load(), err)
	}
}

// TestVolumeDamaged: a limit that cannot be kept is told, not lifted.
func TestVolumeDamaged(t *testing.T) {
	for _, text := range []string{"x", "{}", `{"month":"2026-13","bytes":1}`, `{"month":"2026-11","bytes":-1}`, strings.Repeat(" ", 300)} {
		if _, err := newVolume(&paper{text: []byte(text)}, 1, time.Now()); !errors.Is(err, ErrVolume) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	broken := errors.New("broken disk")
	if _, err := New(Options{Key: newTestKey(t), Open: true, Listen: []string{"127.0.0.1:0"},
		Limits: Limits{Volume: 1}, Volume: &paper{err: broken}}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestVolumeSpent: the byte too many ends the circuits, the next are refused, and a
// new month lets them in again.
func TestVolumeSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, Limits{Volume: 10 << 20})
		viewer := s.peer()
		host, ends := s.host()
		atViewer, atHost := s.circuit(viewer, host, ends)
		go pour(atHost, time.Hour)
		if got := drink(atViewer, time.Hour) * time.Hour.Seconds() * Mbit; got > 11<<20 {
			t.Errorf("%.0f bytes arrived", got)
		}
		synctest.Wait()
		if _, status := s.connect(viewer, host); status != pb.Status_RESOURCE_LIMIT_EXCEEDED {
			t.Errorf("the next one: %s", status)
		}
		var st Stats
		s.gate.count(&st)
		if st.CircuitsCut != 1 || st.Circuits != 0 || st.Month < st.MonthLimit {
			t.Errorf("%+v", st)
		}
		s.gate.volume.save(time.Now().AddDate(0, 1, 0))
		s.circuit(viewer, host, ends)
	})
}

func FuzzVolume(f *testing.F) {
	f.Add([]byte(`{"month":"2026-11","bytes":999}`))
	f.Add([]byte(`{"month":"2026-1","bytes":1e3}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseVolume(b)
		if err == nil && (v.Bytes < 0 || len(v.Month) != 7) {
			t.Errorf("%+v", v)
		}
	})
}
