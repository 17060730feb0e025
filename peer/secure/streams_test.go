package secure

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer/secure/securetest"
	"sightline/peer/wire"
)

// TestStreamNumReuse: the receiver takes a number once, and the sender cannot
// give it twice.
func TestStreamNumReuse(t *testing.T) {
	v, h := newWorld(t).sessions()
	head, r := captured(t, v, wire.File, "one")
	if got, err := deliver(t, h, head, r...); got != "one" || err != nil {
		t.Fatal(got, err)
	}
	_, err := deliver(t, h, head, r...)
	wantErr(t, "the same stream again", err, ErrReused)
	if h.Err() != nil {
		t.Error("a replayed stream ended the session")
	}

	seen := map[uint32]bool{}
	for range 100 {
		near, far := securetest.Pipe()
		st, err := v.Seal(near, wire.File)
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(far)
		if err != nil {
			t.Fatal(err)
		}
		if seen[h.Num] || h.Num%2 != 0 || h.Num == 0 {
			t.Fatalf("viewer gave number %d", h.Num)
		}
		seen[h.Num] = true
		st.Reset()
	}
	v.nextNum = math.MaxUint32 - 1
	near, _ := securetest.Pipe()
	_, err = v.Seal(near, wire.File)
	wantErr(t, "numbers used up", err, ErrReused)
}

// TestStreamNumWhoseTurn: a side takes the other side's numbers only.
func TestStreamNumWhoseTurn(t *testing.T) {
	v, h := newWorld(t).sessions()
	open := func(s *Session, num uint32) error {
		st, _ := securetest.Pipe()
		_, err := s.Open(Header{SID: s.SID(), Channel: wire.File, Num: num}, st)
		return err
	}
	wantErr(t, "host, 1", open(h, 1), ErrProtocol)
	wantErr(t, "host, 0", open(h, 0), ErrProtocol)
	wantErr(t, "viewer, 0", open(v, 0), ErrProtocol)
	wantErr(t, "viewer, 2", open(v, 2), ErrProtocol)
	wantErr(t, "viewer, 1", open(v, 1), nil)
	wantErr(t, "host, 2", open(h, 2), nil)
}

// TestStreamReorder: honest streams may overtake each other within the window,
// older ones are refused.
func TestStreamReorder(t *testing.T) {
	for _, opener := range []string{"viewer", "host"} {
		v, h := newWorld(t).sessions()
		if opener == "host" {
			v, h = h, v
		}
		type sent struct {
			head    []byte
			records [][]byte
		}
		streams := make([]sent, 66)
		for i := range streams {
			streams[i].head, streams[i].records = captured(t, v, wire.File, "x")
		}
		take := func(i int) error {
			got, err := deliver(t, h, streams[i].head, streams[i].records...)
			if err == nil && got != "x" {
				t.Errorf("stream %d: %q", i, got)
			}
			return err
		}
		order := rand.Perm(64)
		for _, i := range order {
			if err := take(i + 1); err != nil {
				t.Fatalf("%s: stream %d in order %v: %v", opener, i+1, order, err)
			}
		}
		for i := 1; i <= 64; i++ {
			wantErr(t, "again", take(i), ErrReused)
		}
		wantErr(t, "65 behind", take(0), ErrReused)
		wantErr(t, "next", take(65), nil)
	}
}

func TestWindow(t *testing.T) {
	var w window
	for _, step := range []struct {
		num  uint32
		want bool
	}{
		{0, true}, {0, false}, {5, true}, {3, true}, {3, false}, {68, true}, {5, false}, {6, true},
		{4, false}, {1000, true}, {937, true}, {936, false}, {1 << 31, true}, {1000, false}, {1<<31 - 63, true},
	} {
		if got := w.take(step.num); got != step.want {
			t.Errorf("take(%d) = %v", step.num, got)
		}
	}
}

// TestTooManyStreams: an admitted viewer cannot make the host hold without end.
func TestTooManyStreams(t *testing.T) {
	_, h := newWorld(t).sessions()
	var err error
	for i := range uint32(maxStreams) {
		st, _ := securetest.Pipe()
		if _, err = h.Open(Header{SID: h.SID(), Channel: wire.File, Num: 2 + 2*i}, st); err != nil {
			break
		}
	}
	wantErr(t, "one too many", err, ErrBusy)
	if h.Err() != nil {
		t.Error("session:", h.Err())
	}
}

// TestHeaderTime: who opens a stream and says nothing loses it after 10 s.
func TestHeaderTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := securetest.Pipe()
		near.Write(make([]byte, headerLen-1))
		start := time.Now()
		if _, err := ReadHeader(far); err == nil || time.Since(start) != headerTime {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := near.Write([]byte{0}); err == nil {
			t.Error("the stream is still open")
		}
	})
}
