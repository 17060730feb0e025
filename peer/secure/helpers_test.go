package secure

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
)

const testNumber = 48291

// world is one host with an open code and one viewer, on a network that a test
// may tamper with. Secrets are stretched beforehand.
type world struct {
	t            testing.TB
	viewer, host Identity
	right, wrong []byte // stretched secrets
	door         *CodeDoor
	doors        Doors
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, viewer: newTestIdentity(t), host: newTestIdentity(t)}
	w.right, w.wrong = randomBytes(t, stretchedLen), randomBytes(t, stretchedLen)
	w.open(invite.DoorOptions{})
	return w
}

// open gives the host a fresh door.
func (w *world) open(o invite.DoorOptions) {
	w.t.Helper()
	v, err := VerifierFor(w.right, [saltLen]byte{1, 2, 3})
	if err != nil {
		w.t.Fatal(err)
	}
	w.door = &CodeDoor{Door: invite.NewDoor(testNumber, o), Verifier: v}
	w.doors = Doors{
		Code: func(n uint64) *CodeDoor {
			if n != testNumber {
				return nil
			}
			return w.door
		},
		Porch: new(Porch),
	}
}

func (w *world) cred() Credential { return WithStretched(testNumber, w.right) }

// outcome of one handshake.
type outcome struct {
	viewer, host       *Session
	viewerErr, hostErr error
}

// meet plays one handshake between the two ends of a wire, nil for an honest
// one, to its end.
func (w *world) meet(cred Credential, m *mitm) outcome {
	if m == nil {
		m = &mitm{}
	}
	sv, sh := m.wire()
	var o outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.host, o.hostErr = Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
	}()
	o.viewer, o.viewerErr = Join(context.Background(), sv, w.viewer, w.host.id, cred)
	<-done
	w.t.Cleanup(func() {
		for _, ses := range []*Session{o.viewer, o.host} {
			if ses != nil {
				ses.Close()
			}
		}
		sv.Reset()
		sh.Reset()
	})
	return o
}

// sessions returns the two ends of a session over an honest wire.
func (w *world) sessions() (viewer, host *Session) {
	w.t.Helper()
	w.open(invite.DoorOptions{})
	sv, sh := securetest.Pipe()
	done := make(chan error, 1)
	go func() {
		var err error
		host, err = Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
		done <- err
	}()
	viewer, err := Join(context.Background(), sv, w.viewer, w.host.id, w.cred())
	if err := errors.Join(err, <-done); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { viewer.Close(); host.Close() })
	return viewer, host
}

// mitm stands between viewer and host and sees whole messages (u16 | body) and,
// after the handshake, whole records. edit gets each one and returns what goes
// on instead; nil drops it.
type mitm struct {
	edit func(fromViewer bool, index int, message []byte) []byte
}

func (m *mitm) wire() (viewer, host *securetest.Stream) {
	viewer, left := securetest.Pipe()
	right, host := securetest.Pipe()
	go m.forward(true, left, right)
	go m.forward(false, right, left)
	return viewer, host
}

func (m *mitm) forward(fromViewer bool, from, to *securetest.Stream) {
	for i := 0; ; i++ {
		message, err := readFramed(from)
		if err != nil {
			if errors.Is(err, io.EOF) {
				to.CloseWrite()
				return
			}
			to.Reset()
			return
		}
		if m.edit != nil {
			message = m.edit(fromViewer, i, message)
		}
		to.Write(message) // who no longer listens may still be talking
	}
}

// readFramed returns one message with its length in front.
func readFramed(r io.Reader) ([]byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(head))
	_, err := io.ReadFull(r, body)
	return append(head, body...), err
}

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

func newTestIdentity(t testing.TB) Identity {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	me, err := NewIdentity(key)
	if err != nil {
		t.Fatal(err)
	}
	return me
}

func newTestPeer(t testing.TB) p2p.ID { return newTestIdentity(t).id }

func randomBytes(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// bubble runs f with simulated time; a goroutine left over fails the test.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func clone(b []byte) []byte { return bytes.Clone(b) }

func sleep(d time.Duration) { time.Sleep(d) } // inside a bubble: simulated
