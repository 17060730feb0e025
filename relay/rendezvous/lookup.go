package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"slices"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Found is a peer that relays named for a number.
type Found struct {
	Info   p2p.AddrInfo // circuit addresses only: /…/p2p/RELAY/p2p-circuit
	Relays []Join       // the relays that named it, without tokens
}

// Lookup is Find without the names of the relays.
func (c *Client) Lookup(ctx context.Context, number string) ([]p2p.AddrInfo, error) {
	found, err := c.Find(ctx, number)
	infos := make([]p2p.AddrInfo, 0, len(found))
	for _, f := range found {
		infos = append(infos, f.Info)
	}
	return infos, err
}

// Find asks all relays in parallel who has number. Relays that name different
// peers give several results: the caller must let a person choose, since one of
// them lies or the number was given twice. A relay that is slower than the first
// answer by more than a second is not waited for.
//
// Without any result the error wraps ErrUnknown if every relay said so; otherwise
// it names each relay and why, and wraps what they answered (ErrUnknown,
// *LimitError, ErrWrongRelay, …).
func (c *Client) Find(ctx context.Context, number string) ([]Found, error) {
	if !ValidNumber(number) {
		return nil, fmt.Errorf("%w: %q is not a number of %d to %d digits", ErrUnknown, number, MinDigits, MaxDigits)
	}
	if len(c.relays) == 0 {
		return nil, ErrNoRelay
	}
	ids, errs := make([]p2p.ID, len(c.relays)), make([]error, len(c.relays))
	race(ctx, len(c.relays), func(ctx context.Context, i int) error {
		ids[i], errs[i] = c.findAt(ctx, c.relays[i], number)
		return errs[i]
	})
	var found []Found
	for i, r := range c.relays {
		if errs[i] == nil {
			found = r.add(found, ids[i])
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, c.nobody(errs)
}

func (c *Client) findAt(ctx context.Context, r relay, number string) (p2p.ID, error) {
	ctx, cancel := c.timeout(ctx, c.o.Timeout)
	defer cancel()
	if err := c.connect(ctx, r); err != nil {
		return "", err
	}
	body, err := c.ask(ctx, r, request{op: opLookup, number: number})
	if err != nil {
		return "", err
	}
	return parsePeer(body)
}

// add puts what r answered to the other answers.
func (r relay) add(found []Found, id p2p.ID) []Found {
	i := slices.IndexFunc(found, func(f Found) bool { return f.Info.ID == id })
	if i < 0 {
		i = len(found)
		found = append(found, Found{Info: p2p.AddrInfo{ID: id}})
	}
	found[i].Info.Addrs = append(found[i].Info.Addrs, CircuitAddrs(r.info)...)
	found[i].Relays = append(found[i].Relays, r.join.Public())
	return found
}

// CircuitAddrs are the addresses of any peer that has a reservation at relay:
// one for each of the relay's own addresses. libp2p dials only one at a time.
func CircuitAddrs(relay p2p.AddrInfo) []ma.Multiaddr {
	tail := ma.StringCast("/p2p/" + relay.ID.String() + "/p2p-circuit")
	all := make([]ma.Multiaddr, 0, len(relay.Addrs))
	for _, a := range relay.Addrs {
		all = append(all, a.Encapsulate(tail))
	}
	return all
}

// nobody is the error of a look-up without a result; errs has one per relay.
func (c *Client) nobody(errs []error) error {
	if !slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, ErrUnknown) }) {
		return ErrUnknown
	}
	return c.joined(errs)
}

// joined names each relay that failed; errs is in the order of c.relays.
func (c *Client) joined(errs []error) error {
	var all []error
	for i, err := range errs {
		if err != nil {
			all = append(all, fmt.Errorf("relay %s: %w", c.relays[i].join.Name(), err))
		}
	}
	return errors.Join(all...)
}
