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
//	sightline-relay:ADDR[,ADDR…]/PEERID[/PIN][#TOKEN]
//
// ADDR is HOST:PORT, or ws:HOST:PORT and wss:HOST:PORT where the port alone does
// not say that WebSocket is spoken there. HOST is an IPv4 address, an IPv6 address
// in brackets or a DNS name; PEERID is the relay's libp2p peer ID (Ed25519, base58);
// PIN is the SHA-256 of the public key of its TLS certificate if that is self-signed,
// TOKEN is 32 bytes, both in base64url without padding. Without "#TOKEN" a closed
// relay serves viewers only.
type Join struct {
	Addrs []string // [ws:|wss:]host:port, 1..8, host and port as net.JoinHostPort writes them
	ID    p2p.ID
	Pin   []byte // 32 bytes or nil
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
	id, pin, hasPin := strings.Cut(id, "/")
	if j.ID, err = parseRelayID(id); err != nil {
		return Join{}, err
	}
	if hasPin {
		if j.Pin, err = parse32(pin, "the pin"); err != nil {
			return Join{}, err
		}
	}
	if hasToken {
		if j.Token, err = parse32(token, "the token"); err != nil {
			return Join{}, err
		}
	}
	return j, nil
}

// String is the form that ParseJoin reads. It holds the token: show
// Public().String() where others may look.
func (j Join) String() string {
	s := joinScheme + strings.Join(j.Addrs, ",") + "/" + j.ID.String()
	if len(j.Pin) > 0 {
		s += "/" + base64.RawURLEncoding.EncodeToString(j.Pin)
	}
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

// AddrInfo gives the addresses for libp2p. What is spoken there ws: or wss: says,
// else the port: 443 WebSocket in TLS, 80 plain WebSocket, any other QUIC and TCP
// on the same number.
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

// The schemes of an address at which WebSocket is spoken, in TLS or not. Web gives
// the one that a port stands for by itself.
const (
	WSS = "wss"
	WS  = "ws"
)

// Web is WSS for port 443, WS for port 80 and empty for all others.
func Web(port uint16) string {
	switch port {
	case 443:
		return WSS
	case 80:
		return WS
	}
	return ""
}

// Transports names the transports that a relay speaks on a port by itself, as
// suffixes of a multiaddress that begins with the IP address or name.
func Transports(port uint16) []string { return TransportsAs(Web(port), port) }

// TransportsAs is Transports for a port of which scheme says what is spoken there.
func TransportsAs(scheme string, port uint16) []string {
	switch scheme {
	case WSS:
		return []string{fmt.Sprintf("/tcp/%d/tls/ws", port)}
	case WS:
		return []string{fmt.Sprintf("/tcp/%d/ws", port)}
	}
	return []string{fmt.Sprintf("/udp/%d/quic-v1", port), fmt.Sprintf("/tcp/%d", port)}
}

// CutWeb takes "ws:" or "wss:" off an address of a Join. Without it, scheme is
// what the port says.
func CutWeb(addr string) (scheme, hostPort string) {
	for _, s := range [...]string{WSS, WS} {
		// "ws:80" is a host of that name.
		if rest, ok := strings.CutPrefix(addr, s+":"); ok && strings.Contains(rest, ":") {
			return s, rest
		}
	}
	if _, port, err := splitHostPort(addr); err == nil {
		return Web(port), addr
	}
	return "", addr
}

// SecondPort is the number beside port on which a relay speaks QUIC and TCP too,
// with STUN on its UDP half: what a NAT box does with a second destination can be
// seen only from there. It is port+1 and therefore in no join string; a relay that
// finds it taken does without. The ports of WebSocket have none, and lend none.
func SecondPort(port uint16) (second uint16, ok bool) {
	second = port + 1
	return second, second != 0 && len(Transports(port)) == 2 && len(Transports(second)) == 2
}

func multiaddrs(addr string) ([]ma.Multiaddr, error) {
	scheme, hostPort := CutWeb(addr)
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
	for _, t := range TransportsAs(scheme, port) {
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
		scheme, hostPort := CutWeb(p)
		host, port, err := splitHostPort(hostPort)
		if err != nil {
			return nil, err
		}
		addr := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if scheme != Web(port) {
			addr = scheme + ":" + addr
		}
		addrs = append(addrs, addr)
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

// parse32 reads the 32 bytes of a pin or a token.
func parse32(s, what string) ([]byte, error) {
	// Strict, so that one token has one spelling.
	t, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(t) != tokenSize {
		return nil, fmt.Errorf("%w: %s is damaged (it has 43 letters, digits, - and _)", ErrBadJoin, what)
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
