package secure

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
)

func TestWrongCode(t *testing.T) {
	w := newWorld(t)
	o := w.meet(WithStretched(testNumber, w.wrong), nil)
	wantErr(t, "viewer", o.viewerErr, ErrWrongCode)
	wantErr(t, "host", o.hostErr, ErrWrongCode)
	if n := w.door.Failures(); n != 1 {
		t.Errorf("%d failures, want 1", n)
	}
}

// TestChargeBeforeReply: whoever hangs up on M4 has paid. Five times: burnt.
func TestChargeBeforeReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		for n := 1; n <= 5; n++ {
			sv, sh := securetest.Pipe()
			done := make(chan error, 1)
			go func() {
				_, err := Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
				done <- err
			}()
			v := &viewer{talk: newTalk(sv), me: w.viewer, host: w.host.id, cred: w.cred(), rand: rand.Reader}
			if _, err := v.greet(); err != nil {
				t.Fatal(err)
			}
			w0, _, _ := split(w.right)
			x, _ := randomScalar(rand.Reader)
			shareP, _ := proverShare(x, w0)
			if w.door.Failures() != n-1 {
				t.Errorf("charged before M3")
			}
			if _, err := v.guess(shareP); err != nil {
				t.Fatal(err)
			}
			// M4 is here and nothing else has happened since.
			if got := w.door.Failures(); got != n {
				t.Errorf("at M4 %d failures, want %d", got, n)
			}
			sv.Reset()
			wantErr(t, "host", <-done, ErrWrongCode)
			sleep(8 * time.Second)
		}
		wantErr(t, "door", w.door.Err(), invite.ErrBurnt)
		o := w.meet(w.cred(), nil)
		wantErr(t, "right code after that", o.viewerErr, ErrClosed)
	})
}

// TestBurn: five wrong codes with waits of 1, 2, 4 and 8 s between them, told
// to the viewer in M2 and not counted.
func TestBurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		wrong := WithStretched(testNumber, w.wrong)
		for n, wait := range []time.Duration{1, 2, 4, 8} {
			wantErr(t, "wrong code", w.meet(wrong, nil).viewerErr, ErrWrongCode)
			o := w.meet(w.cred(), nil)
			var told, kept *WaitError
			if !errors.As(o.viewerErr, &told) || told.For != wait*time.Second {
				t.Errorf("failure %d: viewer told %v, want %d s", n+1, o.viewerErr, wait)
			}
			if !errors.As(o.hostErr, &kept) {
				t.Errorf("failure %d: host says %v", n+1, o.hostErr)
			}
			if got := w.door.Failures(); got != n+1 {
				t.Errorf("%d failures, want %d", got, n+1)
			}
			sleep(wait * time.Second)
		}
		wantErr(t, "fifth", w.meet(wrong, nil).viewerErr, ErrWrongCode)
		select {
		case <-w.door.Closed():
		default:
			t.Error("the door does not tell that it is burnt")
		}
		sleep(time.Minute)
		wantErr(t, "right code, burnt", w.meet(w.cred(), nil).viewerErr, ErrClosed)
	})
}

func TestCodeSingleUse(t *testing.T) {
	w := newWorld(t)
	if o := w.meet(w.cred(), nil); o.hostErr != nil {
		t.Fatal(o.hostErr)
	}
	w.viewer = newTestIdentity(t)
	o := w.meet(w.cred(), nil)
	wantErr(t, "second viewer", o.viewerErr, ErrClosed)
	wantErr(t, "second viewer, host", o.hostErr, invite.ErrUsed)
}

func TestCodeExpiry(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.open(invite.DoorOptions{Uses: 2})
		sleep(15*time.Minute - time.Second)
		if o := w.meet(w.cred(), nil); o.viewerErr != nil {
			t.Fatal("just before:", o.viewerErr)
		}
		w.open(invite.DoorOptions{Uses: 2})
		sleep(15 * time.Minute)
		wantErr(t, "just after", w.meet(w.cred(), nil).viewerErr, ErrClosed)
	})
}

// TestBurntWhileProving: a code burnt in the middle of a handshake (a kick)
// lets nobody in, however right the secret.
func TestBurntWhileProving(t *testing.T) {
	w := newWorld(t)
	o := w.meet(w.cred(), &mitm{edit: func(fromViewer bool, i int, m []byte) []byte {
		if fromViewer && i == 3 { // M7
			w.door.Burn()
		}
		return m
	}})
	wantErr(t, "host", o.hostErr, ErrClosed)
	if o.host != nil {
		t.Error("the host opened a session")
	}
}

// TestParallelGuesses: 200 at once with wrong codes, exactly one is charged.
func TestParallelGuesses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.doors.Porch = &Porch{Before: 200, After: 200}
		var wg sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[string]int{}
		for range 200 {
			guesser := *w
			guesser.viewer = newTestIdentity(t)
			wg.Go(func() {
				o := guesser.meet(WithStretched(testNumber, w.wrong), nil)
				mu.Lock()
				defer mu.Unlock()
				var wait *WaitError
				switch {
				case errors.Is(o.viewerErr, ErrWrongCode):
					outcomes["wrong"]++
				case errors.As(o.viewerErr, &wait), errors.Is(o.viewerErr, ErrAgain):
					outcomes["wait"]++
				default:
					t.Errorf("a guesser got %v", o.viewerErr)
				}
			})
		}
		wg.Wait()
		if n := w.door.Failures(); n != 1 || outcomes["wrong"] != 1 || outcomes["wait"] != 199 {
			t.Errorf("%d failures, %v", n, outcomes)
		}
	})
}
