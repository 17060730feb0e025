package netcheck

import (
	"net/netip"

	"github.com/pion/stun/v2"
)

// Request makes one STUN binding request. id is what its answer will carry.
func Request() (id [12]byte, packet []byte) {
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	return m.TransactionID, m.Raw
}

// Answer reads a binding success response: which request it answers, and as what
// address the server saw its sender. ok is false for everything else.
func Answer(packet []byte) (id [12]byte, seen netip.AddrPort, ok bool) { return parseBinding(packet) }
