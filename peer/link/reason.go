package link

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"

	"sightline/peer/link/proxy"
)

// pathError says for each address why it did not work. kind is one of the
// sentinels of this package.
type pathError struct {
	kind    error
	reasons []string
	cause   error
}

func (e *pathError) Error() string {
	if len(e.reasons) == 0 {
		return e.kind.Error()
	}
	return e.kind.Error() + ": " + strings.Join(e.reasons, "; ")
}

// Reasons says of each address that was tried why it did not work: "wss
// relay.example.org:443: connection refused".
func (e *pathError) Reasons() []string { return slices.Clone(e.reasons) }

// bare is the reason of one address without the address.
func (e *pathError) bare() string {
	if len(e.reasons) != 1 {
		return e.Error()
	}
	_, words, found := strings.Cut(e.reasons[0], ": ")
	if !found {
		return e.reasons[0]
	}
	return words
}

func (e *pathError) Unwrap() []error { return []error{e.kind, e.cause} }

// dialError turns what libp2p says about a dial into a pathError.
func (n *Node) dialError(ctx context.Context, err error) error {
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	e := &pathError{kind: ErrNoPath, cause: err}
	e.addAll(err, "")
	if len(e.reasons) == 0 {
		e.kind = kindOfError(err)
		e.reasons = []string{reason(err)}
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
			e.reasons = []string{cause.Error()}
		}
	}
	return e
}

// addAll notes the addresses of a libp2p dial. The dial of a circuit may hold
// the dial of its relay.
func (e *pathError) addAll(err error, before string) bool {
	var all *swarm.DialError
	if !errors.As(err, &all) {
		return false
	}
	for _, one := range all.DialErrors {
		if isCircuit(one.Address) && e.addAll(one.Cause, "relay ") {
			continue
		}
		e.add(before+describe(one.Address), one.Cause)
	}
	return len(all.DialErrors) > 0
}

// add notes one address. A relay that knows more than "no answer" wins over the rest.
func (e *pathError) add(where string, cause error) {
	if kind := kindOfError(cause); kind != ErrNoPath && e.kind != ErrGone {
		e.kind = kind
	}
	words := where + ": " + reason(cause)
	if !slices.Contains(e.reasons, words) {
		e.reasons = append(e.reasons, words)
	}
}

// kindOfError reads what a relay answered. The error type of circuit v2 is
// private; its text holds the name of the status.
func kindOfError(err error) error {
	text := err.Error()
	switch {
	case errors.Is(err, ErrClosed):
		return ErrClosed
	case strings.Contains(text, "NO_RESERVATION"), strings.Contains(text, "CONNECTION_FAILED"):
		return ErrGone
	case strings.Contains(text, "PERMISSION_DENIED"), strings.Contains(text, "RESOURCE_LIMIT_EXCEEDED"),
		strings.Contains(text, "RESERVATION_REFUSED"):
		return ErrRefusedByRelay
	}
	return ErrNoPath
}

// circuitWords are the answers of a relay in words.
var circuitWords = []struct{ status, words string }{
	{"NO_RESERVATION", "the relay says that the other machine is not there"},
	{"CONNECTION_FAILED", "the relay cannot reach the other machine any more"},
	{"PERMISSION_DENIED", "the relay does not let us"},
	{"RESOURCE_LIMIT_EXCEEDED", "the relay is full"},
	{"RESERVATION_REFUSED", "the relay gives no place"},
}

// reason puts an error of a dial into a few words for a person.
func reason(err error) string {
	var mismatch sec.ErrPeerIDMismatch
	var name *net.DNSError
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	var through *proxy.Error
	var cert *certError
	switch {
	case errors.As(err, &through):
		return through.Error()
	case errors.As(err, &cert):
		return cert.Error()
	case errors.As(err, &mismatch):
		return "another machine answered (wrong peer ID)"
	case errors.As(err, &name):
		return "no such name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route"
	case errors.Is(err, syscall.EADDRINUSE):
		return "the port is taken by another program"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "not permitted"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address"
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return "not allowed here"
	case errors.Is(err, swarm.ErrDialToSelf):
		return "that is this machine itself"
	case errors.Is(err, swarm.ErrNoTransport):
		return "a transport that is not used here"
	case errors.Is(err, swarm.ErrNoAddresses), errors.Is(err, swarm.ErrNoGoodAddresses):
		return "no usable address"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err),
		errors.As(err, &idle), errors.As(err, &handshake):
		return "no answer"
	case errors.Is(err, context.Canceled):
		return "given up"
	}
	return reasonOfText(err.Error())
}

// reasonOfText is for errors that libp2p flattened into text on the way.
func reasonOfText(text string) string {
	for _, c := range circuitWords {
		if strings.Contains(text, c.status) {
			return c.words
		}
	}
	for _, known := range [...]struct{ part, words string }{
		{"connection refused", "connection refused"},
		{"no recent network activity", "no answer"},
		{"i/o timeout", "no answer"},
		{"deadline exceeded", "no answer"},
		{"no such host", "no such name"},
		{"network is unreachable", "no route"},
		{"no route to host", "no route"},
		{"connection reset by peer", "the other side hung up"},
		{"connection gated", "not allowed here"},
	} {
		if strings.Contains(text, known.part) {
			return known.words
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	return text
}

// describe is an address as a person writes it: "quic 192.0.2.7:4001"; a
// circuit is "relay" and the beginning of its ID.
func describe(a ma.Multiaddr) string {
	if relay, ok := relayOf(a); ok {
		if len(relay.Addrs) > 0 {
			return "relay " + describe(relay.Addrs[0])
		}
		return "relay " + shortID(relay.ID)
	}
	if t := transportOf(a); t != "" {
		return t + " " + hostPort(a)
	}
	return a.String()
}

// shortID is the end of a peer ID: its beginning is the same for all.
func shortID(id p2p.ID) string {
	s := id.String()
	return "…" + s[max(0, len(s)-8):]
}
