package link

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	msmux "github.com/multiformats/go-multistream"

	"sightline/peer/link/proxy"
	"sightline/peer/netcheck"
)

// Check tells what this network lets through, asking these relays by each of
// their addresses, through the proxy too if there is one, and by STUN. Of o only
// what concerns relays counts: it uses identities of its own, made for this one
// check, and any port.
func Check(ctx context.Context, o Options, relays []netcheck.Relay) netcheck.Report {
	if proxies, err := proxy.New(o.Proxy); err == nil { // else New says so for each address
		for i := range relays {
			relays[i].Info.Addrs = withProxy(proxies, relays[i].Info.Addrs)
		}
	}
	check := netcheck.Options{Relays: relays, Dial: func(ctx context.Context, relay p2p.AddrInfo) (time.Duration, error) {
		return probeRelay(ctx, Options{Proxy: o.Proxy, Pins: o.Pins, TLSInspection: o.TLSInspection, NoDirect: true}, relay)
	}}
	// A second port is of use for direct paths only; `doctor firewall` has the same rule.
	if !o.NoDirect && !o.RelayOnly && o.Listen != "none" {
		check.MapTCP = mapTCP
	}
	return netcheck.Check(ctx, check)
}

// mapTCP asks from the port of a Node of its own.
func mapTCP(ctx context.Context, relay p2p.AddrInfo) (netcheck.Mapping, error) {
	n, err := newProbe(Options{NoDirect: true})
	if err != nil {
		return netcheck.Unknown, err
	}
	defer n.Close()
	return netcheck.TCPMapping(ctx, n.h.Network(), relay)
}

// probeRelay connects to a relay with a Node of its own, because libp2p keeps
// one connection for each peer and would not try the second address.
func probeRelay(ctx context.Context, o Options, relay p2p.AddrInfo) (time.Duration, error) {
	n, err := newProbe(o)
	if err != nil {
		return 0, err
	}
	defer n.Close()
	if err := n.connect(ctx, relay); err != nil {
		var e *pathError
		if errors.As(err, &e) && len(relay.Addrs) == 1 {
			return 0, &wayError{e.bare(), e}
		}
		return 0, err
	}
	return n.roundTrip(ctx, relay.ID)
}

// newProbe is a Node with an identity that nobody has seen.
func newProbe(o Options) (*Node, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	o.Key = key
	return New(o)
}

// wayError is why one address was not reached, without naming it. Netcheck asks the
// cause who ended TLS there.
type wayError struct {
	words string
	cause error
}

func (e *wayError) Error() string { return e.words }
func (e *wayError) Unwrap() error { return e.cause }

// roundTrip asks for a protocol that a relay does not have: the refusal is one
// round trip away.
func (n *Node) roundTrip(ctx context.Context, id p2p.ID) (time.Duration, error) {
	s, err := n.h.Network().NewStream(network.WithNoDial(ctx, "measure"), id)
	if err != nil {
		return 0, errors.New(reason(err))
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	start := time.Now()
	err = msmux.SelectProtoOrFail(pingProtocol, s)
	var none msmux.ErrNotSupported[string]
	if err != nil && ctx.Err() == nil && !errors.As(err, &none) {
		n.log.Debug("measure", "relay", id, "err", err)
	}
	if ctx.Err() != nil {
		return 0, errors.New("no answer")
	}
	return time.Since(start), nil
}
