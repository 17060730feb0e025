package x11

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// message is 32 bytes as a server sends them.
func message(kind, code byte, words uint32) []byte {
	b := make([]byte, 32)
	b[0], b[1] = kind, code
	binary.LittleEndian.PutUint32(b[4:], words)
	return b
}

func TestWireRenumbers(t *testing.T) {
	reply := append(message(1, 0, 2), "12345678"...)
	for _, c := range []struct {
		name     string
		in, want []byte
	}{
		{"core error", message(0, 10, 0), message(0, 10, 0)},
		{"extension error", message(0, 152, 0), message(0, extErrors, 0)},
		{"reply with body", reply, reply},
		{"core event", message(12, 0, 0), message(12, 0, 0)},
		{"sent event", message(12|0x80, 0, 0), message(12|0x80, 0, 0)},
		{"damage", message(91, 3, 0), message(damageEvents, 3, 0)},
		{"cursor", message(88, 0, 0), message(fixesEvents+1, 0, 0)},
		{"sent cursor", message(88|0x80, 0, 0), message((fixesEvents+1)|0x80, 0, 0)},
		{"unknown extension", message(99, 0, 0), message(foreignEvent, 0, 0)},
		{"generic event", append(append(message(35, 0, 1), "tail"...), message(2, 0, 0)...), message(2, 0, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWire(nil, []byte("set-up"))
			w.r.Reset(bytes.NewReader(c.in))
			w.learn("DAMAGE", 91)
			w.learn("XFIXES", 87)
			w.learn("nothing", 99)
			got, err := io.ReadAll(w)
			if want := "set-up" + string(c.want); err != nil || string(got) != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestWireRefusesLongReplies(t *testing.T) {
	w := newWire(nil, nil)
	w.r.Reset(bytes.NewReader(message(1, 0, 0xffffffff)))
	if _, err := io.ReadAll(w); err == nil || !strings.Contains(err.Error(), "announces") {
		t.Errorf("a reply of 16 GiB: %v", err)
	}
}

// FuzzWire feeds what a server sends: whatever comes out is whole messages.
func FuzzWire(f *testing.F) {
	f.Add(append(message(1, 0, 1), "body"...))
	f.Add(message(35, 0, 1<<30))
	f.Add(message(91, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWire(nil, nil)
		w.r.Reset(bytes.NewReader(b))
		w.learn("DAMAGE", 91)
		if out, _ := io.ReadAll(w); len(out) > len(b) {
			t.Errorf("%d bytes of %d", len(out), len(b))
		}
	})
}

func TestHandshake(t *testing.T) {
	answer := func(status, reason byte, major byte, body string) []byte {
		body += strings.Repeat("\x00", pad4(len(body))-len(body))
		return append([]byte{status, reason, major, 0, 0, 0, byte(len(body) / 4), byte(len(body) / 4 >> 8)}, body...)
	}
	for _, c := range []struct {
		name   string
		answer []byte
		says   string
	}{
		{"refusal", answer(0, 9, 11, "go away\x1b\n"), "the X server refused: go away"},
		{"refusal longer than it is", answer(0, 250, 11, "no"), "the X server refused: no"},
		{"more authentication", answer(2, 0, 11, "say please"), "the X server refused: say please"},
		{"another protocol", []byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 1<<18)), "refused"},
		{"too short", answer(1, 0, 11, "x"), "another protocol"},
		{"nothing", nil, "hung up"},
		{"half", []byte{1, 0, 11}, "hung up"},
	} {
		t.Run(c.name, func(t *testing.T) {
			us, them := net.Pipe()
			go func() {
				io.ReadFull(them, make([]byte, 12))
				them.Write(c.answer)
				them.Close()
			}()
			if _, err := handshake(us, nil); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %q", err, c.says)
			}
			us.Close()
		})
	}
}

// pieces notes what is written, each piece as it is.
type pieces struct {
	net.Conn
	wrote []string
}

func (p *pieces) Write(b []byte) (int, error) {
	p.wrote = append(p.wrote, string(b))
	return len(b), nil
}

// What is held goes in one piece; a question for which xgb itself waits goes at once.
func TestWireHolds(t *testing.T) {
	p := &pieces{}
	w := newWire(p, nil)
	focus := string([]byte{opGetInputFocus, 0, 1, 0})
	for _, b := range []string{"set-up", "alone"} {
		w.Write([]byte(b))
	}
	send := w.hold()
	w.Write([]byte("one "))
	w.Write([]byte("two"))
	send()
	send = w.hold()
	w.Write([]byte("three "))
	w.Write([]byte(focus))
	w.Write([]byte("four"))
	send()
	w.hold()()
	w.Write([]byte("five"))
	if want := []string{"alone", "one two", "three " + focus, "four", "five"}; !slices.Equal(p.wrote, want) {
		t.Errorf("wrote %q, want %q", p.wrote, want)
	}
}
