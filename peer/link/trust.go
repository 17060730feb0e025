package link

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"unicode"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// trust decides about the certificate on a relay's port 443. Nothing of the
// session hangs on it: inside the TLS libp2p proves the relay's peer ID, and
// inside that the two ends prove the code. It is checked all the same, because
// a person whose network looks into TLS should know, and say yes to it.
type trust struct {
	pins       map[p2p.ID][32]byte // SHA-256 of the public key, of relays whose string names one
	inspection bool                // others than the relay may end the TLS
	roots      *x509.CertPool      // nil: those of this machine

	mu      *sync.Mutex
	issuers map[p2p.ID]string // of certificates that were let through by inspection
}

func newTrust(o Options) trust {
	return trust{pins: o.Pins, inspection: o.TLSInspection, mu: new(sync.Mutex), issuers: make(map[p2p.ID]string)}
}

// config is for one connection to "host:port". The checks of crypto/tls are
// replaced by ours, which are stricter where there is a pin.
func (t trust) config(hostport string, relay p2p.ID) *tls.Config {
	host, _, _ := net.SplitHostPort(hostport)
	return &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			err := t.check(host, relay, s.PeerCertificates)
			if err != nil && t.inspection {
				t.inspected(relay, issuer(s.PeerCertificates))
				return nil
			}
			return err
		},
	}
}

func (t trust) inspected(relay p2p.ID, by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issuers[relay] = by
}

// issuerOf is who ended the TLS to a relay in its place, "" if nobody did.
func (t trust) issuerOf(relay p2p.ID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issuers[relay]
}

// check accepts the key that the relay's string names, else a certificate that
// this machine trusts for that host.
func (t trust) check(host string, relay p2p.ID, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	leaf := chain[0]
	if pin, ok := t.pins[relay]; ok {
		if sha256.Sum256(leaf.RawSubjectPublicKeyInfo) == pin {
			return nil
		}
		return &certError{issuer: issuer(chain), why: "it is not the relay's own"}
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Intermediates: between, Roots: t.roots}); err != nil {
		return &certError{issuer: issuer(chain), why: certWhy(err)}
	}
	return nil
}

func certWhy(err error) string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "it is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is out of date, or this machine's clock is wrong"
	}
	return "this machine does not trust whoever issued it"
}

// certError refuses a certificate.
type certError struct{ issuer, why string }

func (e *certError) Error() string {
	return fmt.Sprintf("the certificate there was issued by %q: %s, so something in between may read TLS (network.tls_inspection = true lets it)", e.issuer, e.why)
}

// InspectedBy tells netcheck who issued it.
func (e *certError) InspectedBy() string { return e.issuer }

// tlsError keeps a certError as it is and makes the rest short.
func tlsError(err error) error {
	var cert *certError
	if errors.As(err, &cert) {
		return cert
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return errors.New("what answers there does not speak TLS")
	}
	return err
}

// issuer names who issued the first certificate, in at most 80 characters that
// a terminal can show.
func issuer(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return ""
	}
	name := chain[0].Issuer
	s := name.CommonName
	if len(name.Organization) > 0 && name.Organization[0] != s {
		s = strings.TrimSpace(name.Organization[0] + " " + s)
	}
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s), "")
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	if s == "" {
		return "nobody"
	}
	return s
}
