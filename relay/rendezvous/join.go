package rendezvous

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	joinScheme   = "sightline-relay:"
	maxJoin      = 1024 // bytes; also keeps a relay's addresses inside libp2p's 4 KiB reservation answer
	maxJoinAddrs = 8
	tokenSize    = 32 // bytes
)

// Join is all that a person has to hand on so that others can use a relay. Its
// printed form is
//
//	sightline-relay:HOST:PORT[,HOST:PORT…]/PEERID#TOKEN
//
// HOST is an IPv4 address, an IPv6 address in brackets or a DNS name; PEERID is
// the relay's libp2p peer ID (Ed25519, base58); TOKEN is 32 bytes in base64url
// without padding. Without "#TOKEN" a closed relay serves viewers only.
type Join struct {
	Addrs []string // host:port, 1..8, as net.JoinHostPort writes them
	ID    p2p.ID
	Token []byte // 32 bytes or nil
}

// ParseJoin reads a join string. Space around it is ignored, because people
// paste. Every error wraps ErrBadJoin and says what is wrong; it never quotes
// the token.
func ParseJoin(s string) (Join, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxJoin {
		return Join{}, fmt.Errorf("%w: longer than %d bytes", ErrBadJoin, maxJoin)
	}
	rest, ok := strings.CutPrefix(s, joinScheme)
	if !ok {
		return Join{}, fmt.Errorf("%w: it does not begin with %q", ErrBadJoin, joinScheme)
	}
	rest, token, hasToken := strings.Cut(rest, "#")
	addrs, id, ok := strings.Cut(rest, "/")
	if !ok {
		return Join{}, fmt.Errorf("%w: the relay's peer ID is missing", ErrBadJoin)
	}
	var j Join
	var err error
	if j.Addrs, err = parseHostPorts(addrs); err != nil {
		return Join{}, err
	}
	if j.ID, err = parseRelayID(id); err != nil {
		return Join{}, err
	}
	if hasToken {
		if j.Token, err = parseToken(token); err != nil {
			return Join{}, err
		}
	}
	return j, nil
}

// String is the form that ParseJoin reads. It holds the token: show
// Public().String() where others may look.
func (j Join) String() string {
	s := joinScheme + strings.Join(j.Addrs, ",") + "/" + j.ID.String()
	if len(j.Token) > 0 {
		s += "#" + base64.RawURLEncoding.EncodeToString(j.Token)
	}
	return s
}

// Public returns j without its token.
func (j Join) Public() Join {
	j.Token = nil
	return j
}

// Name is the short name of the relay for messages to people: its first address.
func (j Join) Name() string {
	if len(j.Addrs) == 0 {
		return j.ID.ShortString()
	}
	return j.Addrs[0]
}

// AddrInfo gives the addresses for libp2p. The port decides what is spoken there:
// 443 WebSocket in TLS, 80 plain WebSocket, any other QUIC and TCP on the same
// number.
func (j Join) AddrInfo() (p2p.AddrInfo, error) {
	info := p2p.AddrInfo{ID: j.ID}
	for _, a := range j.Addrs {
		more, err := multiaddrs(a)
		if err != nil {
			return p2p.AddrInfo{}, err
		}
		info.Addrs = append(info.Addrs, more...)
	}
	return info, nil
}

// Transports names the transports that a relay speaks on a port, as suffixes of
// a multiaddress that begins with the IP address or name.
func Transports(port uint16) []string {
	switch port {
	case 443:
		return []string{"/tcp/443/tls/ws"}
	case 80:
		return []string{"/tcp/80/ws"}
	}
	return []string{fmt.Sprintf("/udp/%d/quic-v1", port), fmt.Sprintf("/tcp/%d", port)}
}

// SecondPort is the number beside port on which a relay speaks QUIC and TCP too,
// with STUN on its UDP half: what a NAT box does with a second destination can be
// seen only from there. It is port+1 and therefore in no join string; a relay that
// finds it taken does without. The ports of WebSocket have none, and lend none.
func SecondPort(port uint16) (second uint16, ok bool) {
	second = port + 1
	return second, second != 0 && len(Transports(port)) == 2 && len(Transports(second)) == 2
}

func multiaddrs(hostPort string) ([]ma.Multiaddr, error) {
	host, port, err := splitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	prefix := "/dns/" + host
	if ip, err := netip.ParseAddr(host); err == nil {
		prefix = "/ip6/" + host
		if ip.Is4() {
			prefix = "/ip4/" + host
		}
	}
	var all []ma.Multiaddr
	for _, t := range Transports(port) {
		m, err := ma.NewMultiaddr(prefix + t)
		if err != nil {
			return nil, fmt.Errorf("%w: address %q: %w", ErrBadJoin, hostPort, err)
		}
		all = append(all, m)
	}
	return all, nil
}

func parseHostPorts(list string) ([]string, error) {
	parts := strings.Split(list, ",")
	if len(parts) > maxJoinAddrs {
		return nil, fmt.Errorf("%w: more than %d addresses", ErrBadJoin, maxJoinAddrs)
	}
	addrs := make([]string, 0, len(parts))
	for _, p := range parts {
		host, port, err := splitHostPort(p)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	return addrs, nil
}

// splitHostPort returns host as a plain IP address or a lower-case DNS name.
func splitHostPort(s string) (host string, port uint16, err error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q is not HOST:PORT", ErrBadJoin, s)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%w: %q is not a port", ErrBadJoin, p)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return ip.Unmap().String(), uint16(n), nil
	}
	host = strings.ToLower(host)
	if !validName(host) {
		return "", 0, fmt.Errorf("%w: %q is neither an IP address nor a name", ErrBadJoin, host)
	}
	return host, uint16(n), nil
}

// validName accepts host names as DNS has them (RFC 1123, and the underscore that
// some networks use). All digits and dots would be a mistyped IPv4 address.
func validName(s string) bool {
	if len(s) == 0 || len(s) > 253 || strings.Trim(s, "0123456789.") == "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

func parseRelayID(s string) (p2p.ID, error) {
	id, err := p2p.Decode(s)
	if err != nil {
		return "", fmt.Errorf("%w: %q is not a peer ID", ErrBadJoin, s)
	}
	if !isEd25519(id) {
		return "", fmt.Errorf("%w: the relay's key is not Ed25519", ErrBadJoin)
	}
	return id, nil
}

func parseToken(s string) ([]byte, error) {
	// Strict, so that one token has one spelling.
	t, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(t) != tokenSize {
		return nil, fmt.Errorf("%w: the token is damaged (it has 43 letters, digits, - and _)", ErrBadJoin)
	}
	return t, nil
}

// A peer ID made from an Ed25519 key holds the key itself: a multihash "identity"
// of 36 bytes, of which the first four say "Ed25519, 32 bytes".
const idSize = 38

var ed25519Prefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

func isEd25519(id p2p.ID) bool {
	return len(id) == idSize && bytes.HasPrefix([]byte(id), ed25519Prefix)
}
