package secure

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
)

func TestHandshake(t *testing.T) {
	for _, suite := range []byte{suiteAESGCM, suiteChaChaPoly} {
		t.Run(fmt.Sprint("suite ", suite), func(t *testing.T) {
			w := newWorld(t)
			cred := w.cred()
			cred.suite = suite
			o := w.meet(cred, nil)
			if o.viewerErr != nil || o.hostErr != nil {
				t.Fatal(o.viewerErr, o.hostErr)
			}
			v, h := o.viewer, o.host
			if v.SID() != h.SID() || v.Binding() != h.Binding() || v.ID() != h.ID() || !bytes.Equal(v.master, h.master) {
				t.Error("the two ends do not hold the same session")
			}
			if v.Remote() != w.host.id || h.Remote() != w.viewer.id || v.Mode() != ModeCode {
				t.Error("a session names the wrong peer or mode")
			}
			if w.door.Failures() != 0 || !errors.Is(w.door.Err(), invite.ErrUsed) {
				t.Errorf("door: %d failures, %v", w.door.Failures(), w.door.Err())
			}
			wantTalk(t, v.Control(), h.Control())
			wantTalk(t, h.Control(), v.Control())
		})
	}
}

func wantTalk(t *testing.T, from, to io.ReadWriter) {
	t.Helper()
	if _, err := from.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(to, got); err != nil || string(got) != "hello" {
		t.Fatalf("read %q, %v", got, err)
	}
}

// TestOpenCode goes once the whole way that a product goes, stretching and all.
func TestOpenCode(t *testing.T) {
	w := newWorld(t)
	code, err := invite.New("48291", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if w.door, err = OpenCode(code, invite.DoorOptions{}, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if o := w.meet(WithCode(code.NumberValue(), code.Secret), nil); o.viewerErr != nil || o.hostErr != nil {
		t.Fatal(o.viewerErr, o.hostErr)
	}
}

func TestResume(t *testing.T) {
	w := newWorld(t)
	key := [32]byte(randomBytes(t, 32))
	known := w.viewer.id
	w.doors.Resume = func(session uint64, viewer p2p.ID) ([32]byte, bool) {
		return key, session == 7 && viewer == known
	}
	o := w.meet(WithResume(7, key), nil)
	if o.viewerErr != nil || o.hostErr != nil {
		t.Fatal(o.viewerErr, o.hostErr)
	}
	if o.host.Mode() != ModeResume || w.door.Failures() != 0 || w.door.Err() != nil {
		t.Error("resuming touched the code")
	}
	wantTalk(t, o.viewer.Control(), o.host.Control())

	o = w.meet(WithResume(8, key), nil)
	wantErr(t, "unknown session", o.viewerErr, ErrClosed)
	wantErr(t, "unknown session", o.hostErr, ErrClosed)

	// A wrong key shows at noise 3. The viewer sees no session either: M8 does
	// not come.
	o = w.meet(WithResume(7, [32]byte{1}), nil)
	wantErr(t, "wrong key, host", o.hostErr, ErrTampered)
	if o.viewer != nil {
		if _, err := o.viewer.Control().Read(make([]byte, 1)); !errors.Is(err, ErrTruncated) {
			t.Errorf("wrong key, viewer reads: %v", err)
		}
	}

	w.viewer = newTestIdentity(t)
	o = w.meet(WithResume(7, key), nil)
	wantErr(t, "somebody else's session", o.viewerErr, ErrClosed)
}

func TestRefusals(t *testing.T) {
	expired := func(w *world) { w.open(invite.DoorOptions{Life: time.Nanosecond}); sleep(time.Second) }
	for _, row := range []struct {
		name  string
		setUp func(w *world)
		cred  func(w *world) Credential
		want  error
	}{
		{"door of another number", func(w *world) {
			w.doors.Code = func(uint64) *CodeDoor { return w.door }
		}, func(w *world) Credential { return WithStretched(testNumber+1, w.right) }, ErrClosed},
		{"other number", nil, func(w *world) Credential { return WithStretched(testNumber+1, w.right) }, ErrClosed},
		{"expired", expired, (*world).cred, ErrClosed},
		{"burnt", func(w *world) { w.door.Burn() }, (*world).cred, ErrClosed},
		{"no verifier", func(w *world) { w.door.Verifier = Verifier{} }, (*world).cred, ErrClosed},
		{"codes off", func(w *world) { w.doors.Code = nil }, (*world).cred, ErrModeOff},
		{"resume off", nil, func(*world) Credential { return WithResume(1, [32]byte{1}) }, ErrModeOff},
		{"password", nil, func(*world) Credential { return Credential{mode: ModePass} }, ErrModeOff},
		{"trusted key", nil, func(*world) Credential { return Credential{mode: ModeKey} }, ErrModeOff},
		{"zero key", func(w *world) {
			w.doors.Resume = func(uint64, p2p.ID) (k [32]byte, ok bool) { return k, true }
		}, func(*world) Credential { return WithResume(1, [32]byte{}) }, ErrClosed},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				if row.setUp != nil {
					row.setUp(w)
				}
				o := w.meet(row.cred(w), nil)
				wantErr(t, "viewer", o.viewerErr, row.want)
				wantErr(t, "host", o.hostErr, row.want)
				if n := w.door.Failures(); n != 0 {
					t.Errorf("%d failures charged", n)
				}
			})
		})
	}
}

// TestPorch: the 65th idle stranger and the third stream of one peer are told
// that the host is busy; places come free.
func TestPorch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, leave := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		idle := func(peer p2p.ID) {
			_, sh := securetest.Pipe()
			wg.Go(func() { Admit(ctx, sh, w.host, peer, w.doors) })
		}
		idle(w.viewer.id)
		idle(w.viewer.id)
		sleep(time.Millisecond)
		o := w.meet(w.cred(), nil)
		wantErr(t, "third of one peer", o.viewerErr, ErrBusy)
		wantErr(t, "third of one peer, host", o.hostErr, ErrBusy)
		for range 62 {
			idle(newTestPeer(t))
		}
		sleep(time.Millisecond)
		w.viewer = newTestIdentity(t)
		wantErr(t, "65th", w.meet(w.cred(), nil).viewerErr, ErrBusy)
		leave()
		wg.Wait()
		if o := w.meet(w.cred(), nil); o.viewerErr != nil {
			t.Error("after they left:", o.viewerErr)
		}
		if w.doors.Porch.before != 0 || w.doors.Porch.after != 0 || len(w.doors.Porch.peers) != 0 {
			t.Errorf("places left over: %+v", w.doors.Porch)
		}
	})
}

// TestPorchAfterM3: the ninth guess at once is turned away uncharged and may
// come again.
func TestPorchAfterM3(t *testing.T) {
	w := newWorld(t)
	w.doors.Porch.after = 8
	o := w.meet(w.cred(), nil)
	wantErr(t, "viewer", o.viewerErr, ErrAgain)
	wantErr(t, "host", o.hostErr, ErrBusy)
	if n := w.door.Failures(); n != 0 {
		t.Errorf("%d failures charged", n)
	}
}

// TestHandshakeTime: who does not speak is put out of the door.
func TestHandshakeTime(t *testing.T) {
	for _, row := range []struct {
		name string
		say  func(s Stream)
		want time.Duration
	}{
		{"silent", func(Stream) {}, 2 * time.Second},
		{"half a message", func(s Stream) { s.Write([]byte{0, 32, 'S'}) }, 2 * time.Second},
		{"silent after M2", func(s Stream) { s.Write(framed(validM1())) }, 10 * time.Second},
		{"slow all along", func(s Stream) {
			sleep(1900 * time.Millisecond)
			s.Write(framed(validM1()))
			sleep(9900 * time.Millisecond)
			one := append(make([]byte, 31), 1)
			shareP, _ := proverShare(one, one)
			s.Write(framed(shareP))
		}, 20 * time.Second},
		{"dripping", func(s Stream) {
			s.Write(framed(validM1()))
			for range 20 {
				sleep(time.Second)
				s.Write([]byte{0})
			}
		}, 10 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				sv, sh := securetest.Pipe()
				var said sync.WaitGroup
				said.Go(func() { row.say(sv) })
				start := time.Now()
				_, err := Admit(context.Background(), sh, w.host, w.viewer.id, w.doors)
				if took := time.Since(start); err == nil || took > row.want {
					t.Errorf("after %v: %v", took, err)
				}
				said.Wait()
			})
		})
	}
}

func validM1() []byte {
	return m1{version: 1, mode: ModeCode, suite: suiteAESGCM, number: testNumber}.append(nil)
}

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		reason := errors.New("the user has gone")
		for name, run := range map[string]func(context.Context, Stream) error{
			"join": func(ctx context.Context, s Stream) error {
				_, err := Join(ctx, s, w.viewer, w.host.id, w.cred())
				return err
			},
			"admit": func(ctx context.Context, s Stream) error {
				_, err := Admit(ctx, s, w.host, w.viewer.id, w.doors)
				return err
			},
		} {
			ctx, cancel := context.WithCancelCause(context.Background())
			s, other := securetest.Pipe()
			time.AfterFunc(time.Second, func() { cancel(reason) })
			wantErr(t, name, run(ctx, s), reason)
			if _, err := other.Write([]byte{1}); err == nil {
				t.Errorf("%s left its stream open", name)
			}
		}
	})
}

func TestIdentityKinds(t *testing.T) {
	ec, _, err := crypto.GenerateECDSAKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewIdentity(ec)
	wantErr(t, "ECDSA identity", err, ErrWrongPeer)
	other, err := p2p.IDFromPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	s, _ := securetest.Pipe()
	_, err = Join(context.Background(), s, w.viewer, other, w.cred())
	wantErr(t, "ECDSA host", err, ErrWrongPeer)
	s, _ = securetest.Pipe()
	_, err = Admit(context.Background(), s, w.host, other, w.doors)
	wantErr(t, "ECDSA viewer", err, ErrWrongPeer)
}

// TestCertificate: each field of a certificate counts.
func TestCertificate(t *testing.T) {
	me, other := newTestIdentity(t), newTestIdentity(t)
	cert, err := me.certify(roleHost)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCert(cert, me.id, roleHost, me.static.Public); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "other role", checkCert(cert, me.id, roleViewer, me.static.Public), ErrWrongPeer)
	wantErr(t, "other peer", checkCert(cert, other.id, roleHost, me.static.Public), ErrWrongPeer)
	wantErr(t, "other key", checkCert(cert, me.id, roleHost, other.static.Public), ErrWrongPeer)
	for i := range cert {
		bad := clone(cert)
		bad[i] ^= 1
		wantErr(t, fmt.Sprint("byte ", i), checkCert(bad, me.id, roleHost, me.static.Public), ErrWrongPeer)
	}
}

// TestForgedIdentity: who knows the code, and has got libp2p to show a peer ID
// that is not his, fails for want of that peer's key, in both modes.
func TestForgedIdentity(t *testing.T) {
	for _, pub := range []string{"own", "victim's"} {
		for _, side := range []string{"viewer", "host"} {
			w := newWorld(t)
			key := [32]byte{9}
			w.doors.Resume = resumeOnly(key)
			liar := &w.viewer
			if side == "host" {
				liar = &w.host
			}
			mallory := newTestIdentity(t)
			mallory.id = liar.id
			if pub == "victim's" {
				mallory.pub = liar.pub
			}
			*liar = mallory
			for _, cred := range []Credential{w.cred(), WithResume(testNumber, key)} {
				o := w.meet(cred, nil)
				caught := o.hostErr
				if side == "host" {
					caught = o.viewerErr
				}
				wantErr(t, fmt.Sprintf("%s with %s key, %v", side, pub, cred), caught, ErrWrongPeer)
				if o.host != nil {
					t.Error("the host opened a session")
				}
			}
		}
	}
}

// TestNothingSecretIsPrinted: no verb of fmt shows a key or a secret.
func TestNothingSecretIsPrinted(t *testing.T) {
	w := newWorld(t)
	v, _ := w.sessions()
	secrets := map[string][]byte{
		"secret": []byte("73044182"), "w0": w.door.Verifier.W0, "static": w.host.static.Private,
		"master": v.master, "stretched": w.right,
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		shown := fmt.Sprintf(strings.Repeat(verb+" ", 6), WithCode(1, "73044182"), w.cred(),
			w.door.Verifier, w.host, v, &w.door.Verifier)
		for name, secret := range secrets {
			for _, form := range []string{string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%d", secret)} {
				if strings.Contains(shown, strings.Trim(form, "[]")) {
					t.Errorf("%s shows %s: %s", verb, name, shown)
				}
			}
		}
	}
}
