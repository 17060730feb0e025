package secure

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/flynn/noise"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

const (
	pakeLabel     = "sightline/1 spake2+ P256-SHA256-HKDF-SHA256-HMAC-SHA256\x00"
	prologueLabel = "sightline/1 noise"
	pskLabel      = "sightline/1 psk"
	streamsLabel  = "sightline/1 streams"

	shareLen = 32 // sV and sH, each side's half of the stream keys
)

// pakeContext binds the PAKE to M1 and M2: whoever changes mode, suite, number
// or salt on the way breaks confirmV.
func pakeContext(m1, m2 []byte) []byte {
	sum := sha256.Sum256(lp(m1, m2))
	return append([]byte(pakeLabel), sum[:]...)
}

// handshakeHash is TH: a hash over the messages before Noise.
func handshakeHash(messages ...[]byte) []byte {
	sum := sha256.Sum256(lp(messages...))
	return sum[:]
}

// pakePSK turns the PAKE's key into Noise's.
func pakePSK(shared, th []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, shared, th, pskLabel, 32)
}

// noiseConfig of Noise_XXpsk3 with everything that went before in its prologue.
type noiseConfig struct {
	me           Identity
	viewer, host p2p.ID
	mode         Mode
	suite        byte
	th, psk      []byte
	initiator    bool
	rand         io.Reader // for the ephemeral key; Config.EphemeralKeypair would be ignored
}

func (c noiseConfig) start() (*noise.HandshakeState, error) {
	prologue := lp([]byte(prologueLabel), []byte(c.viewer), []byte(c.host), []byte{byte(c.mode)})
	hs, err := noise.NewHandshakeState(noise.Config{
		CipherSuite:           cipherSuite(c.suite),
		Random:                c.rand,
		Pattern:               noise.HandshakeXX,
		Initiator:             c.initiator,
		Prologue:              append(prologue, c.th...),
		PresharedKey:          c.psk,
		PresharedKeyPlacement: 3,
		StaticKeypair:         c.me.static,
	})
	if err != nil {
		return nil, fmt.Errorf("start noise: %w", err)
	}
	return hs, nil
}

func cipherSuite(suite byte) noise.CipherSuite {
	if suite == suiteChaChaPoly {
		return noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256)
	}
	return noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256)
}

// streamMaster is S, from which the keys of all further streams come.
func streamMaster(sV, sH, binding []byte) ([]byte, error) {
	both := append(append([]byte(nil), sV...), sH...)
	defer clear(both)
	return hkdf.Key(sha256.New, both, binding, streamsLabel, 32)
}

// certified splits a payload cert | share and checks the certificate.
func certified(payload []byte, peer p2p.ID, role byte, static []byte) (share []byte, err error) {
	if len(payload) != certLen+shareLen {
		return nil, fmt.Errorf("%w: bad handshake payload", ErrProtocol)
	}
	if err := checkCert(payload[:certLen], peer, role, static); err != nil {
		return nil, err
	}
	return payload[certLen:], nil
}
