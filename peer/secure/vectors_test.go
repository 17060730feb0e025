package secure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/flynn/noise"
	"github.com/libp2p/go-libp2p/core/crypto"

	"sightline/peer/invite"
	"sightline/peer/secure/securetest"
	"sightline/peer/wire"
)

func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// vector is a JSON object of hexadecimal strings.
type vector map[string]any

func (v vector) text(t testing.TB, key string) string {
	t.Helper()
	s, ok := v[key].(string)
	if !ok {
		t.Fatalf("vector has no %q", key)
	}
	return s
}

func (v vector) bytes(t testing.TB, key string) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.text(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vector) want(t testing.TB, key string, got []byte) {
	t.Helper()
	if want := v.bytes(t, key); !bytes.Equal(got, want) {
		t.Errorf("%s\n got %x\nwant %x", key, got, want)
	}
}

// TestSPAKE2PlusVectors replays RFC 9383 appendix C on our suite.
func TestSPAKE2PlusVectors(t *testing.T) {
	var file struct{ Vectors []vector }
	readVectors(t, "spake2plus-rfc9383.json", &file)
	ran := 0
	for _, v := range file.Vectors {
		if v.text(t, "suite") != "P256-SHA256-HKDF-SHA256-HMAC-SHA256" {
			continue
		}
		ran++
		w0, w1 := v.bytes(t, "w0"), v.bytes(t, "w1")
		x, y := v.bytes(t, "x"), v.bytes(t, "y")
		shareP, err := proverShare(x, w0)
		if err != nil {
			t.Fatal(err)
		}
		v.want(t, "shareP", shareP)
		shareV, err := verifierShare(y, w0)
		if err != nil {
			t.Fatal(err)
		}
		v.want(t, "shareV", shareV)
		zp, vp, err := proverPoints(x, w0, w1, shareV)
		if err != nil {
			t.Fatal(err)
		}
		v.want(t, "Z", zp)
		v.want(t, "V", vp)
		zv, vv, err := verifierPoints(y, w0, v.bytes(t, "L"), shareP)
		if err != nil {
			t.Fatal(err)
		}
		v.want(t, "Z", zv)
		v.want(t, "V", vv)
		tt := transcript([]byte(v.text(t, "context")), []byte(v.text(t, "idProver")),
			[]byte(v.text(t, "idVerifier")), shareP, shareV, zp, vp, w0)
		v.want(t, "TT", tt)
		keys, err := schedule(tt, shareP, shareV)
		if err != nil {
			t.Fatal(err)
		}
		main := sha256.Sum256(tt)
		v.want(t, "K_main", main[:])
		confirm, err := confirmationKeys(main[:])
		if err != nil {
			t.Fatal(err)
		}
		v.want(t, "K_confirmP", confirm[:macLen])
		v.want(t, "K_confirmV", confirm[macLen:])
		v.want(t, "confirmP", keys.confirmP[:])
		v.want(t, "confirmV", keys.confirmV[:])
		v.want(t, "K_shared", keys.shared[:])
	}
	if ran != 1 {
		t.Fatalf("replayed %d vectors, want 1", ran)
	}
}

// TestNoiseVectors replays three vectors of cacophony, so that a change of the
// library does not go unseen. What comes after the handshake goes through our
// own record cipher.
func TestNoiseVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name     string   `json:"protocol_name"`
			Prologue string   `json:"init_prologue"`
			PSKs     []string `json:"init_psks"`
			InitS    string   `json:"init_static"`
			InitE    string   `json:"init_ephemeral"`
			RespS    string   `json:"resp_static"`
			RespE    string   `json:"resp_ephemeral"`
			Hash     string   `json:"handshake_hash"`
			Messages []struct{ Payload, Ciphertext string }
		}
	}
	readVectors(t, "noise-xx-xxpsk3.json", &file)
	if len(file.Vectors) != 3 {
		t.Fatalf("%d vectors, want 3", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			suite := byte(suiteAESGCM)
			if strings.Contains(v.Name, "ChaChaPoly") {
				suite = suiteChaChaPoly
			}
			start := func(static, ephemeral string, initiator bool) *noise.HandshakeState {
				key, err := noise.DH25519.GenerateKeypair(bytes.NewReader(unhex(t, static)))
				if err != nil {
					t.Fatal(err)
				}
				c := noise.Config{CipherSuite: cipherSuite(suite), Random: bytes.NewReader(unhex(t, ephemeral)),
					Pattern: noise.HandshakeXX, Initiator: initiator, Prologue: unhex(t, v.Prologue), StaticKeypair: key}
				if len(v.PSKs) > 0 {
					c.PresharedKey, c.PresharedKeyPlacement = unhex(t, v.PSKs[0]), 3
				}
				hs, err := noise.NewHandshakeState(c)
				if err != nil {
					t.Fatal(err)
				}
				return hs
			}
			from, to := start(v.InitS, v.InitE, true), start(v.RespS, v.RespE, false)
			var toR, toI *noise.CipherState
			for _, m := range v.Messages[:3] {
				got, a, b, err := from.WriteMessage(nil, unhex(t, m.Payload))
				if err != nil {
					t.Fatal(err)
				}
				if want := unhex(t, m.Ciphertext); !bytes.Equal(got, want) {
					t.Fatalf("message\n got %x\nwant %x", got, want)
				}
				plain, _, _, err := to.ReadMessage(nil, got)
				if err != nil || !bytes.Equal(plain, unhex(t, m.Payload)) {
					t.Fatalf("read: %x, %v", plain, err)
				}
				toR, toI = a, b
				from, to = to, from
			}
			if got := from.ChannelBinding(); !bytes.Equal(got, unhex(t, v.Hash)) {
				t.Errorf("handshake hash %x", got)
			}
			ciphers := []*recordCipher{cipherOf(t, suite, toI), cipherOf(t, suite, toR)}
			for i, m := range v.Messages[3:] { // the responder writes first
				plain := append(make([]byte, 0, 100), unhex(t, m.Payload)...)
				got, err := ciphers[i%2].seal(plain)
				if err != nil {
					t.Fatal(err)
				}
				if want := unhex(t, m.Ciphertext); !bytes.Equal(got, want) {
					t.Errorf("transport %d\n got %x\nwant %x", i, got, want)
				}
			}
		})
	}
}

func cipherOf(t *testing.T, suite byte, cs *noise.CipherState) *recordCipher {
	t.Helper()
	key := cs.UnsafeKey()
	c, err := newRecordCipher(suite, key[:])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSessionVector replays a whole session of mode 1 through Join and Admit
// and compares every byte on the wire and every key.
func TestSessionVector(t *testing.T) {
	var v vector
	readVectors(t, "session-v1.json", &v)
	hex := func(key string) []byte { return v.bytes(t, key) }
	viewer := vectorIdentity(t, hex("viewer_identity_seed"), hex("viewer_static_private"))
	host := vectorIdentity(t, hex("host_identity_seed"), hex("host_static_private"))
	v.want(t, "viewer_peer_id", []byte(viewer.id))
	v.want(t, "host_peer_id", []byte(host.id))
	v.want(t, "viewer_static_public", viewer.static.Public)
	v.want(t, "host_static_public", host.static.Public)

	salt := [saltLen]byte(hex("salt"))
	stretched := Stretch(v.text(t, "secret_digits"), salt)
	w0, w1, err := split(stretched)
	if err != nil {
		t.Fatal(err)
	}
	v.want(t, "w0", w0)
	v.want(t, "w1", w1)
	verifier, err := VerifierFor(stretched, salt)
	if err != nil {
		t.Fatal(err)
	}
	v.want(t, "L", verifier.L)

	number := uint64(v["session_number"].(float64))
	door := &CodeDoor{Door: invite.NewDoor(number, invite.DoorOptions{}), Verifier: verifier}
	m1, m2 := hex("m1"), hex("m2")
	viewerRand := sequence(m1[16:], hex("x"), hex("viewer_ephemeral_private"), hex("sV"))
	hostRand := sequence(m2[22:], hex("y"), hex("sH"), hex("host_ephemeral_private"))
	cred := WithCode(number, v.text(t, "secret_digits"))
	cred.suite = suiteAESGCM

	a, b := securetest.Pipe()
	sv, sh := &recorder{Stream: a}, &recorder{Stream: b}
	admitted := make(chan *Session, 1)
	go func() {
		ses, err := admit(context.Background(), sh, host, viewer.id,
			Doors{Code: func(uint64) *CodeDoor { return door }, Porch: new(Porch)}, hostRand)
		if err != nil {
			t.Error(err)
		}
		admitted <- ses
	}()
	sesV, err := join(context.Background(), sv, viewer, host.id, cred, viewerRand)
	if err != nil {
		t.Fatal(err)
	}
	sesH := <-admitted
	if sesH == nil {
		return
	}
	m5 := append(hex("confirmP"), hex("noise1")...)
	wantWire(t, "viewer", sv.wrote, m1, hex("m3"), m5, hex("noise3"))
	wantWire(t, "host", sh.wrote, m2, hex("m4"), hex("noise2"))
	for _, ses := range []*Session{sesV, sesH} {
		v.want(t, "handshake_hash", ses.binding[:])
		v.want(t, "stream_master", ses.master)
	}
	v.want(t, "context", pakeContext(m1, m2))
	th := handshakeHash(m1, m2, hex("m3"), hex("m4"), hex("confirmP"))
	v.want(t, "transcript_hash", th)
	psk, err := pakePSK(hex("K_shared"), th)
	if err != nil {
		t.Fatal(err)
	}
	v.want(t, "psk", psk)

	wantCipher(t, v, sesV.control.write.cipher, "control_v2h_record0")
	wantCipher(t, v, sesH.control.write.cipher, "control_h2v_record0")
	h := Header{SID: sesH.sid, Channel: wire.Screen, Num: 1}
	key, err := streamKey(sesH.master, h, toViewer)
	if err != nil {
		t.Fatal(err)
	}
	v.want(t, "stream_type2_num1_h2v_key", key)
	c, err := newRecordCipher(suiteAESGCM, key)
	if err != nil {
		t.Fatal(err)
	}
	wantCipher(t, v, c, "stream_h2v_record0")
	wantCipher(t, v, c, "stream_h2v_record1")
	if err := c.rekey(); err != nil {
		t.Fatal(err)
	}
	wantCipher(t, v, c, "stream_h2v_record2_after_rekey")
}

func vectorIdentity(t testing.TB, seed, static []byte) Identity {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	me, err := newIdentity(key, bytes.NewReader(static))
	if err != nil {
		t.Fatal(err)
	}
	return me
}

func wantCipher(t *testing.T, v vector, c *recordCipher, name string) {
	t.Helper()
	plain := append(make([]byte, 0, 100), v.bytes(t, name+"_plain")...)
	got, err := c.seal(plain)
	if err != nil {
		t.Fatal(err)
	}
	v.want(t, name, got)
}

func wantWire(t *testing.T, who string, got []byte, bodies ...[]byte) {
	t.Helper()
	var want []byte
	for _, b := range bodies {
		want = append(want, byte(len(b)>>8), byte(len(b)))
		want = append(want, b...)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s wrote\n got %x\nwant %x", who, got, want)
	}
}

func sequence(parts ...[]byte) io.Reader { return bytes.NewReader(bytes.Join(parts, nil)) }

// recorder keeps what was written.
type recorder struct {
	Stream
	wrote []byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = append(r.wrote, p...)
	return r.Stream.Write(p)
}
