package peer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// slow takes a second for each write.
type slow struct {
	got []string
	err error
}

func (w *slow) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	w.got = append(w.got, string(p))
	return len(p), w.err
}

func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slow{}
		b := newBehind(w)
		began := time.Now()
		p := []byte("one")
		if err := b.Later(p); err != nil || time.Since(began) != 0 {
			t.Fatal(err, time.Since(began))
		}
		if err := b.Later([]byte("two")); err != nil || time.Since(began) != time.Second {
			t.Fatal("holds two writes:", err, time.Since(began))
		}
		p[0] = 'x' // ours again
		if n, err := b.Write([]byte("three")); n != 5 || err != nil || time.Since(began) != 3*time.Second {
			t.Fatal(n, err, time.Since(began))
		}
		w.err = errors.New("gone")
		b.Later([]byte("four"))
		if err := b.Close(); err != w.err {
			t.Fatal("the last error is lost:", err)
		}
		if got := w.got; len(got) != 4 || got[0] != "one" || got[1] != "two" || got[2] != "three" || got[3] != "four" {
			t.Fatal(got)
		}
	})
}
