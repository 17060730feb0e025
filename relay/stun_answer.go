package relay

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"

	"github.com/pion/stun/v2"
)

var errNotBinding = errors.New("not a Binding request that we answer")

// The flags of CHANGE-REQUEST (RFC 5780, section 7.2).
const (
	changeIP   = 4
	changePort = 2
)

// answerSTUN makes the answer to one packet that came to the socket number i of those
// at, and names the socket that it leaves by.
//
//	u16 type | u16 length | u32 magic cookie | transaction ID, 12 bytes | attributes
//
// The answer has XOR-MAPPED-ADDRESS (12 bytes for IPv4, 24 for IPv6) and, if the
// request had one, FINGERPRINT (8); as far as it stays short enough also OTHER-ADDRESS
// and RESPONSE-ORIGIN (12 or 24 each), which a relay can tell that listens on two
// addresses by name. A request that demands more of us than we do gets error 420 with
// what we do not know: RESPONSE-PORT, which would send the answer to somebody else,
// and a change to an address or port that we do not have.
func answerSTUN(packet []byte, from *net.UDPAddr, at []netip.AddrPort, i int) (answer []byte, via int, err error) {
	if len(packet) > maxSTUN || !stun.IsMessage(packet) {
		return nil, 0, errNotBinding
	}
	q := &stun.Message{Raw: packet}
	if err := q.Decode(); err != nil {
		return nil, 0, err
	}
	if q.Type != stun.BindingRequest {
		return nil, 0, errNotBinding
	}
	fingerprint := q.Contains(stun.AttrFingerprint)
	if fingerprint {
		if err := stun.Fingerprint.Check(q); err != nil {
			return nil, 0, err
		}
	}
	via, unknown := demanded(q, at, i)
	a := newAnswer(q, from, unknown)
	if len(unknown) > 0 {
		via = i
	} else {
		a.append(len(packet), fingerprint, otherAddress(at, i), origin(at, via))
	}
	if fingerprint {
		if err := stun.Fingerprint.AddTo(a.Message); err != nil {
			return nil, 0, err
		}
	}
	if tooLong(len(packet), len(a.Raw)) {
		return nil, 0, errNotBinding
	}
	return a.Raw, via, nil
}

// tooLong: 2.2 times the question is the shortest answer to the shortest question.
func tooLong(question, answer int) bool { return 10*answer > 22*question }

// demanded reads the attributes that we must understand, and which socket the answer
// shall come from.
func demanded(q *stun.Message, at []netip.AddrPort, i int) (via int, unknown []stun.AttrType) {
	via = i
	for _, a := range q.Attributes {
		ok := !a.Type.Required() || a.Type == stun.AttrPadding
		if a.Type == stun.AttrChangeRequest && len(a.Value) == 4 {
			via, ok = changed(at, i, binary.BigEndian.Uint32(a.Value))
		}
		if !ok {
			unknown = append(unknown, a.Type)
		}
	}
	return via, unknown
}

// changed is the socket with another address, another port or both.
func changed(at []netip.AddrPort, i int, flags uint32) (via int, ok bool) {
	for j, a := range at {
		samePort, sameIP := a.Port() == at[i].Port(), a.Addr() == at[i].Addr()
		if samePort == (flags&changePort == 0) && sameIP == (flags&changeIP == 0) &&
			(samePort || partners(a.Port(), at[i].Port())) && (sameIP || named(a, at[i])) {
			return j, true
		}
	}
	return i, false
}

// partners tells whether one is the other's second port.
func partners(a, b uint16) bool { return a == b+1 || b == a+1 }

// named: two addresses of one family that both say which they are. A socket for all
// addresses cannot choose the one that it answers from.
func named(a, b netip.AddrPort) bool {
	return a.Addr().BitLen() == b.Addr().BitLen() && !a.Addr().IsUnspecified() && !b.Addr().IsUnspecified()
}

// otherAddress is what OTHER-ADDRESS tells, zero for nothing.
func otherAddress(at []netip.AddrPort, i int) netip.AddrPort {
	if j, ok := changed(at, i, changeIP|changePort); ok {
		return at[j]
	}
	return netip.AddrPort{}
}

func origin(at []netip.AddrPort, via int) netip.AddrPort {
	if at[via].Addr().IsUnspecified() {
		return netip.AddrPort{}
	}
	return at[via]
}

type stunAnswer struct{ *stun.Message }

func newAnswer(q *stun.Message, from *net.UDPAddr, unknown []stun.AttrType) stunAnswer {
	set := []stun.Setter{stun.NewTransactionIDSetter(q.TransactionID)}
	if len(unknown) > 0 {
		// pion's UnknownAttributes writes 4 bytes for each, RFC 8489 (14.9) has 2.
		var list []byte
		for _, t := range unknown {
			list = binary.BigEndian.AppendUint16(list, uint16(t))
		}
		set = append(set, stun.BindingError, stun.ErrorCodeAttribute{Code: stun.CodeUnknownAttribute},
			stun.RawAttribute{Type: stun.AttrUnknownAttributes, Value: list})
	} else {
		set = append(set, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.IP, Port: from.Port})
	}
	return stunAnswer{stun.MustBuild(set...)} // none of them can fail: no text, an address of 4 or 16 bytes
}

// append adds the addresses that fit.
func (a stunAnswer) append(question int, fingerprint bool, other, origin netip.AddrPort) {
	for _, row := range []struct {
		as   stun.AttrType
		addr netip.AddrPort
	}{{stun.AttrOtherAddress, other}, {stun.AttrResponseOrigin, origin}} {
		more := 4 + 4 + row.addr.Addr().BitLen()/8
		if fingerprint {
			more += 8
		}
		if row.addr.IsValid() && !tooLong(question, len(a.Raw)+more) {
			m := &stun.MappedAddress{IP: row.addr.Addr().AsSlice(), Port: int(row.addr.Port())}
			_ = m.AddToAs(a.Message, row.as) // an address of 4 or 16 bytes cannot fail
		}
	}
}
