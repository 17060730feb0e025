// Package relay is the relay role: the machine in the middle through which a
// host and a viewer that cannot reach each other meet, and through which their
// bytes run when there is no direct path. It is one libp2p host with three
// services behind the same ports:
//
//	relay/rendezvous   session number -> peer (our protocol, our limits)
//	circuit relay v2   bytes between two peers (libp2p's, without its 2 min / 128 KiB)
//	STUN Binding       "which address do you see?" on the UDP port of QUIC
//
//	viewer ──QUIC/TCP/WSS──► relay ◄──QUIC/TCP/WSS── host
//	       └── Noise or TLS between viewer and host, inside the circuit ──┘
//
// A relay cannot read what it carries: both layers of encryption end at the
// peers. It sees addresses, peer IDs, session numbers, times and sizes, keeps
// live numbers in memory only, and writes none of them to its log.
//
// It is closed by default: only who shows the token of the join string gets a
// number, only who has a number gets a reservation, and circuits lead only to
// such peers. So nobody can be reached through it who did not ask for it, and
// nothing but libp2p circuits comes out of it.
package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"sightline/relay/rendezvous"
)

// DefaultListen is where a relay listens unless told otherwise: an ordinary port
// that needs no rights, on all addresses.
const DefaultListen = ":4001"

// Options of a relay. Key is required, and Token unless Open.
type Options struct {
	Key      crypto.PrivKey // Ed25519; its peer ID is in the join string
	LeaseKey [32]byte       // signs leases; kept beside Key, so that hosts get their numbers back after a restart
	Token    []byte         // 32 bytes; who shows it may register. Part of the join string
	Open     bool           // everybody may register
	// Listen is a list of HOST:PORT; HOST is an IP address, "localhost" or empty for
	// all addresses. Port 443 speaks WebSocket in TLS, 80 plain WebSocket, every
	// other one QUIC and TCP; wss:// or ws:// before it says so for any port. Port 0 is
	// one free port. Empty: DefaultListen.
	Listen []string
	// Announce is a list of HOST or HOST:PORT (names or addresses, also with wss:// or
	// ws://) for the join string; without a port it stands for all ports of Listen. Empty: the addresses
	// of the interfaces, and the loopback address only if there is no other.
	Announce []string
	Trusted  []netip.Prefix // sources that are no single person: an office. No limits per address
	// ForwardedFrom are reverse proxies in front of the WebSocket listeners. What their
	// X-Forwarded-For says is believed, and the limits per address count whom they name.
	ForwardedFrom []netip.Prefix
	// TLSCert and TLSKey are files in PEM with the certificate of WSS and its key. They
	// are read again when they change. Both empty: a self-signed certificate, which the
	// join string pins.
	TLSCert, TLSKey string
	// Certificate gives the certificate of WSS instead (ACME), Challenge answers what an
	// authority asks on port 80 and leaves other requests to the handler that it is given.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Challenge   func(http.Handler) http.Handler
	Limits      Limits
	Volume      VolumeStore  // where Limits.Volume is kept over a restart; nil: in memory
	Log         *slog.Logger // nil: silent. Counts only, no addresses, no peer IDs, no numbers
	Events      func(Event)  // nil: nobody. Called without locks, from several goroutines

	now func() time.Time // the directory's clock; nil: time.Now
}

// page is what a browser gets.
func (o Options) page() http.Handler {
	if o.Challenge != nil {
		return o.Challenge(page)
	}
	return page
}

// Event is something that happened, told without saying to whom.
type Event struct {
	What  string        // a rendezvous.Event, "circuit opened", "circuit closed" or "circuit refused"
	Stats Stats         // after it
	Bytes int64         // circuit closed: bytes carried, both ways
	Age   time.Duration // circuit closed
}

// Stats are counts since the start, but for those that say "now".
type Stats struct {
	Since           time.Time
	Registrations   int   // numbers alive now
	Circuits        int   // open now
	Registered      int64 // numbers given out or claimed
	Found           int64 // look-ups answered
	Unknown         int64 // look-ups that met no live number
	CircuitsOpened  int64
	CircuitsRefused int64 // by a limit, or because nobody is there
	CircuitsCut     int64 // ended by us: idle, too old, or the month's volume was spent
	Refused         int64 // registrations with a wrong or missing token
	Limited         int64 // questions over a limit
	Bytes           int64 // carried in circuits, both ways, each byte once
	Month           int64 // of them in this month, also before the start
	MonthLimit      int64 // Limits.Volume
	STUN            int64 // Binding requests answered
	Peers           []PeerLoad
}

// PeerLoad is what a peer that has circuits now makes the relay carry. It is named by
// a number and nothing else.
type PeerLoad struct {
	Number   int    // in the order in which they came since the start
	Role     string // viewer or host
	Circuits int
	Bytes    int64     // both ways, since Since
	Since    time.Time // the first of its present circuits
}

// Server is a running relay. Its goroutines are libp2p's and the STUN readers;
// Close ends and awaits them.
type Server struct {
	// Static after New.
	o       Options
	host    host.Host
	dir     *rendezvous.Server
	circuit *circuit.Relay
	gate    *gate
	udp     *udpSockets
	stun    *stunServer
	join    rendezvous.Join
	listen  []string
	since   time.Time
	volume  *volume

	closeOnce sync.Once
	closeErr  error
}

// New opens the listeners and begins to serve.
func New(o Options) (*Server, error) {
	if o.Key == nil || o.Key.Type() != crypto.Ed25519 {
		return nil, errors.New("relay: the key must be an Ed25519 key")
	}
	if len(o.Listen) == 0 {
		o.Listen = []string{DefaultListen}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.withDefaults()
	// A free port is found by asking, and somebody else may take it before we do.
	for try := 1; ; try++ {
		plan, err := planListeners(o.Listen)
		if err != nil {
			return nil, err
		}
		s, err := start(o, plan)
		if err == nil || !plan.anyFree || try == 8 {
			return s, err
		}
	}
}

// start opens what plan says; after an error nothing is left open.
func start(o Options, plan plan) (s *Server, err error) {
	s = &Server{o: o, since: time.Now(), listen: plan.hostPorts(), udp: new(udpSockets), stun: new(stunServer)}
	if s.join, err = joinString(o, plan); err != nil {
		return nil, err
	}
	announce, err := s.join.AddrInfo()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close() // the error that counts is err
			s = nil
		}
	}()
	if s.host, err = newHost(o, announce.Addrs, s.udp); err != nil {
		return s, fmt.Errorf("start the relay's network: %w", err)
	}
	if err = s.serve(plan.second()); err != nil {
		return s, err
	}
	for _, a := range plan.multiaddrs() {
		if err = s.host.Network().Listen(a); err != nil {
			return s, bindError(a, fmt.Errorf("listen on %s: %w", a, err))
		}
	}
	err = s.stun.serve(append(plan.udp(), s.listenSecond(plan.second()).udp()...), s.udp)
	return s, err
}

// serve starts the directory and the circuits. Both before the first listener, so
// that nobody meets a relay that has only half of its protocols.
func (s *Server) serve(second []netip.AddrPort) (err error) {
	if s.volume, err = newVolume(s.o.Volume, s.o.Limits.Volume, time.Now()); err != nil {
		return err
	}
	s.gate = newGate(s.o.Limits, s.volume, s.circuitEvent)
	s.dir, err = rendezvous.NewServer(rendezvous.ServerOptions{
		Host: s.host, Token: s.o.Token, Open: s.o.Open, LeaseKey: s.o.LeaseKey,
		Limits: s.o.Limits.Directory, Trusted: s.o.Trusted, Now: s.o.now, Log: s.o.Log,
		Events: func(e rendezvous.Event) { s.event(Event{What: string(e)}) },
	})
	if err != nil {
		return err
	}
	s.circuit, err = circuit.New(gatedHost{s.host, s.gate, second},
		circuit.WithResources(s.o.Limits.resources(len(s.o.Trusted) > 0)),
		circuit.WithACL(acl{s.dir}),
		circuit.WithMetricsTracer(s.gate),
		circuit.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }),
	)
	return err
}

// Run serves until ctx ends, then closes and returns when everything has ended.
func (s *Server) Run(ctx context.Context) error {
	s.o.Log.Info("relay: ready", "listen", s.listen, "open", s.o.Open)
	s.keepVolume(ctx)
	err := s.Close()
	st := s.Stats()
	s.o.Log.Info("relay: stopped", "registered", st.Registered, "circuits", st.CircuitsOpened, "bytes", st.Bytes)
	return err
}

// Close ends all circuits and connections and waits for the goroutines. It may be
// called more than once.
func (s *Server) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Server) close() error {
	var errs []error
	s.stun.close()
	if s.circuit != nil {
		errs = append(errs, s.circuit.Close())
	}
	if s.host != nil { // ends every connection, and with it whoever reads or writes
		errs = append(errs, s.host.Close())
	}
	errs = append(errs, s.udp.close())
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	if s.gate != nil {
		s.gate.wait()
	}
	if s.volume != nil {
		errs = append(errs, s.volume.save(time.Now()))
	}
	return errors.Join(errs...)
}

// keepVolume writes the month's volume down every minute until ctx ends.
func (s *Server) keepVolume(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			if err := s.volume.save(now); err != nil {
				s.o.Log.Warn("relay: keep the month's volume", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Join is what a person hands on; it holds the token of a closed relay.
func (s *Server) Join() rendezvous.Join { return s.join }

// Listening are the addresses that are open, as HOST:PORT with the real port.
func (s *Server) Listening() []string { return append([]string(nil), s.listen...) }

// Stats counts.
func (s *Server) Stats() Stats {
	d := s.dir.Stats()
	st := Stats{
		Since: s.since, Registrations: d.Live, Registered: d.Registered, Found: d.Found,
		Unknown: d.Unknown, Refused: d.Refused, Limited: d.Limited,
	}
	s.gate.count(&st)
	st.STUN = s.stun.answered.Load()
	return st
}

func (s *Server) circuitEvent(e Event) {
	s.o.Log.Debug("relay: "+e.What, "bytes", e.Bytes, "age", e.Age.Round(time.Second))
	s.event(e)
}

func (s *Server) event(e Event) {
	if s.o.Events != nil {
		e.Stats = s.Stats()
		s.o.Events(e)
	}
}
