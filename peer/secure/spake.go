package secure

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// SPAKE2+ of RFC 9383, suite P256-SHA256-HKDF-SHA256-HMAC-SHA256: the viewer
// (prover) shows that it knows the secret, the host (verifier) that it holds
// the verifier made from it, and whoever listens or forwards learns nothing
// that could be tried offline. The cofactor h of P-256 is 1.
//
// Points are worked on by nistec (constant time). The only arithmetic on
// scalars that the protocol needs is the reduction of the stretched secret
// modulo n, done by bigmod (constant time); everything else is a product of
// one scalar and one point.

const (
	scalarLen    = 32
	pointLen     = 65 // 04 | X | Y
	stretchedLen = 80 // w0s | w1s
	macLen       = sha256.Size
)

var (
	// M and N, RFC 9383 section 4; nobody knows their discrete logarithms.
	pointM = constantPoint("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
	pointN = constantPoint("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")

	// n, the order of P-256.
	groupOrder = constant("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
)

// errPoint: a share that is no point, or leads to the point at infinity.
var errPoint = errors.New("bad point")

// pakeKeys are what both sides hold after SPAKE2+, in the names of the RFC.
type pakeKeys struct {
	confirmP, confirmV [macLen]byte
	shared             [32]byte
}

func (k *pakeKeys) wipe() { *k = pakeKeys{} }

// proverShare returns X = x*G + w0*M.
func proverShare(x, w0 []byte) ([]byte, error) { return blinded(x, w0, pointM) }

// verifierShare returns Y = y*G + w0*N.
func verifierShare(y, w0 []byte) ([]byte, error) { return blinded(y, w0, pointN) }

func blinded(scalar, w0 []byte, by *nistec.P256Point) ([]byte, error) {
	sum, err := nistec.NewP256Point().ScalarBaseMult(scalar)
	if err != nil {
		return nil, err
	}
	blind, err := nistec.NewP256Point().ScalarMult(by, w0)
	if err != nil {
		return nil, err
	}
	return finite(sum.Add(sum, blind))
}

// proverPoints returns Z = x*(Y - w0*N) and V = w1*(Y - w0*N).
func proverPoints(x, w0, w1, shareV []byte) (z, v []byte, err error) {
	bare, err := unblind(shareV, w0, pointN)
	if err != nil {
		return nil, nil, err
	}
	return times(bare, x, bare, w1)
}

// verifierPoints returns Z = y*(X - w0*M) and V = y*L.
func verifierPoints(y, w0, l, shareP []byte) (z, v []byte, err error) {
	bare, err := unblind(shareP, w0, pointM)
	if err != nil {
		return nil, nil, err
	}
	lp, err := parsePoint(l)
	if err != nil {
		return nil, nil, err
	}
	return times(bare, y, lp, y)
}

func times(p *nistec.P256Point, a []byte, q *nistec.P256Point, b []byte) (z, v []byte, err error) {
	pz, err := nistec.NewP256Point().ScalarMult(p, a)
	if err != nil {
		return nil, nil, err
	}
	pv, err := nistec.NewP256Point().ScalarMult(q, b)
	if err != nil {
		return nil, nil, err
	}
	if z, err = finite(pz); err != nil {
		return nil, nil, err
	}
	v, err = finite(pv)
	return z, v, err
}

func unblind(share, w0 []byte, by *nistec.P256Point) (*nistec.P256Point, error) {
	p, err := parsePoint(share)
	if err != nil {
		return nil, err
	}
	blind, err := nistec.NewP256Point().ScalarMult(by, w0)
	if err != nil {
		return nil, err
	}
	return p.Add(p, blind.Negate(blind)), nil
}

// parsePoint takes the uncompressed form only: nistec by itself would also
// take compressed points and the single byte that means infinity.
func parsePoint(b []byte) (*nistec.P256Point, error) {
	if len(b) != pointLen || b[0] != 4 {
		return nil, errPoint
	}
	p, err := nistec.NewP256Point().SetBytes(b)
	if err != nil {
		return nil, errPoint
	}
	return p, nil
}

func finite(p *nistec.P256Point) ([]byte, error) {
	if p.IsInfinity() == 1 {
		return nil, errPoint
	}
	return p.Bytes(), nil
}

// transcript is TT of RFC 9383 section 3.3.
func transcript(context, idProver, idVerifier, shareP, shareV, z, v, w0 []byte) []byte {
	return lp(context, idProver, idVerifier, pointM.Bytes(), pointN.Bytes(), shareP, shareV, z, v, w0)
}

// schedule derives the keys of RFC 9383 section 3.4 from TT.
func schedule(tt, shareP, shareV []byte) (*pakeKeys, error) {
	main := sha256.Sum256(tt)
	defer clear(main[:])
	confirm, err := confirmationKeys(main[:])
	if err != nil {
		return nil, err
	}
	defer clear(confirm)
	shared, err := hkdf.Key(sha256.New, main[:], nil, "SharedKey", 32)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	k := &pakeKeys{shared: [32]byte(shared)}
	k.confirmP = mac(confirm[:macLen], shareV)
	k.confirmV = mac(confirm[macLen:], shareP)
	return k, nil
}

// confirmationKeys are K_confirmP | K_confirmV.
func confirmationKeys(main []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, main, nil, "ConfirmationKeys", 2*macLen)
}

func mac(key, message []byte) (sum [macLen]byte) {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	h.Sum(sum[:0])
	return sum
}

// reduce returns a 40-byte number modulo n. bigmod takes numbers below their
// modulus only, so the 40 bytes are first read modulo 2^320-1; the one value
// that this would refuse has a probability of 2^-320.
func reduce(w []byte) ([]byte, error) {
	order, err := bigmod.NewModulus(groupOrder)
	if err != nil {
		return nil, err
	}
	wide, err := bigmod.NewModulus(allOnes(len(w)))
	if err != nil {
		return nil, err
	}
	x, err := bigmod.NewNat().SetBytes(w, wide)
	if err != nil {
		return nil, err
	}
	r := bigmod.NewNat().Mod(x, order)
	if r.IsZero() == 1 {
		return nil, errors.New("stretched secret is 0 modulo n")
	}
	return r.Bytes(order), nil
}

// randomScalar draws from [1, n-1]: 32 random bytes, thrown away if they are
// no such number. That happens once in 2^32 draws; a source that fails a
// hundred times running is broken.
func randomScalar(rand io.Reader) ([]byte, error) {
	order, err := bigmod.NewModulus(groupOrder)
	if err != nil {
		return nil, err
	}
	b := make([]byte, scalarLen)
	for range 100 {
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, fmt.Errorf("draw a scalar: %w", err)
		}
		x, err := bigmod.NewNat().SetBytes(b, order)
		if err == nil && x.IsZero() == 0 {
			return b, nil
		}
	}
	return nil, errors.New("draw a scalar: the random source is broken")
}

// lp joins fields, each behind its length as u64 little endian.
func lp(fields ...[]byte) []byte {
	var b []byte
	for _, f := range fields {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

func allOnes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// constant and constantPoint read what stands in this file: a fault in it is
// a broken promise of ours.
func constant(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func constantPoint(s string) *nistec.P256Point {
	p, err := nistec.NewP256Point().SetBytes(constant(s))
	if err != nil {
		panic(err)
	}
	return p
}
