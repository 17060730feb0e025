package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestOnceInOrder cuts the path at random points while numbered messages are
// sent: each is applied once, in order, whatever was lost with a path and
// however late the acknowledgements come.
func TestOnceInOrder(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var out Outbox
		var in Inbox
		var path []byte // on its way
		applied := uint32(0)
		sent := uint32(0)
		const total = 300
		for applied < total || out.Waiting() > 0 {
			switch {
			case rnd.IntN(20) == 0: // the path dies; what was on it is lost
				path = out.Again(nil, Input)
			case sent < total && rnd.IntN(3) > 0:
				sent++
				body := binary.BigEndian.AppendUint32(nil, sent)
				seq, err := out.Put(TypeKey, body)
				if err != nil || seq != sent {
					t.Fatalf("put %d: number %d, %v", sent, seq, err)
				}
				path = Append(path, Input, TypeKey, seq, body)
			case len(path) > 0: // one arrives
				r := bytes.NewReader(path)
				typ, seq, body, err := NewReader(r, Input).Next()
				if err != nil || typ != TypeKey {
					t.Fatal(typ, err)
				}
				path = path[len(path)-r.Len():]
				fresh, err := in.Fresh(seq)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if fresh {
					if applied++; binary.BigEndian.Uint32(body) != applied {
						t.Fatalf("seed %d: applied %x as number %d", seed, body, applied)
					}
				}
				if rnd.IntN(3) > 0 { // acknowledgements may be lost
					if err := out.Applied(in.Last()); err != nil {
						t.Fatal(err)
					}
				}
			default:
				path = append(path, out.Again(nil, Input)...)
			}
		}
	}
}

func TestOutboxRefuses(t *testing.T) {
	var out Outbox
	for range maxUnacked {
		if _, err := out.Put(TypeKey, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := out.Put(TypeKey, nil); !errors.Is(err, ErrBehind) {
		t.Errorf("a full box: %v", err)
	}
	if err := out.Applied(maxUnacked + 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("acknowledged what was never sent: %v", err)
	}
	for _, seq := range []uint32{10, 10, 3, 0} { // repeated and old ones are harmless
		if err := out.Applied(seq); err != nil || out.Waiting() != maxUnacked-10 {
			t.Errorf("acknowledged %d: %d wait, %v", seq, out.Waiting(), err)
		}
	}
	if seq, err := out.Put(TypeKey, nil); err != nil || seq != maxUnacked+1 {
		t.Errorf("number %d, %v", seq, err)
	}
}

// TestOutboxCopies: the caller's buffer is free again after Put.
func TestOutboxCopies(t *testing.T) {
	var out Outbox
	body := []byte{1}
	for range 3 {
		out.Put(TypeKey, body)
		body[0]++
	}
	out.Applied(1)
	out.Put(TypeKey, body)
	want := Append(Append(Append(nil, Input, TypeKey, 2, []byte{2}), Input, TypeKey, 3, []byte{3}), Input, TypeKey, 4, []byte{4})
	if got := out.Again(nil, Input); !bytes.Equal(got, want) {
		t.Errorf("again\n got %x\nwant %x", got, want)
	}
}

func TestInbox(t *testing.T) {
	var in Inbox
	for _, row := range []struct {
		seq   uint32
		fresh bool
		bad   bool
	}{{1, true, false}, {1, false, false}, {2, true, false}, {4, false, true}, {3, true, false}, {0, false, false}, {2, false, false}, {1<<32 - 1, false, true}} {
		fresh, err := in.Fresh(row.seq)
		if fresh != row.fresh || (err != nil) != row.bad {
			t.Errorf("number %d: fresh %v, %v", row.seq, fresh, err)
		}
	}
	if in.Last() != 3 {
		t.Errorf("last %d", in.Last())
	}
}
