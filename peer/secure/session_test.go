package secure

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"sightline/peer/secure/securetest"
	"sightline/peer/wire"
)

func TestStreams(t *testing.T) {
	v, h := newWorld(t).sessions()
	for _, ch := range []wire.Channel{wire.Control, wire.Input, wire.Screen, wire.File} {
		for _, ends := range [][2]*Session{{v, h}, {h, v}} {
			near, far := securetest.Pipe()
			a, err := ends[0].Seal(near, ch)
			if err != nil {
				t.Fatal(err)
			}
			head, err := ReadHeader(far)
			if err != nil {
				t.Fatal(err)
			}
			b, err := ends[1].Open(head, far)
			if err != nil {
				t.Fatal(err)
			}
			if b.Channel() != ch {
				t.Errorf("channel %v became %v", ch, b.Channel())
			}
			wantTalk(t, a, b)
			wantTalk(t, b, a)
			wantBulk(t, a, b)
			a.Close()
			if _, err := b.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v: after FIN %v", ch, err)
			}
			if _, err := a.Write([]byte("x")); err == nil {
				t.Errorf("%v: write after Close", ch)
			}
			wantTalk(t, b, a) // the other direction lives
			b.Close()
			if _, err := a.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v: after FIN %v", ch, err)
			}
		}
	}
	if len(v.open) != 1 || len(h.open) != 1 {
		t.Errorf("streams not let go: %d, %d, want the control stream", len(v.open), len(h.open))
	}
}

// wantBulk sends 300 kB while they are read.
func wantBulk(t *testing.T, a, b *Sealed) {
	t.Helper()
	want := randomBytes(t, 300_000)
	var wg sync.WaitGroup
	wg.Go(func() { a.Write(want) })
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("bulk differs: %v", err)
	}
	wg.Wait()
}

// TestRecordSize: one Write is one record when it fits, padded channels show
// nothing of the length, and no record is longer than the protocol allows.
func TestRecordSize(t *testing.T) {
	v, _ := newWorld(t).sessions()
	_, records := captured(t, v, wire.Screen, "four", string(make([]byte, maxPlain)))
	for i, want := range []int{2 + 1 + 4 + tagLen, 2 + maxCipher, 2 + 1 + 1 + tagLen, 2 + 1 + tagLen} {
		if i >= len(records) || len(records[i]) != want {
			t.Fatalf("screen: %d records, number %d is not of %d bytes", len(records), i, want)
		}
	}
	_, records = captured(t, v, wire.Input, "a", string(make([]byte, 61)), string(make([]byte, 62)), string(make([]byte, maxPadded-3)))
	for i, want := range []int{64, 64, 128, maxPadded, 64} {
		if i >= len(records) || len(records[i]) != 2+want+tagLen {
			t.Fatalf("input: %d records, number %d is not of %d bytes", len(records), i, want)
		}
	}

	near, far := securetest.Pipe()
	st, err := v.Seal(near, wire.Screen)
	if err != nil {
		t.Fatal(err)
	}
	st.SetRecordSize(16 << 10)
	st.Write(make([]byte, 40<<10))
	io.ReadFull(far, make([]byte, headerLen))
	for _, want := range []int{16 << 10, 16 << 10, 8 << 10} {
		r, err := readFramed(far)
		if err != nil || len(r) != 2+1+want+tagLen {
			t.Errorf("record of %d bytes, %v, want a body of %d", len(r), err, want)
		}
	}
}

// TestDeadline: a read may be tried again after a deadline, in the middle of a
// record too.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, h := newWorld(t).sessions()
		head, r := captured(t, v, wire.Screen, "one")
		near, far := securetest.Pipe()
		near.Write(head)
		hd, err := ReadHeader(far)
		if err != nil {
			t.Fatal(err)
		}
		st, err := h.Open(hd, far)
		if err != nil {
			t.Fatal(err)
		}
		near.Write(r[0][:7])
		st.SetDeadline(time.Now().Add(time.Second))
		if _, err := st.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		st.SetDeadline(time.Time{})
		near.Write(r[0][7:])
		got := make([]byte, 9)
		if n, err := st.Read(got); err != nil || string(got[:n]) != "one" {
			t.Fatalf("%q, %v", got[:n], err)
		}
	})
}

// TestSessionClose: blocked readers end, keys are gone, a last word that was
// closed behind still arrives.
func TestSessionClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, h := newWorld(t).sessions()
		errs := make(chan error)
		near, _ := securetest.Pipe()
		st, err := v.Seal(near, wire.Clips)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, err := st.Read(make([]byte, 1)); errs <- err }()
		v.Control().Write([]byte("bye"))
		v.Control().Close()
		v.Close()
		wantErr(t, "blocked read", <-errs, ErrEnded)
		wantErr(t, "session", v.Err(), ErrEnded)
		if got, err := io.ReadAll(h.Control()); string(got) != "bye" || err != nil {
			t.Errorf("last word %q, %v", got, err)
		}
		other, _ := securetest.Pipe()
		_, err = v.Seal(other, wire.Screen)
		wantErr(t, "Seal", err, ErrEnded)
		_, err = v.Open(Header{}, other)
		wantErr(t, "Open", err, ErrEnded)
		v.Close()
	})
}
