package secure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/flynn/noise"

	"sightline/peer/secure/securetest"
	"sightline/peer/wire"
)

// captured seals messages on a new stream of ses, one record each and a FIN,
// and returns what went over the wire in pieces.
func captured(t testing.TB, ses *Session, ch wire.Channel, messages ...string) (header []byte, records [][]byte) {
	t.Helper()
	near, far := securetest.Pipe()
	st, err := ses.Seal(near, ch)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if _, err := st.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	header = make([]byte, headerLen)
	if _, err := io.ReadFull(far, header); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := readFramed(far)
		if errors.Is(err, io.EOF) {
			return header, records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
}

// deliver gives ses a stream of these bytes and reads it to its end.
func deliver(t testing.TB, ses *Session, header []byte, records ...[]byte) (string, error) {
	t.Helper()
	near, far := securetest.Pipe()
	for _, b := range append([][]byte{header}, records...) {
		if _, err := near.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	near.CloseWrite()
	h, err := ReadHeader(far)
	if err != nil {
		t.Fatal(err)
	}
	st, err := ses.Open(h, far)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(st)
	return string(got), err
}

// wantTampered: what came before the attack arrived, then the session ended on
// every stream.
func wantTampered(t *testing.T, ses *Session, got, want string, err error) {
	t.Helper()
	if got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	wantErr(t, "stream", err, ErrTampered)
	wantErr(t, "session", ses.Err(), ErrTampered)
	select {
	case <-ses.Broken():
	default:
		t.Error("Broken is not closed")
	}
	if _, err := ses.Control().Write([]byte("x")); !errors.Is(err, ErrTampered) {
		t.Errorf("control goes on: %v", err)
	}
	if _, err := ses.Control().Read(make([]byte, 1)); !errors.Is(err, ErrTampered) {
		t.Errorf("control goes on: %v", err)
	}
	if !bytes.Equal(ses.master, make([]byte, 32)) {
		t.Error("the master key was not overwritten")
	}
}

// TestReplay (V22): a record played again has no effect but the end.
func TestReplay(t *testing.T) {
	v, h := newWorld(t).sessions()
	head, r := captured(t, v, wire.Screen, "one", "two")
	got, err := deliver(t, h, head, r[0], r[0], r[1])
	wantTampered(t, h, got, "one", err)
}

func TestReorder(t *testing.T) {
	v, h := newWorld(t).sessions()
	head, r := captured(t, v, wire.Screen, "one", "two", "three")
	got, err := deliver(t, h, head, r[0], r[2], r[1])
	wantTampered(t, h, got, "one", err)
}

func TestDrop(t *testing.T) {
	v, h := newWorld(t).sessions()
	head, r := captured(t, v, wire.Screen, "one", "two", "three")
	got, err := deliver(t, h, head, r[0], r[2])
	wantTampered(t, h, got, "one", err)
}

// TestTruncate: at every byte. What was read is genuine, the end is an error,
// and the session lives on: paths break in honest networks.
func TestTruncate(t *testing.T) {
	v, h := newWorld(t).sessions()
	whole := []string{"one", "two"}
	_, r := captured(t, v, wire.Input, whole...)
	total := len(bytes.Join(r, nil))
	for cut := range total {
		head, r := captured(t, v, wire.Input, whole...)
		got, err := deliver(t, h, head, bytes.Join(r, nil)[:cut])
		want := ""
		for i, at := 0, 0; i < len(whole); i++ {
			if at += len(r[i]); cut >= at {
				want += whole[i]
			}
		}
		if got != want || !errors.Is(err, ErrTruncated) || errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: %q, %v", cut, got, err)
		}
		if len(h.open) != 1 {
			t.Fatal("a truncated stream was not let go")
		}
	}
	if err := h.Err(); err != nil {
		t.Error("session:", err)
	}
	// A reset is a truncation too.
	near, far := securetest.Pipe()
	if _, err := v.Seal(near, wire.File); err != nil {
		t.Fatal(err)
	}
	head, _ := ReadHeader(far)
	st, err := h.Open(head, far)
	if err != nil {
		t.Fatal(err)
	}
	near.Reset()
	_, err = st.Read(make([]byte, 1))
	wantErr(t, "reset", err, ErrTruncated)
}

// TestCrossStream: records of one stream, of another channel and of the other
// direction do not pass in their places.
func TestCrossStream(t *testing.T) {
	for name, swap := range map[string]func(t *testing.T, v, h *Session) (head []byte, records [][]byte){
		"other number": func(t *testing.T, v, h *Session) ([]byte, [][]byte) {
			head, _ := captured(t, v, wire.Screen, "one")
			_, other := captured(t, v, wire.Screen, "two")
			return head, other
		},
		"other channel": func(t *testing.T, v, h *Session) ([]byte, [][]byte) {
			head, records := captured(t, v, wire.Screen, "one")
			head[8] = byte(wire.File)
			return head, records
		},
		"own direction": func(t *testing.T, v, h *Session) ([]byte, [][]byte) {
			head, _ := captured(t, v, wire.Screen, "one")
			_, own := captured(t, h, wire.Screen, "two")
			return head, own
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, h := newWorld(t).sessions()
			head, records := swap(t, v, h)
			got, err := deliver(t, h, head, records...)
			wantTampered(t, h, got, "", err)
		})
	}
}

// TestCrossSession: a stream of one session is refused by its name in another
// one, and with the name forged its records do not decrypt.
func TestCrossSession(t *testing.T) {
	w := newWorld(t)
	v1, _ := w.sessions()
	_, h2 := w.sessions()
	head, records := captured(t, v1, wire.Screen, "one")
	_, err := deliver(t, h2, head, records...)
	wantErr(t, "other session", err, ErrProtocol)
	if h2.Err() != nil {
		t.Error("a foreign header ended the session")
	}
	sid := h2.SID()
	copy(head, sid[:])
	got, err := deliver(t, h2, head, records...)
	wantTampered(t, h2, got, "", err)
}

// TestBadRecords: authentic plaintexts that no honest side writes, and lengths
// out of range.
func TestBadRecords(t *testing.T) {
	pad := func(b ...byte) []byte { return append(b, make([]byte, 64-len(b))...) }
	for _, row := range []struct {
		name  string
		ch    wire.Channel
		plain []byte
	}{
		{"unknown type", wire.Screen, []byte{2, 'x'}},
		{"empty data", wire.Screen, []byte{1}},
		{"FIN with a body", wire.Screen, []byte{0, 'x'}},
		{"not padded", wire.Input, []byte{1, 0, 1, 'x'}},
		{"padded FIN with a body", wire.Input, pad(0, 0, 1, 'x')},
		{"length beyond", wire.Input, pad(1, 0, 62)},
		{"padding not zero", wire.Input, pad(1, 0, 1, 'x', 'y')},
		{"too much padding", wire.Input, append(pad(1, 0, 1, 'x'), make([]byte, 64)...)},
		{"no length", wire.Input, []byte{1}},
		{"empty padded data", wire.Input, pad(1, 0, 0)},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, h := newWorld(t).sessions()
			head, c := openCipher(t, v, row.ch)
			got, err := deliver(t, h, head, sealWith(t, c, row.plain))
			wantTampered(t, h, got, "", err)
		})
	}
	for _, n := range []uint16{0, 1, 16} {
		v, h := newWorld(t).sessions()
		head, _ := openCipher(t, v, wire.Screen)
		got, err := deliver(t, h, head, binary.BigEndian.AppendUint16(nil, n))
		wantTampered(t, h, got, "", err)
	}
}

// openCipher takes a number of ses and gives its bare writing cipher.
func openCipher(t testing.TB, ses *Session, ch wire.Channel) (head []byte, c *recordCipher) {
	t.Helper()
	near, far := securetest.Pipe()
	st, err := ses.Seal(near, ch)
	if err != nil {
		t.Fatal(err)
	}
	head = make([]byte, headerLen)
	io.ReadFull(far, head)
	return head, st.write.cipher
}

func sealWith(t testing.TB, c *recordCipher, plain []byte) []byte {
	t.Helper()
	sealed, err := c.seal(append(make([]byte, 0, len(plain)+tagLen), plain...))
	if err != nil {
		t.Fatal(err)
	}
	return framed(sealed)
}

// TestRekeyBoundary sends records across the change of key in both directions,
// and compares what goes over the wire with Noise's own CipherState.
func TestRekeyBoundary(t *testing.T) {
	for _, suite := range []byte{suiteAESGCM, suiteChaChaPoly} {
		w := newWorld(t)
		v, h := w.sessions()
		v.suite, h.suite = suite, suite
		near, far := securetest.Pipe()
		a, err := v.Seal(near, wire.Screen)
		if err != nil {
			t.Fatal(err)
		}
		head, err := ReadHeader(far)
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.Open(head, far)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []struct {
			dir      byte
			from, to *Sealed
			wire     *securetest.Stream
		}{{toHost, a, b, near}, {toViewer, b, a, far}} {
			key, err := streamKey(v.master, head, d.dir)
			if err != nil {
				t.Fatal(err)
			}
			tap := &recorder{Stream: d.wire}
			d.from.st = tap
			oracle := noise.UnsafeNewCipherState(cipherSuite(suite), [32]byte(key), 0)
			rekeyed(t, d.from, d.to, oracle, tap)
		}
	}
}

func rekeyed(t *testing.T, from, to *Sealed, oracle *noise.CipherState, tap *recorder) {
	t.Helper()
	got, want, plain := make([]byte, 4), make([]byte, 0, 64), make([]byte, 5)
	for n := range uint32(65_540) { // record n+1
		binary.BigEndian.PutUint32(plain[1:], n)
		plain[0] = recordData
		tap.wrote = tap.wrote[:0]
		if _, err := from.Write(plain[1:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, plain[1:]) {
			t.Fatalf("record %d: %x, %v", n+1, got, err)
		}
		want, err := oracle.Encrypt(want[:0], nil, plain)
		if err != nil || !bytes.Equal(tap.wrote[2:], want) {
			t.Fatalf("record %d differs from noise, %v", n+1, err)
		}
		if n+1 == 65_536 {
			oracle.Rekey()
		}
	}
}
