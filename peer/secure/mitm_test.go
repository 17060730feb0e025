package secure

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"filippo.io/nistec"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
)

// TestMITMSwapPeer: the directory has named Mallory, who forwards every byte
// between viewer and host over two authenticated connections of her own.
func TestMITMSwapPeer(t *testing.T) {
	w := newWorld(t)
	mallory := newTestIdentity(t)
	fromViewer := 0
	m := &mitm{edit: func(v bool, _ int, b []byte) []byte {
		if v {
			fromViewer++
		}
		return b
	}}
	sv, sh := m.wire()
	done := make(chan error, 1)
	go func() {
		_, err := Admit(context.Background(), sh, w.host, mallory.id, w.doors)
		done <- err
	}()
	ses, err := Join(context.Background(), sv, w.viewer, mallory.id, w.cred())
	wantErr(t, "viewer at confirmV", err, ErrWrongCode)
	wantErr(t, "host", <-done, ErrWrongCode)
	if ses != nil || fromViewer != 2 {
		t.Errorf("the viewer sent %d messages, want M1 and M3 only", fromViewer)
	}
	if n := w.door.Failures(); n != 1 {
		t.Errorf("the host counted %d failures, want 1", n)
	}
}

// TestMITMFlip (T13) changes every byte of every handshake message in turn, its
// length included, then every byte of three records.
func TestMITMFlip(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		bodies := map[bool][]int{true: {lenM1, lenM3, lenM5, lenM7}, false: {lenM2, lenM4, lenM6}}
		for fromViewer, lengths := range bodies {
			for message, n := range lengths {
				for at := range 2 + n {
					w.open(invite.DoorOptions{})
					o := w.meet(w.cred(), flip(fromViewer, message, at))
					if o.hostErr == nil {
						t.Fatalf("viewer %v, message %d, byte %d: the host has a session", fromViewer, message, at)
					}
					isM7 := fromViewer && message == 3
					if o.viewerErr == nil && !isM7 {
						t.Fatalf("viewer %v, message %d, byte %d: the viewer has a session", fromViewer, message, at)
					}
					// After M7 the viewer has only the keys. No ACCEPT comes.
					if o.viewer != nil {
						if _, err := o.viewer.Control().Read(make([]byte, 1)); !errors.Is(err, ErrTruncated) {
							t.Fatalf("byte %d of M7: the viewer reads %v", at, err)
						}
						o.viewer.Close()
					}
				}
			}
		}
	})
	bubble(t, flipRecords)
}

func flip(fromViewer bool, message, at int) *mitm {
	return &mitm{edit: func(v bool, i int, b []byte) []byte {
		if v == fromViewer && i == message && at < len(b) {
			b[at] ^= 1
		}
		return b
	}}
}

func flipRecords(t *testing.T) {
	w := newWorld(t)
	const size = 2 + 64 + tagLen // of a padded record
	for record := range 3 {
		for at := range size {
			w.open(invite.DoorOptions{})
			o := w.meet(w.cred(), flip(true, 4+record, at))
			if o.hostErr != nil {
				t.Fatal(o.hostErr)
			}
			for range 3 {
				if _, err := o.viewer.Control().Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
			o.viewer.Control().Close()
			got, err := io.ReadAll(o.host.Control())
			if len(got) != record || err == nil {
				t.Fatalf("record %d, byte %d: read %q, %v", record, at, got, err)
			}
			// A length made larger may swallow the rest: then the end is
			// missing. Everything else is tampering and ends the session.
			if at >= 2 {
				wantErr(t, "record", err, ErrTampered)
				wantErr(t, "session", o.host.Err(), ErrTampered)
			}
			o.viewer.Close()
			o.host.Close()
		}
	}
}

// TestModeDowngrade: every changed field of M1 and M2 ends the handshake, and
// costs the host no session; nothing is admitted in a weaker mode.
func TestModeDowngrade(t *testing.T) {
	set := func(fromViewer bool, at int, values ...byte) *mitm {
		return &mitm{edit: func(v bool, i int, b []byte) []byte {
			if v == fromViewer && i == 0 {
				copy(b[2+at:], values)
			}
			return b
		}}
	}
	key := [32]byte{1, 2, 3}
	for _, row := range []struct {
		name string
		cred func(w *world) Credential
		m    *mitm
		want error
	}{
		{"version 0", (*world).cred, set(true, 4, 0), ErrVersion},
		{"version 2", (*world).cred, set(true, 4, 2), ErrVersion},
		{"code to password", (*world).cred, set(true, 5, 2), ErrModeOff},
		{"code to trusted key", (*world).cred, set(true, 5, 3), ErrModeOff},
		{"code to resume", (*world).cred, set(true, 5, 4), nil},
		{"code to mode 0", (*world).cred, set(true, 5, 0), nil},
		{"resume to code", func(*world) Credential { return WithResume(testNumber, key) }, set(true, 5, 1), nil},
		{"flags", (*world).cred, set(true, 7, 1), nil},
		{"number", (*world).cred, set(true, 15, 0), ErrClosed},
		{"viewer's nonce", (*world).cred, set(true, 16, 1, 2, 3), ErrWrongCode},
		{"wait with status 0", (*world).cred, set(false, 1, 0, 0, 0, 1), ErrWrongCode},
		{"unknown derivation", (*world).cred, set(false, 5, 2), ErrProtocol},
		{"no derivation", (*world).cred, set(false, 5, 0), ErrProtocol},
		{"salt", (*world).cred, set(false, 6, 9), ErrWrongCode},
		{"host's nonce", (*world).cred, set(false, 22, 1, 2, 3), ErrWrongCode},
		{"unknown status", (*world).cred, set(false, 0, 6), ErrProtocol},
		{"resume, host's nonce", func(*world) Credential { return WithResume(testNumber, key) }, set(false, 22, 1), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				w.doors.Resume = resumeOnly(key)
				wantBroken(t, w.meet(row.cred(w), row.m), row.want)
			})
		})
	}
}

// TestSuiteDowngrade: the same for the cipher.
func TestSuiteDowngrade(t *testing.T) {
	key := [32]byte{1, 2, 3}
	for name, cred := range map[string]func(w *world) Credential{
		"code":   (*world).cred,
		"resume": func(*world) Credential { return WithResume(testNumber, key) },
	} {
		for from := byte(1); from <= 2; from++ {
			for to := byte(0); to <= 3; to++ {
				if from == to {
					continue
				}
				bubble(t, func(t *testing.T) {
					w := newWorld(t)
					w.doors.Resume = resumeOnly(key)
					c := cred(w)
					c.suite = from
					o := w.meet(c, &mitm{edit: func(v bool, i int, b []byte) []byte {
						if v && i == 0 {
							b[2+6] = to
						}
						return b
					}})
					if o.viewerErr == nil || o.hostErr == nil {
						t.Errorf("%s, suite %d to %d: %v, %v", name, from, to, o.viewerErr, o.hostErr)
					}
				})
			}
		}
	}
}

func resumeOnly(key [32]byte) func(uint64, p2p.ID) ([32]byte, bool) {
	return func(session uint64, _ p2p.ID) ([32]byte, bool) { return key, session == testNumber }
}

func wantBroken(t *testing.T, o outcome, viewer error) {
	t.Helper()
	if o.host != nil || o.viewer != nil || o.hostErr == nil || o.viewerErr == nil {
		t.Errorf("a session opened: viewer %v, host %v", o.viewerErr, o.hostErr)
	}
	if viewer != nil {
		wantErr(t, "viewer", o.viewerErr, viewer)
	}
}

// TestVerifierNotEquivalent (T20): a thief of the host's disk has w0 and L. He does
// not get in, also not when he goes on where an honest viewer stops.
func TestVerifierNotEquivalent(t *testing.T) {
	w := newWorld(t)
	stolen := w.door.Verifier
	for name, w1 := range map[string][]byte{
		"w0 as w1":    stolen.W0,
		"X of L":      stolen.L[1:33],
		"Y of L":      stolen.L[33:],
		"random":      randomBytes(t, 32),
		"one, so V=Y": append(make([]byte, 31), 1),
	} {
		w.open(invite.DoorOptions{})
		pad := make([]byte, 8)
		forged := append(append(append(pad, stolen.W0...), pad...), w1...)
		o := w.meet(WithStretched(testNumber, forged), nil)
		wantErr(t, name, o.viewerErr, ErrWrongCode)
		wantErr(t, name+", host", o.hostErr, ErrWrongCode)
		if w.door.Failures() != 1 {
			t.Errorf("%s: %d failures", name, w.door.Failures())
		}

		w.open(invite.DoorOptions{})
		wantErr(t, name+", going on", w.cheat(stolen, w1), ErrWrongCode)
	}
}

// cheat is a viewer that does not mind a wrong confirmV and sends the confirmP
// of its own key. It returns the host's error.
func (w *world) cheat(stolen Verifier, w1 []byte) error {
	w.t.Helper()
	sv, sh := securetest.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
		done <- err
	}()
	v := &viewer{talk: newTalk(sv), me: w.viewer, host: w.host.id, cred: w.cred(), rand: rand.Reader}
	if _, err := v.greet(); err != nil {
		w.t.Fatal(err)
	}
	x, _ := randomScalar(rand.Reader)
	shareP, _ := proverShare(x, stolen.W0)
	m4, err := v.guess(shareP)
	if err != nil {
		w.t.Fatal(err)
	}
	z, vv, err := proverPoints(x, stolen.W0, w1, m4[:pointLen])
	if err != nil {
		w.t.Fatal(err)
	}
	tt := transcript(pakeContext(v.m1, v.m2), []byte(w.viewer.id), []byte(w.host.id), shareP, m4[:pointLen], z, vv, stolen.W0)
	keys, err := schedule(tt, shareP, m4[:pointLen])
	if err != nil {
		w.t.Fatal(err)
	}
	th := handshakeHash(v.m1, v.m2, shareP, m4, keys.confirmP[:])
	psk, _ := pakePSK(keys.shared[:], th)
	go v.seal(th, psk, keys.confirmP[:])
	return <-done
}

// TestVerifierSalted (L9, L10): the same secret twice, two verifiers that have
// nothing in common.
func TestVerifierSalted(t *testing.T) {
	a, err := NewVerifier("73044187", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewVerifier("73044187", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.Salt == b.Salt || equal(a.W0, b.W0) || equal(a.L, b.L) {
		t.Error("two verifiers share a field")
	}
}

// TestTranscriptFitsEveryCode (T15, T19): what an eavesdropper has recorded
// holds neither the secret nor what was made from it, and leads for every
// secret he tries to two points as good as any others: nothing tells him that
// he has found the right one.
func TestTranscriptFitsEveryCode(t *testing.T) {
	w := newWorld(t)
	recorded := map[bool][][]byte{}
	var mu sync.Mutex
	o := w.meet(w.cred(), &mitm{edit: func(v bool, _ int, b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		recorded[v] = append(recorded[v], clone(b))
		return b
	}})
	if o.hostErr != nil {
		t.Fatal(o.hostErr)
	}
	mu.Lock()
	defer mu.Unlock()
	all := bytes.Join(append(recorded[true], recorded[false]...), nil)
	w0, w1, err := split(w.right)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string][]byte{
		"w0s": w.right[:40], "w1s": w.right[40:], "w0": w0, "w1": w1, "L": w.door.Verifier.L,
		"hash of w0": handshakeHash(w0), "stream keys": o.viewer.master,
	} {
		if bytes.Contains(all, secret) {
			t.Error("the wire shows", name)
		}
	}
	shareP, shareV := recorded[true][1][2:], recorded[false][1][2:2+pointLen]
	for i := range 500 {
		guess := w0
		if i > 0 {
			guess, _ = randomScalar(rand.Reader)
		}
		for share, by := range map[string]*nistec.P256Point{string(shareP): pointM, string(shareV): pointN} {
			p, err := unblind([]byte(share), guess, by)
			if err != nil || p.IsInfinity() == 1 {
				t.Fatalf("guess %d stands out: %v", i, err)
			}
		}
	}
}

// TestHandshakeReplay: an eavesdropper plays the viewer's bytes again.
func TestHandshakeReplay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.open(invite.DoorOptions{Uses: 2})
		var said []byte
		o := w.meet(w.cred(), &mitm{edit: func(v bool, i int, b []byte) []byte {
			if v {
				said = append(said, b...)
			}
			return b
		}})
		if o.hostErr != nil {
			t.Fatal(o.hostErr)
		}
		sv, sh := securetest.Pipe()
		sv.Write(said)
		_, err := Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
		wantErr(t, "replayed handshake", err, ErrWrongCode)
		if w.door.Failures() != 1 {
			t.Errorf("%d failures, want 1", w.door.Failures())
		}
		sleep(time.Second)
	})
}
