package secure

import (
	"errors"
	"testing"

	"filippo.io/nistec"

	"sightline/peer/invite"
)

// badPoints of one side: w0 and the constant that blinds its share.
func badPoints(t *testing.T, w0 []byte, blind *nistec.P256Point) map[string][]byte {
	good, err := proverShare(append(make([]byte, 31), 5), w0)
	if err != nil {
		t.Fatal(err)
	}
	with := func(prefix byte) []byte { b := clone(good); b[0] = prefix; return b }
	off := clone(good)
	off[64] ^= 1
	undone, err := nistec.NewP256Point().ScalarMult(blind, w0)
	if err != nil {
		t.Fatal(err)
	}
	big := clone(good)
	for i := 1; i < 33; i++ {
		big[i] = 0xff // X >= p
	}
	return map[string][]byte{
		"length 0": {}, "length 1, infinity": {0}, "length 33, compressed": append([]byte{2}, good[1:33]...),
		"length 64": good[:64], "length 66": append(clone(good), 0),
		"02": with(2), "03": with(3), "05": with(5), "06": with(6), "07": with(7), "00": with(0),
		"off the curve": off, "not reduced": big, "all zero": make([]byte, pointLen),
		"04 and zeros":      append([]byte{4}, make([]byte, 64)...),
		"w0 times constant": undone.Bytes(),
	}
}

func TestBadPoints(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w0 := w.door.Verifier.W0
		for name, p := range badPoints(t, w0, pointM) {
			w.open(invite.DoorOptions{})
			o := w.meet(w.cred(), replace(true, 1, framed(p)))
			if o.hostErr == nil || o.viewerErr == nil {
				t.Errorf("shareP %s: %v, %v", name, o.viewerErr, o.hostErr)
			}
			// Whatever depends on the secret has been paid for, the rest is free.
			want := 0
			if name == "w0 times constant" {
				want = 1
			}
			if n := w.door.Failures(); n != want {
				t.Errorf("shareP %s: %d failures, want %d", name, n, want)
			}
			wantErr(t, "shareP "+name, o.viewerErr, ErrAgain) // no M4 came
		}
		for name, p := range badPoints(t, w0, pointN) {
			w.open(invite.DoorOptions{})
			m := replace(false, 1, framed(append(clone(p), make([]byte, macLen)...)))
			o := w.meet(w.cred(), m)
			if o.viewer != nil || o.host != nil || o.viewerErr == nil {
				t.Errorf("shareV %s: %v, %v", name, o.viewerErr, o.hostErr)
			}
			if errors.Is(o.viewerErr, ErrAgain) || errors.Is(o.viewerErr, ErrWrongCode) {
				t.Errorf("shareV %s: %v", name, o.viewerErr)
			}
		}
	})
	for name, p := range badPoints(t, append(make([]byte, 31), 1), pointM) {
		if _, err := parsePoint(p); err == nil && name != "w0 times constant" {
			t.Errorf("parsePoint takes %s", name)
		}
	}
}

func replace(fromViewer bool, message int, by []byte) *mitm {
	return &mitm{edit: func(v bool, i int, b []byte) []byte {
		if v == fromViewer && i == message {
			return by
		}
		return b
	}}
}
