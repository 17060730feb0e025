// Package pcp asks a router for a port by the Port Control Protocol (RFC 6887), the
// successor of NAT-PMP on the same UDP port: the MAP request for IPv4, nothing else. It
// is a client; it listens to nobody but the router that it asked.
//
//	bytes   request                     answer
//	 0      version 2                   version 2
//	 1      opcode 1 (MAP)              opcode 1, and 0x80: an answer
//	 2..3   0                           0, result
//	 4..7   wanted life, s              granted life, s; of an error: how long it holds
//	 8..23  our address (IPv4 in IPv6)  the router's clock, 0
//	24..35  nonce                       the same
//	36      protocol: 6 TCP, 17 UDP     the same
//	37..39  0                           0
//	40..41  our port                    the same
//	42..43  wish for the outside port   the outside port
//	44..59  wish for the address        the outside address
//
// A router that knows NAT-PMP alone answers with version 0.
package pcp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// Port is where routers listen, by UDP.
const Port = 5351

// The numbers that IP gives the protocols.
const (
	TCP = 6
	UDP = 17
)

const (
	version  = 2
	opMap    = 1
	isAnswer = 0x80
	size     = 60   // of a MAP message without options
	maxSize  = 1100 // of any message, RFC 6887 section 7
	// firstPause is how long the first answer is waited for; it doubles. RFC 6887 says
	// 3 s, for thousands of clients at one carrier's box; ours is the router at home.
	firstPause = 250 * time.Millisecond
)

// ErrUnsupported is the answer of a router that does not speak this version of PCP.
var ErrUnsupported = errors.New("the router does not speak PCP")

// A Result is why a router says no.
type Result byte

func (r Result) Error() string {
	words := [...]string{
		2: "it is not allowed", 3: "it takes the request for malformed", 4: "it knows no MAP", 5: "it wants no such option",
		6: "it takes an option for malformed", 7: "its own network is down", 8: "it has no room", 9: "it knows no such protocol",
		10: "we have too many ports", 11: "that outside address cannot be given", 12: "another NAT is in between",
		13: "there are too many peers",
	}
	if int(r) < len(words) && words[r] != "" {
		return "the router says no: " + words[r]
	}
	return fmt.Sprintf("the router says no: result %d", byte(r))
}

// Client asks one router. Make it with New. Its methods may be called one after the
// other only.
type Client struct {
	router net.IP
	nonce  [12]byte // shows the router that who renews or ends a mapping is who made it
}

// New asks nobody yet. The router is an IPv4 address.
func New(router net.IP) *Client {
	c := &Client{router: router}
	rand.Read(c.nonce[:]) // never fails
	return c
}

// Map asks for an outside port that leads to ours for so long; the router may grant
// another life. The same question again renews it; a life of 0 ends it. It returns the
// address outside. proto is TCP or UDP. Errors: ErrUnsupported, a Result, or ctx's when
// the router did not answer.
func (c *Client) Map(ctx context.Context, proto byte, port uint16, life time.Duration) (netip.AddrPort, error) {
	conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: c.router, Port: Port})
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	me := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	question := c.question(me, proto, port, life)
	buf := make([]byte, maxSize+1)
	for pause := firstPause; ctx.Err() == nil; pause *= 2 {
		if _, err := conn.Write(question); err != nil {
			return netip.AddrPort{}, err
		}
		again := time.Now().Add(pause)
		for ctx.Err() == nil && time.Now().Before(again) {
			// Set after a look at ctx and before another one: ctx's own deadline is not undone.
			conn.SetReadDeadline(again)
			if ctx.Err() != nil {
				break
			}
			n, err := conn.Read(buf)
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					continue
				}
				return netip.AddrPort{}, err // such as: nobody listens there
			}
			outside, err := c.answer(buf[:n], proto, port)
			if !errors.Is(err, errNotOurs) {
				return outside, err
			}
		}
	}
	return netip.AddrPort{}, ctx.Err()
}

// question is the request. The wish is our own port, so that a router that is asked
// again after its restart gives the same one.
func (c *Client) question(me netip.Addr, proto byte, port uint16, life time.Duration) []byte {
	b := make([]byte, 0, size)
	b = append(b, version, opMap, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(life/time.Second))
	client := me.As16()
	b = append(b, client[:]...)
	b = append(b, c.nonce[:]...)
	b = append(b, proto, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, port)
	any4 := netip.IPv4Unspecified().As16()
	return append(b, any4[:]...)
}

// errNotOurs: what came is no answer to this question, and the next may be.
var errNotOurs = errors.New("not an answer to this question")

// answer reads what came.
func (c *Client) answer(b []byte, proto byte, port uint16) (netip.AddrPort, error) {
	if len(b) < 4 || len(b) > maxSize || b[1]&isAnswer == 0 {
		return netip.AddrPort{}, errNotOurs
	}
	if b[0] != version {
		return netip.AddrPort{}, ErrUnsupported // in the words of another version
	}
	result := Result(b[3])
	switch {
	case result == 1:
		return netip.AddrPort{}, ErrUnsupported
	case len(b) < size || len(b)%4 != 0 || b[1] != opMap|isAnswer:
		return netip.AddrPort{}, errNotOurs
	case string(b[24:36]) != string(c.nonce[:]) || b[36] != proto || binary.BigEndian.Uint16(b[40:]) != port:
		return netip.AddrPort{}, errNotOurs
	case result != 0:
		return netip.AddrPort{}, result
	}
	outside := netip.AddrFrom16([16]byte(b[44:60])).Unmap()
	return netip.AddrPortFrom(outside, binary.BigEndian.Uint16(b[42:])), nil
}
