package proxytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"time"
)

// Inspector looks into TLS: it shows the client a certificate of its own for
// whatever name is asked for.
type Inspector struct {
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
}

// NewInspector makes the authority that signs, with that name.
func NewInspector(name string) (*Inspector, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{name}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return &Inspector{ca, key}, err
}

func (i *Inspector) certificate(host string) (*tls.Certificate, error) {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, i.ca, &i.key.PublicKey, i.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, i.ca.Raw}, PrivateKey: i.key}, nil
}

// pipe ends TLS on both sides and copies what is inside.
func (i *Inspector) pipe(c net.Conn, in io.Reader, out net.Conn, target string) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return
	}
	cert, err := i.certificate(host)
	if err != nil {
		return
	}
	inside := tls.Server(&read{c, in}, &tls.Config{Certificates: []tls.Certificate{*cert}})
	outside := tls.Client(out, &tls.Config{InsecureSkipVerify: true})
	if inside.Handshake() != nil || outside.Handshake() != nil {
		return
	}
	both(inside, inside, outside, outside)
}

// read is a connection whose bytes come from elsewhere.
type read struct {
	net.Conn
	in io.Reader
}

func (r *read) Read(p []byte) (int, error) { return r.in.Read(p) }
