package invite

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// ErrTicket is a text that is no ticket. It does not repeat the text, which
// may hold the secret.
var ErrTicket = errors.New("not a session ticket")

const (
	ticketPrefix  = "sightline1:"
	ticketSecret  = 12  // characters of 5 bits
	maxTicketText = 512 // bytes; a peer ID is 52, a relay's address rarely 200
	maxRelayText  = 256 // bytes

	// crockford leaves out I, L, O and U, so that nobody reads one for another.
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// Ticket names a host by its key and carries a secret of 60 bits. It is pasted
// at a prompt or piped in, never given as an argument.
type Ticket struct {
	Host   p2p.ID // with an Ed25519 key
	Relay  string // where the host may be found; empty: on any relay the viewer knows
	Secret string // 12 Crockford characters, upper case
}

// NewTicket returns a ticket for this host with a fresh random secret.
func NewTicket(host p2p.ID, relay string, rand io.Reader) (Ticket, error) {
	raw := make([]byte, ticketSecret)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return Ticket{}, fmt.Errorf("draw a ticket's secret: %w", err)
	}
	for i, b := range raw {
		raw[i] = crockford[b&31] // 256 is a multiple of 32: no bias
	}
	return checkTicket(Ticket{Host: host, Relay: relay, Secret: string(raw)})
}

// ParseTicket reads what String printed. Space around it is dropped; in the
// secret small letters, dashes, and I, L, O for 1, 1, 0 are understood.
func ParseTicket(s string) (Ticket, error) {
	if len(s) > maxTicketText {
		return Ticket{}, fmt.Errorf("%w: too long", ErrTicket)
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), ticketPrefix)
	if !ok {
		return Ticket{}, fmt.Errorf("%w: it begins with %q", ErrTicket, ticketPrefix)
	}
	where, secret, ok := strings.Cut(rest, "#")
	if !ok {
		return Ticket{}, fmt.Errorf("%w: the secret is missing", ErrTicket)
	}
	id, relay, named := strings.Cut(where, "@")
	if named && relay == "" {
		return Ticket{}, fmt.Errorf("%w: no relay after @", ErrTicket)
	}
	host, err := p2p.Decode(id)
	if err != nil {
		return Ticket{}, fmt.Errorf("%w: the host's name is not a peer ID", ErrTicket)
	}
	return checkTicket(Ticket{Host: host, Relay: relay, Secret: plainSecret(secret)})
}

// String prints the ticket, secret and all: for the person who asked for it,
// not for a log.
func (t Ticket) String() string {
	where := t.Host.String()
	if t.Relay != "" {
		where += "@" + t.Relay
	}
	return ticketPrefix + where + "#" + t.Secret
}

// LogValue keeps the secret out of logs.
func (t Ticket) LogValue() slog.Value { return slog.StringValue(ticketPrefix + t.Host.String()) }

func checkTicket(t Ticket) (Ticket, error) {
	if !isEd25519(t.Host) {
		return Ticket{}, fmt.Errorf("%w: the host's key is not Ed25519", ErrTicket)
	}
	if len(t.Relay) > maxRelayText || strings.ContainsFunc(t.Relay, notRelay) {
		return Ticket{}, fmt.Errorf("%w: bad relay address", ErrTicket)
	}
	if len(t.Secret) != ticketSecret || strings.Trim(t.Secret, crockford) != "" {
		return Ticket{}, fmt.Errorf("%w: the secret has %d letters and digits", ErrTicket, ticketSecret)
	}
	return t, nil
}

// isEd25519 knows the identity multihash of an Ed25519 key by its first bytes:
// such an ID is 00 24 08 01 12 20 and the 32 bytes of the key.
func isEd25519(id p2p.ID) bool {
	return len(id) == 38 && strings.HasPrefix(string(id), "\x00\x24\x08\x01\x12\x20")
}

// notRelay refuses what would make a ticket ambiguous or unprintable.
func notRelay(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' || r == '@' }

func plainSecret(s string) string {
	return strings.NewReplacer("-", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(s))
}
