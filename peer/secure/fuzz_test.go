package secure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
	"sightline/peer/wire"
)

// script is a stream whose other side says these bytes and listens to nothing.
type script struct{ *bytes.Reader }

func newScript(b []byte) script { return script{bytes.NewReader(b)} }

func (script) Write(p []byte) (int, error)   { return len(p), nil }
func (script) CloseWrite() error             { return nil }
func (script) Close() error                  { return nil }
func (script) Reset() error                  { return nil }
func (script) SetDeadline(t time.Time) error { return nil }

// sameRandom makes both ends of a conversation say the same every time, so
// that a recorded conversation is a seed that gets through to its end.
func sameRandom(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// recorded is a fixed host and a fixed viewer with one recorded conversation.
type recorded struct {
	w                      *world
	resume                 [32]byte
	fromViewer, fromHost   []byte // mode 1
	viewerAgain, hostAgain []byte // mode 4
}

func record(t testing.TB) *recorded {
	t.Helper()
	r := &recorded{resume: [32]byte{7}}
	key := func(seed byte) Identity {
		return vectorIdentity(t, bytes.Repeat([]byte{seed}, 32), bytes.Repeat([]byte{seed + 1}, 32))
	}
	r.w = &world{t: t, viewer: key(1), host: key(3), right: bytes.Repeat([]byte{5}, stretchedLen)}
	r.fromViewer, r.fromHost = r.play(t, r.w.cred())
	r.viewerAgain, r.hostAgain = r.play(t, WithResume(testNumber, r.resume))
	return r
}

func (r *recorded) play(t testing.TB, cred Credential) (fromViewer, fromHost []byte) {
	t.Helper()
	a, b := securetest.Pipe()
	sv, sh := &recorder{Stream: a}, &recorder{Stream: b}
	done := make(chan error, 1)
	go func() {
		_, err := r.admit(t, sh)
		done <- err
	}()
	_, err := r.join(sv, cred)
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	return sv.wrote, sh.wrote
}

func (r *recorded) join(s Stream, cred Credential) (*Session, error) {
	cred.suite = suiteAESGCM
	return join(context.Background(), s, r.w.viewer, r.w.host.id, cred, sameRandom(1))
}

func (r *recorded) admit(t testing.TB, s Stream) (*Session, error) {
	w := *r.w
	w.t = t
	w.open(invite.DoorOptions{})
	w.doors.Resume = func(uint64, p2p.ID) ([32]byte, bool) { return r.resume, true }
	return admit(context.Background(), s, w.host, w.viewer.id, w.doors, sameRandom(2))
}

// FuzzHandshakeHost: a hostile viewer says anything. Only the recorded bytes of
// an honest one open a session.
func FuzzHandshakeHost(f *testing.F) {
	r := record(f)
	f.Add(r.fromViewer)
	f.Add(r.viewerAgain)
	f.Add(r.fromViewer[:2+lenM1])
	f.Add(r.fromViewer[:2+lenM1+2+lenM3])
	f.Add(framed(make([]byte, lenM1)))
	f.Add([]byte{0xff, 0xff, 'S', 'L', 'P', '1'})
	f.Fuzz(func(t *testing.T, b []byte) {
		ses, err := r.admit(t, newScript(b))
		honest := bytes.HasPrefix(b, r.fromViewer) || bytes.HasPrefix(b, r.viewerAgain)
		if (err == nil) != honest || (ses != nil) != honest {
			t.Fatalf("session %v, %v", ses, err)
		}
	})
}

// FuzzHandshakeViewer: a hostile host says anything.
func FuzzHandshakeViewer(f *testing.F) {
	r := record(f)
	f.Add(false, r.fromHost)
	f.Add(true, r.hostAgain)
	f.Add(false, r.fromHost[:2+lenM2+2+lenM4])
	for s := range byte(7) {
		f.Add(s%2 == 0, framed(m2{status: status(s), wait: 1 << 31}.append(nil)))
	}
	f.Fuzz(func(t *testing.T, resume bool, b []byte) {
		cred, said := r.w.cred(), r.fromHost
		if resume {
			cred, said = WithResume(testNumber, r.resume), r.hostAgain
		}
		ses, err := r.join(newScript(b), cred)
		honest := bytes.HasPrefix(b, said)
		if (err == nil) != honest || (ses != nil) != honest {
			t.Fatalf("session %v, %v", ses, err)
		}
	})
}

// FuzzRecordReader: any bytes as records, and any plaintexts under the right
// key. Nothing panics, everything ends, and what an honest writer wrote comes
// out as it went in.
func FuzzRecordReader(f *testing.F) {
	f.Add(byte(wire.Screen), byte(0), []byte("hello"))
	f.Add(byte(wire.Input), byte(1), []byte{1, 0, 1, 'x'})
	f.Add(byte(wire.Input), byte(1), append([]byte{1, 0, 1, 'x'}, make([]byte, 60)...))
	f.Add(byte(wire.Screen), byte(1), []byte{0})
	f.Add(byte(wire.Screen), byte(2), []byte{0, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Add(byte(wire.Screen), byte(2), []byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, channel, kind byte, b []byte) {
		near, far := fuzzPair(t, wire.Channel(channel))
		switch kind % 3 {
		case 0: // honest
			if len(b) > maxPlain {
				return
			}
			near.Write(b)
			near.Close()
			if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%d bytes became %d, %v", len(b), len(got), err)
			}
			return
		case 1: // authentic nonsense
			if len(b) == 0 || len(b) > maxPlain {
				return
			}
			near.st.Write(sealWith(t, near.write.cipher, b))
		case 2: // noise
			near.st.Write(b)
		}
		near.st.CloseWrite()
		got, err := io.ReadAll(far)
		switch {
		case kind%3 == 2 && (err == nil || len(got) > 0):
			t.Fatalf("read %q, %v from noise", got, err)
		case err == nil && b[0] != recordFIN:
			t.Fatal("an end without FIN")
		case len(far.read.buf) > recordHead+maxCipher:
			t.Fatalf("buffer of %d bytes", len(far.read.buf))
		}
	})
}

func fuzzPair(t testing.TB, ch wire.Channel) (near, far *Sealed) {
	t.Helper()
	v, h := bareSessions(t)
	a, b := securetest.Pipe()
	near, err := v.Seal(a, ch)
	if err != nil {
		t.Fatal(err)
	}
	head, err := ReadHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if far, err = h.Open(head, b); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// bareSessions are two ends that need no handshake.
func bareSessions(t testing.TB) (viewer, host *Session) {
	t.Helper()
	bare := func(viewer bool, next uint32) *Session {
		return &Session{suite: suiteAESGCM, viewer: viewer, sid: [8]byte{1}, broken: make(chan struct{}),
			master: make([]byte, 32), nextNum: next, open: map[*Sealed]struct{}{}}
	}
	return bare(true, 2), bare(false, 1)
}

// FuzzStreamHeader: any bytes as the headers of many streams. A number is
// taken at most once, and only the other side's.
func FuzzStreamHeader(f *testing.F) {
	head := func(num uint32) []byte { return Header{SID: [8]byte{1}, Channel: wire.Screen, Num: num}.append(nil) }
	f.Add(head(2))
	f.Add(bytes.Join([][]byte{head(2), head(4), head(2), head(1), head(0)}, nil))
	f.Add(bytes.Join([][]byte{head(200), head(74), head(72), head(1<<32 - 2)}, nil))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, h := bareSessions(t)
		taken := map[uint32]bool{}
		for st := newScript(b); st.Len() > 0; {
			before := st.Len()
			head, err := ReadHeader(st)
			if err != nil {
				if before >= headerLen {
					t.Fatal(err)
				}
				return
			}
			at := len(b) - before
			if st.Len() != before-headerLen || !bytes.Equal(head.append(nil), b[at:at+headerLen]) {
				t.Fatalf("header %v of %x", head, b[at:])
			}
			sealed, err := h.Open(head, st)
			if err != nil {
				continue
			}
			if head.SID != h.sid || taken[head.Num] || head.Num == 0 || head.Num%2 != 0 {
				t.Fatalf("took number %d", head.Num)
			}
			taken[head.Num] = true
			sealed.Reset()
		}
	})
}
