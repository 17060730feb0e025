package secure

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	tagLen     = 16
	rekeyEvery = 1 << 16 // records; with the largest ones 4 GiB under one key
)

// recordCipher is one direction of one stream: Noise's CipherState (section
// 5.1 of its specification, with REKEY of 4.2) without associated data, byte
// for byte. noise.CipherState itself allocates a nonce for every record.
//
// It needs no copy of the key: the rekeying works with the cipher alone.
type recordCipher struct {
	suite byte
	aead  cipher.AEAD
	n     uint64 // records so far; the next nonce
	nonce [12]byte
}

// newRecordCipher takes the key over and overwrites it.
func newRecordCipher(suite byte, key []byte) (*recordCipher, error) {
	defer clear(key)
	c := &recordCipher{suite: suite}
	return c, c.setKey(key)
}

func (c *recordCipher) setKey(key []byte) (err error) {
	if c.suite == suiteChaChaPoly {
		c.aead, err = chacha20poly1305.New(key)
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	c.aead, err = cipher.NewGCM(block)
	return err
}

// seal encrypts plain where it lies and returns it with the tag behind; plain
// must have tagLen bytes of spare capacity.
func (c *recordCipher) seal(plain []byte) ([]byte, error) {
	sealed := c.aead.Seal(plain[:0], c.at(c.n), plain, nil)
	return sealed, c.step()
}

// open decrypts a record where it lies. Error: ErrTampered.
func (c *recordCipher) open(sealed []byte) ([]byte, error) {
	plain, err := c.aead.Open(sealed[:0], c.at(c.n), sealed, nil)
	if err != nil {
		return nil, ErrTampered
	}
	return plain, c.step()
}

// step counts a record and takes a new key after every 65,536th.
func (c *recordCipher) step() error {
	c.n++
	if c.n%rekeyEvery != 0 {
		return nil
	}
	return c.rekey()
}

// rekey is Noise's REKEY; the nonce counts on.
func (c *recordCipher) rekey() error {
	var buf [32 + tagLen]byte
	defer clear(buf[:])
	key := c.aead.Seal(buf[:0], c.at(math.MaxUint64), buf[:32], nil)[:32]
	return c.setKey(key)
}

// at is Noise's nonce: 32 zero bits, then n, big endian for AES-GCM and little
// endian for ChaChaPoly. Valid until the next call.
func (c *recordCipher) at(n uint64) []byte {
	if c.suite == suiteChaChaPoly {
		binary.LittleEndian.PutUint64(c.nonce[4:], n)
	} else {
		binary.BigEndian.PutUint64(c.nonce[4:], n)
	}
	return c.nonce[:]
}
