package secure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

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

func TestStreams(t *testing.T) {
	v, h := newWorld(t).sessions()
	for _, ch := range []wire.Channel{wire.Control, wire.Input, wire.Screen, wire.File} {
		for _, ends := range [][2]*Session{{v, h}, {h, v}} {
			near, far := securetest.Pipe()
			a, err := ends[0].Seal(near, ch)
			if err != nil {
				t.Fatal(err)
			}
			head, err := ReadHeader(far)
			if err != nil {
				t.Fatal(err)
			}
			b, err := ends[1].Open(head, far)
			if err != nil {
				t.Fatal(err)
			}
			if b.Channel() != ch {
				t.Errorf("channel %v became %v", ch, b.Channel())
			}
			wantTalk(t, a, b)
			wantTalk(t, b, a)
			wantBulk(t, a, b)
			a.Close()
			if _, err := b.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v: after FIN %v", ch, err)
			}
			if _, err := a.Write([]byte("x")); err == nil {
				t.Errorf("%v: write after Close", ch)
			}
			wantTalk(t, b, a) // the other direction lives
			b.Close()
			if _, err := a.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("%v: after FIN %v", ch, err)
			}
		}
	}
	if len(v.open) != 1 || len(h.open) != 1 {
		t.Errorf("streams not let go: %d, %d, want the control stream", len(v.open), len(h.open))
	}
}

// wantBulk sends 300 kB while they are read.
func wantBulk(t *testing.T, a, b *Sealed) {
	t.Helper()
	want := randomBytes(t, 300_000)
	var wg sync.WaitGroup
	wg.Go(func() { a.Write(want) })
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("bulk differs: %v", err)
	}
	wg.Wait()
}

// TestRecordSize: one Write is one record when it fits, padded channels show
// nothing of the length, and no record is longer than the protocol allows.
func TestRecordSize(t *testing.T) {
	v, _ := newWorld(t).sessions()
	_, records := captured(t, v, wire.Screen, "four", string(make([]byte, maxPlain)))
	for i, want := range []int{2 + 1 + 4 + tagLen, 2 + maxCipher, 2 + 1 + 1 + tagLen, 2 + 1 + tagLen} {
		if i >= len(records) || len(records[i]) != want {
			t.Fatalf("screen: %d records, number %d is not of %d bytes", len(records), i, want)
		}
	}
	_, records = captured(t, v, wire.Input, "a", string(make([]byte, 61)), string(make([]byte, 62)), string(make([]byte, maxPadded-3)))
	for i, want := range []int{64, 64, 128, maxPadded, 64} {
		if i >= len(records) || len(records[i]) != 2+want+tagLen {
			t.Fatalf("input: %d records, number %d is not of %d bytes", len(records), i, want)
		}
	}

	near, far := securetest.Pipe()
	st, err := v.Seal(near, wire.Screen)
	if err != nil {
		t.Fatal(err)
	}
	st.SetRecordSize(16 << 10)
	st.Write(make([]byte, 40<<10))
	io.ReadFull(far, make([]byte, headerLen))
	for _, want := range []int{16 << 10, 16 << 10, 8 << 10} {
		r, err := readFramed(far)
		if err != nil || len(r) != 2+1+want+tagLen {
			t.Errorf("record of %d bytes, %v, want a body of %d", len(r), err, want)
		}
	}
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

// TestDeadline: a read may be tried again after a deadline, in the middle of a
// record too.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, h := newWorld(t).sessions()
		head, r := captured(t, v, wire.Screen, "one")
		near, far := securetest.Pipe()
		near.Write(head)
		hd, err := ReadHeader(far)
		if err != nil {
			t.Fatal(err)
		}
		st, err := h.Open(hd, far)
		if err != nil {
			t.Fatal(err)
		}
		near.Write(r[0][:7])
		st.SetDeadline(time.Now().Add(time.Second))
		if _, err := st.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		st.SetDeadline(time.Time{})
		near.Write(r[0][7:])
		got := make([]byte, 9)
		if n, err := st.Read(got); err != nil || string(got[:n]) != "one" {
			t.Fatalf("%q, %v", got[:n], err)
		}
	})
}

// TestSessionClose: blocked readers end, keys are gone, a last word that was
// closed behind still arrives.
func TestSessionClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, h := newWorld(t).sessions()
		errs := make(chan error)
		near, _ := securetest.Pipe()
		st, err := v.Seal(near, wire.Clip)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, err := st.Read(make([]byte, 1)); errs <- err }()
		v.Control().Write([]byte("bye"))
		v.Control().Close()
		v.Close()
		wantErr(t, "blocked read", <-errs, ErrEnded)
		wantErr(t, "session", v.Err(), ErrEnded)
		if got, err := io.ReadAll(h.Control()); string(got) != "bye" || err != nil {
			t.Errorf("last word %q, %v", got, err)
		}
		other, _ := securetest.Pipe()
		_, err = v.Seal(other, wire.Screen)
		wantErr(t, "Seal", err, ErrEnded)
		_, err = v.Open(Header{}, other)
		wantErr(t, "Open", err, ErrEnded)
		v.Close()
	})
}
