package x11

import (
	"bufio"
	"io"
	"net"
	"testing"
)

// TestPenSettlesAll: what events drew without waiting is waited for, too, so that an error is
// told before the next question is asked, and not as its answer.
func TestPenSettlesAll(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go func() {
		go io.Copy(io.Discard, there)
		var reply, fault [32]byte
		reply[0], fault[1] = 1, 9
		there.Write(append(append(reply[:], fault[:]...), reply[:]...))
	}()
	p := &pen{c: here, r: bufio.NewReader(here)}
	for range 2 {
		if err := p.mark(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.settle(); err == nil {
		t.Error("the error before the second mark was not told")
	}
	if p.marks != 0 {
		t.Errorf("%d marks are left", p.marks)
	}
}
