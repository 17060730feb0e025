package tui

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sightline/peer"
)

func TestAskLine(t *testing.T) {
	both := viewRight | controlRights
	type typed struct {
		after time.Duration
		line  string
	}
	for _, c := range []struct {
		name  string
		wants peer.Grant
		typed []typed
		close bool
		want  peer.Grant
		says  string
	}{
		{"yes", both, []typed{{6 * time.Second, "y"}}, false, both, "let in: view pointer keyboard"},
		{"YES with spaces", both, []typed{{6 * time.Second, " Yes "}}, false, both, "let in"},
		{"view only", both, []typed{{6 * time.Second, "v"}}, false, viewRight, "let in: view\n"},
		{"no", both, []typed{{6 * time.Second, "n"}}, false, 0, "refused"},
		{"Enter is no", both, []typed{{6 * time.Second, ""}}, false, 0, "refused"},
		{"no needs no waiting", both, []typed{{time.Second, "n"}}, false, 0, "refused"},
		{"yes too early is asked again", both, []typed{{2 * time.Second, "y"}, {5 * time.Second, "y"}}, false, both, "yes counts in 3 s"},
		{"nobody answers", both, nil, false, 0, "no answer: refused"},
		{"early yes alone lets nobody in", both, []typed{{time.Second, "y"}}, false, 0, "no answer: refused"},
		{"end of input", both, nil, true, 0, "refused"},
		{"view was all that was asked", viewRight, []typed{{6 * time.Second, "y"}}, false, viewRight, "let in: view\n"},
		{"garbage", both, []typed{{6 * time.Second, "yy\x1b[A"}}, false, 0, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lines, out := make(chan string), new(bytes.Buffer)
				ctx, stop := context.WithCancel(t.Context())
				go func() {
					for _, k := range c.typed {
						time.Sleep(k.after) // of the simulated clock
						select {
						case lines <- k.line:
						case <-ctx.Done():
						}
					}
					if c.close {
						close(lines)
					}
				}()
				ev := peer.Asks{Seat: 1, Viewer: anna, Wants: c.wants, Path: far, Until: time.Now().Add(time.Minute)}
				got := AskLine(ctx, AskOptions{Lines: lines, Out: out}, ev)
				stop()
				synctest.Wait()
				if got != c.want || !strings.Contains(out.String(), c.says) {
					t.Errorf("got %q, want %q with %q; it said:\n%s", got, c.want, c.says, out)
				}
				for _, must := range []string{anna.Name, anna.Fingerprint, "relayed tcp", fraudWarning1, fraudWarning2, asked(c.wants)} {
					if !strings.Contains(out.String(), must) {
						t.Errorf("the question lacks %q", must)
					}
				}
			})
		})
	}
}

func TestReadLines(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, stop := context.WithCancel(t.Context())
	lines, done := make(chan string), make(chan error, 1)
	go func() { done <- ReadLines(ctx, r, lines) }()
	if _, err := w.WriteString("one\ntwo\n"); err != nil {
		t.Fatal(err)
	}
	if a, b := <-lines, <-lines; a != "one" || b != "two" {
		t.Errorf("read %q and %q", a, b)
	}
	stop() // while the pipe is silent and open
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if _, ok := <-lines; ok {
		t.Error("lines is not closed")
	}
}
