package link

import (
	"errors"
	"io"
	"net"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"
	msmux "github.com/multiformats/go-multistream"
)

// eagerPair is a TCP connection inside this machine: the dialler's end and the other.
func eagerPair(t *testing.T) (*eagerConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := manet.WrapNetConn(raw)
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); other.Close() })
	return newEagerConn(c), other
}

// What follows the question leaves before there is an answer, and what follows the
// answer is heard.
func TestEager(t *testing.T) {
	t.Parallel()
	c, other := eagerPair(t)
	chosen, err := msmux.SelectOneOf([]string{"/tls/1.0.0", "/noise"}, c) // the other end has not read a byte
	if err != nil || chosen != "/tls/1.0.0" {
		t.Fatal(chosen, err)
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	m := msmux.NewMultistreamMuxer[string]()
	m.AddHandler("/noise", nil)
	m.AddHandler("/tls/1.0.0", nil)
	if got, _, err := m.Negotiate(other); err != nil || got != "/tls/1.0.0" {
		t.Fatal(got, err)
	}
	heard := make([]byte, 5)
	if _, err := io.ReadFull(other, heard); err != nil || string(heard) != "hello" {
		t.Fatalf("%q %v", heard, err)
	}
	if _, err := io.WriteString(other, "world"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, heard); err != nil || string(heard) != "world" {
		t.Fatalf("%q %v", heard, err)
	}
}

// A no, nonsense and silence are no yes.
func TestEagerRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, answer string
		want         error
	}{
		{"no", "\x13/multistream/1.0.0\n\x03na\n", errOtherSecurity},
		{"another one", "\x13/multistream/1.0.0\n\x07/noise\n", errOtherSecurity},
		{"nonsense", "HTTP/1.1 400 Bad Request\r\n", errOtherSecurity},
		{"cut off", "\x13/multistream/1.0.0\n", io.EOF},
		{"nothing", "", io.EOF},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, other := eagerPair(t)
			if _, err := msmux.SelectOneOf([]string{"/tls/1.0.0"}, c); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(other, row.answer); err != nil {
				t.Fatal(err)
			}
			other.(*net.TCPConn).CloseWrite()
			if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, row.want) {
				t.Errorf("read %d, %v; want %v", n, err, row.want)
			}
		})
	}
	c, _ := eagerPair(t)
	c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed one: %v", err)
	}
}
