package rendezvous

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

const (
	claimLabel = "sightline/1 lease\x00"
	maxClaim   = 1 + MaxDigits + idSize + 8 + 8 + sha256.Size // bytes
)

// claim is what a lease says: this peer has had this number since then, and may
// claim it again until it expires. Times are whole milliseconds.
type claim struct {
	number  string
	peer    p2p.ID
	since   time.Time
	expires time.Time
}

// seal encodes c and signs it with the relay's lease key.
func (c claim) seal(key *[32]byte) []byte {
	b := appendBytes(make([]byte, 0, maxClaim), []byte(c.number))
	b = append(b, c.peer...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.since.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.expires.UnixMilli()))
	return append(b, claimMAC(key, b)...)
}

// openClaim reads a lease and reports whether this relay made it. The MAC is
// checked before anything inside is looked at.
func openClaim(key *[32]byte, b []byte) (claim, bool) {
	if len(b) > maxClaim || len(b) < sha256.Size {
		return claim{}, false
	}
	body, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(mac, claimMAC(key, body)) {
		return claim{}, false
	}
	rd := reader{b: body}
	c := claim{number: string(rd.bytes())}
	c.peer = p2p.ID(rd.take(idSize))
	c.since = time.UnixMilli(rd.int64())
	c.expires = time.UnixMilli(rd.int64())
	return c, rd.end() == nil
}

func claimMAC(key *[32]byte, body []byte) []byte {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte(claimLabel))
	m.Write(body)
	return m.Sum(nil)
}
