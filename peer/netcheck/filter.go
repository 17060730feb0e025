package netcheck

import (
	"context"
	"sync"

	"github.com/pion/stun/v2"
)

// Filtering is whom a NAT box or firewall lets in by UDP at a port from which we have
// sent something (RFC 5780, section 4.4).
type Filtering string

// The kinds of filtering, the most open first.
const (
	FilterUnknown  Filtering = "unknown"  // no UDP, or a relay that cannot answer from elsewhere
	FilterNone     Filtering = "none"     // everybody
	FilterAnyPort  Filtering = "any-port" // any port of the address that was asked; of others nothing is known, for the relay has one address
	FilterAddress  Filtering = "address"  // only addresses that were asked, any port
	FilterEndpoint Filtering = "endpoint" // only the address and port that were asked
)

// The flags of CHANGE-REQUEST (RFC 5780, section 7.2).
const (
	changeIP   = 4
	changePort = 2
)

// request is what a server is sent. With FINGERPRINT it is long enough for everything
// that a relay has to answer.
func (b *binding) request() *stun.Message {
	set := []stun.Setter{stun.TransactionID, stun.BindingRequest}
	if b.change != 0 {
		set = append(set, stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, b.change}})
	}
	return stun.MustBuild(append(set, stun.Fingerprint)...)
}

// filtering asks each of the servers to answer from elsewhere, each from a socket of
// its own that has sent to nobody else, and returns the first thing that is known.
func filtering(ctx context.Context, servers []*binding) Filtering {
	found := make([]Filtering, len(servers))
	var work sync.WaitGroup
	for i, s := range servers {
		work.Go(func() { found[i] = filteringBy(ctx, *s) })
	}
	work.Wait()
	for _, f := range found {
		if f != FilterUnknown {
			return f
		}
	}
	return FilterUnknown
}

func filteringBy(ctx context.Context, server binding) Filtering {
	family := "udp6"
	if server.addr.Addr().Is4() {
		family = "udp4"
	}
	same, port, both := &binding{addr: server.addr}, &binding{addr: server.addr, change: changePort},
		&binding{addr: server.addr, change: changeIP | changePort}
	askFrom(ctx, family, []*binding{same, port, both})
	return judge(same, port, both)
}

// judge reads three answers: from where we asked, from another port of it, from
// another address.
func judge(same, port, both *binding) Filtering {
	switch {
	case both.seen.IsValid():
		return FilterNone
	case !same.seen.IsValid() || port.refused:
		return FilterUnknown // the silence of the others says nothing
	case !port.seen.IsValid():
		return FilterEndpoint
	case both.refused:
		return FilterAnyPort
	}
	return FilterAddress
}
