// Package acme gets the certificate of a relay's WSS port from an authority that
// speaks ACME (RFC 8555), Let's Encrypt unless told otherwise, and renews it. The
// work is certmagic's; this package keeps it to what a relay needs: the names that
// are set, challenges that are answered on the ports that the relay has open
// anyway, and no other listener.
//
// Nothing is kept but the authority's account and the certificates, in one folder.
package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// Options of a Manager. Names and Dir are required.
type Options struct {
	Names     []string // DNS names, all of which lead to this machine
	Email     string   // for the authority's warnings; may be empty
	Directory string   // URL of the authority; empty: Let's Encrypt
	Dir       string   // folder for account and certificates, made with 0700
	// Roots are trusted for the connection to the authority; nil: this machine's.
	Roots *x509.CertPool
	// HTTPPort and TLSPort are where the authority comes to look; 0: 80 and 443.
	// Others are for an authority of one's own.
	HTTPPort, TLSPort int
	Log               *slog.Logger // nil: silent
	// Failed is told when a certificate could not be had; certmagic tries again.
	Failed func(error)
}

// Manager has the certificates.
type Manager struct {
	config *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
	names  []string
}

// New reads what is in the folder. It asks nobody yet.
func New(o Options) (*Manager, error) {
	if len(o.Names) == 0 || o.Dir == "" {
		return nil, errors.New("acme: no names or no folder")
	}
	if o.Directory == "" {
		o.Directory = certmagic.LetsEncryptProductionCA
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{names: o.Names}
	silent := zap.NewNop() // what matters comes by OnEvent
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return m.config, nil },
		Logger:           silent,
	})
	m.config = certmagic.New(m.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Dir}, Logger: silent,
		DefaultServerName: o.Names[0], // peers that dial an address name no server
		OnEvent:           o.onEvent,
	})
	m.issuer = certmagic.NewACMEIssuer(m.config, certmagic.ACMEIssuer{
		CA: o.Directory, Email: o.Email, Agreed: true, TrustedRoots: o.Roots,
		AltHTTPPort: o.HTTPPort, AltTLSALPNPort: o.TLSPort, Logger: silent,
	})
	m.config.Issuers = []certmagic.Issuer{m.issuer}
	return m, nil
}

func (o Options) onEvent(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cert_obtained":
		o.Log.Info("relay: a certificate was obtained", "name", data["identifier"], "renewed", data["renewal"])
	case "cert_failed":
		err, _ := data["error"].(error)
		err = fmt.Errorf("get a certificate for %v: %w", data["identifier"], err)
		o.Log.Warn("relay: no certificate", "err", err)
		if o.Failed != nil {
			o.Failed(err)
		}
	}
	return nil
}

// Run gets and renews the certificates until ctx ends. The ports must be open by
// now, or the authority finds nobody.
func (m *Manager) Run(ctx context.Context) error {
	defer m.cache.Stop()
	if err := m.config.ManageAsync(ctx, m.names); err != nil {
		return fmt.Errorf("get certificates: %w", err)
	}
	<-ctx.Done()
	return nil
}

// Certificate is for tls.Config; it also answers the challenge TLS-ALPN-01.
func (m *Manager) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return m.config.GetCertificate(hello)
}

// Challenge answers the challenge HTTP-01 and leaves all other requests to next.
func (m *Manager) Challenge(next http.Handler) http.Handler {
	return m.issuer.HTTPChallengeHandler(next)
}
