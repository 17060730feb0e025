package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
)

// selfSigned tells whether the relay signs its own certificate.
func (o Options) selfSigned() bool { return o.TLSCert == "" && o.Certificate == nil }

// tlsConfig is for the WSS listeners. It proves nothing that the session would
// need: inside the TLS a peer checks the relay's peer ID, as on every other port.
// It exists because some firewalls let only TLS through, and its certificate is
// checked by peers so that a person learns who else may end it.
func (o Options) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case o.Certificate != nil:
		c.GetCertificate = o.Certificate
		c.NextProtos = []string{"h2", "http/1.1", "acme-tls/1"}
	case o.TLSCert != "":
		files := &certFiles{cert: o.TLSCert, key: o.TLSKey, log: o.Log}
		if err := files.load(); err != nil {
			return nil, err
		}
		c.GetCertificate = files.get
	default:
		own, err := selfSigned(o.Key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// tlsKey is the key of the self-signed certificate. It is made from the relay's
// identity, so that the pin in a join string outlives a restart and there is no
// further file to keep.
func tlsKey(id crypto.PrivKey) (*ecdsa.PrivateKey, error) {
	raw, err := id.Raw()
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	// A scalar of P-256 is below the group's order but for 1 case in 2^32.
	for i := range 8 {
		scalar, err := hkdf.Key(sha256.New, raw, nil, fmt.Sprintf("sightline relay TLS key 1.%d", i), 32)
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("make a certificate: no key comes of this identity")
}

// tlsPin is what a join string says of that certificate: the SHA-256 of its public
// key as it stands there (SubjectPublicKeyInfo, RFC 7469).
func tlsPin(id crypto.PrivKey) ([]byte, error) {
	key, err := tlsKey(id)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

func selfSigned(id crypto.PrivKey) (tls.Certificate, error) {
	key, err := tlsKey(id)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: userAgent},
		DNSNames:     []string{userAgent + ".invalid"},
		NotBefore:    now.Add(-24 * time.Hour), // clocks differ
		NotAfter:     now.AddDate(10, 0, 0),    // lives in memory: longer than the process
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// certFiles is a certificate that somebody else renews. It is read again when a
// file has changed; a new one that cannot be used leaves the old one in place.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu    sync.Mutex
	now   *tls.Certificate
	stamp [2]time.Time // when the files were written
	asked time.Time    // when that was looked at last
}

// certLook is how often the files are looked at, at most.
const certLook = 5 * time.Second

func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.asked) >= certLook {
		f.asked = now
		if stamp, err := f.written(); err == nil && stamp != f.stamp {
			if err := f.loadLocked(); err != nil {
				f.log.Warn("relay: the new certificate cannot be used, the old one stays", "err", err)
			}
		}
	}
	return f.now, nil
}

func (f *certFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = time.Now()
	return f.loadLocked()
}

func (f *certFiles) loadLocked() error {
	stamp, err := f.written()
	if err != nil {
		return fmt.Errorf("read the certificate of WSS: %w", err)
	}
	cert, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("read the certificate of WSS (%s, %s): %w", f.cert, f.key, err)
	}
	f.now, f.stamp = &cert, stamp
	return nil
}

func (f *certFiles) written() (stamp [2]time.Time, err error) {
	for i, name := range [...]string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}
