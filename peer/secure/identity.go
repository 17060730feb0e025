package secure

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/flynn/noise"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// A certificate binds the X25519 key of one process to an identity:
//
//	01 | ed25519_pub(32) | sig(64)     sig over: label | role | x25519_pub
const (
	certVersion = 1
	certLen     = 1 + ed25519.PublicKeySize + ed25519.SignatureSize
	certLabel   = "sightline/1 noise static\x00"

	roleHost   = 'H'
	roleViewer = 'V'
)

// idPrefix are the first bytes of every Ed25519 peer ID: identity multihash
// (00 24) of the protobuf {Type: Ed25519, Data: 32 bytes}.
var idPrefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

// Identity is who this process is: its libp2p key, and an X25519 key that
// lives as long as the process and is never stored.
type Identity struct {
	id     p2p.ID
	pub    ed25519.PublicKey
	key    crypto.PrivKey
	static noise.DHKey
}

// NewIdentity makes an Identity of an Ed25519 key; other kinds are
// ErrWrongPeer. Make one per process and role and keep it.
func NewIdentity(key crypto.PrivKey) (Identity, error) {
	return newIdentity(key, rand.Reader)
}

func newIdentity(key crypto.PrivKey, rand io.Reader) (Identity, error) {
	id, err := p2p.IDFromPrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("name an identity: %w", err)
	}
	pub, err := publicKey(id)
	if err != nil {
		return Identity{}, err
	}
	static, err := noise.DH25519.GenerateKeypair(rand)
	if err != nil {
		return Identity{}, fmt.Errorf("make a session key: %w", err)
	}
	return Identity{id: id, pub: pub, key: key, static: static}, nil
}

// ID is the peer ID that libp2p shows to others.
func (me Identity) ID() p2p.ID { return me.id }

// Format keeps keys out of every kind of print.
func (me Identity) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "identity %s", me.id) }

// certify signs this process's X25519 key for one role.
func (me Identity) certify(role byte) ([]byte, error) {
	sig, err := me.key.Sign(signed(role, me.static.Public))
	if err != nil {
		return nil, fmt.Errorf("certify the session key: %w", err)
	}
	cert := append([]byte{certVersion}, me.pub...)
	return append(cert, sig...), nil
}

// checkCert tells whether this certificate (certLen bytes) was made by peer,
// in that role, for that X25519 key. Error: ErrWrongPeer.
func checkCert(cert []byte, peer p2p.ID, role byte, static []byte) error {
	pub, err := publicKey(peer)
	if err != nil {
		return err
	}
	if len(cert) != certLen || cert[0] != certVersion {
		return fmt.Errorf("%w: bad certificate", ErrWrongPeer)
	}
	named, sig := cert[1:1+len(pub)], cert[1+len(pub):]
	if !bytes.Equal(named, pub) || !ed25519.Verify(pub, signed(role, static), sig) {
		return fmt.Errorf("%w: the certificate is somebody else's", ErrWrongPeer)
	}
	return nil
}

func signed(role byte, static []byte) []byte {
	return append(append([]byte(certLabel), role), static...)
}

// publicKey reads the key out of an Ed25519 peer ID.
func publicKey(id p2p.ID) (ed25519.PublicKey, error) {
	raw, ok := bytes.CutPrefix([]byte(id), idPrefix)
	if !ok || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: its key is not Ed25519", ErrWrongPeer)
	}
	return raw, nil
}
