package config

import (
	"strconv"
	"strings"
	"time"
)

// Settings is everything that can be set, after flags, environment, file and
// defaults were laid over each other and each value was checked.
type Settings struct {
	Relays  []string // strings printed by `sightline relay`; they hold its token
	Name    string   // what the other side sees, 1..64 bytes; default: this machine's name
	Host    Host
	Viewer  Viewer
	Network Network
	Relay   Relay
}

// Host is [host]: what is shared and with whom.
type Host struct {
	Source  string        // "auto", "screen:NAME" or "pattern"
	Allow   []string      // rights of whoever is let in, in the order of rights; control is written out
	Viewers int           // viewers that one code admits, 1..16
	Expire  time.Duration // of an unused code
	Control string        // "one" viewer's hands act at a time, or "all"
	MaxFPS  int           // pictures per second, 1..240

	FollowSize  bool   // a display of its own takes the size of the controlling viewer's window
	LockOnEnd   bool   // lock the screen when the last viewer has left
	LockCommand string // that does it, for sh; "": what is installed

	LocalPause time.Duration // how long remote input rests after the person at the host moved or typed; 0: never
}

// Viewer is [viewer]: how the picture is shown.
type Viewer struct {
	Window   string // "auto", "native", "terminal" or "none"
	Scale    string // "fit" or "1:1"
	GrabKeys string // "never", "fullscreen" or "always"
}

// Network is [network]. Whoever wants no direct path sets Direct to false; LAN
// is the announcement and search of live numbers by mDNS.
type Network struct {
	Listen string // ADDR:PORT for UDP and TCP, the same number; port 0: any; "none": outbound only
	Direct bool
	LAN    bool

	Proxy             string // "system" (the environment), "none" or a URL without a password
	ProxyPasswordFile string // 0600, holds the password of the user in Proxy; "" for none
	TLSInspection     bool   // others than the relay may end the TLS of its port 443

	RelayOnly bool   // no socket that others can reach, only a relay
	LANOnly   bool   // no relay, nothing outside the LAN
	UDPPorts  string // "FIRST-LAST" or one number: what our ports are taken from; "": any
	MapPorts  bool   // ask the router for a port
	Quiet     bool   // no birthday punch
}

// PortRange is UDPPorts in numbers; 0 and 0: any.
func (n Network) PortRange() (first, last uint16) {
	a, b, two := strings.Cut(n.UDPPorts, "-")
	if !two {
		b = a
	}
	from, err := strconv.ParseUint(a, 10, 16)
	to, err2 := strconv.ParseUint(b, 10, 16)
	if err != nil || err2 != nil {
		return 0, 0
	}
	return uint16(from), uint16(to)
}

// Relay is [relay]: this machine as a relay for others.
type Relay struct {
	Listen   []string // ADDR:PORT each, or ws://ADDR:PORT, wss://ADDR:PORT
	Announce []string // HOST or HOST:PORT under which the others reach it, also with ws:// or wss://
	Open     bool     // true: registering needs no token
	Trusted  []string // CIDR each: many people behind it (an office), no limits per address

	// ForwardedFrom are the reverse proxies (CIDR each) whose X-Forwarded-For is believed.
	ForwardedFrom []string
	TLSCert       string   // file in PEM: the certificate of WSS, its chain behind it; "": a self-signed one
	TLSKey        string   // file in PEM with its key
	ACME          []string // names to get certificates for by ACME
	ACMEEmail     string   // for the authority, may be ""
	ACMEDirectory string   // URL of the authority; "": Let's Encrypt
	Limits        Limits
}

// Limits is [relay.limits], the numbers of SECURITY-DESIGN, section 10. An
// address is an IPv4 address or an IPv6 /64.
type Limits struct {
	Registrations           int // live numbers in all
	RegistrationsPerAddress int
	NumbersPerHour          int // new numbers per address: bounds what is held back for 24 h

	LookupsPerMinute    int // per address
	LookupsPerHour      int // per address
	WrongLookupsPerHour int // unknown numbers per address; then waits that double
	LookupsPerNumber    int // per hour and number, from all addresses

	Circuits          int // in all
	CircuitsPerViewer int
	CircuitsPerHost   int

	MbitPerCircuit int           // Mbit/s each way
	MbitPerPeer    int           // Mbit/s of all circuits of one viewer or host, both ways together
	Mbit           int           // Mbit/s in all, both ways together
	Idle           time.Duration // of a circuit that carries nothing
	Age            time.Duration // of a circuit
	GBPerMonth     int           // 10^9 bytes that circuits carry in a calendar month; 0: no limit
}

// Defaults are the settings of a machine where nothing was set. Name is empty;
// a command gets this machine's.
func Defaults() Settings {
	return Settings{
		Relays:  []string{},
		Host:    Host{Source: "auto", Allow: []string{"view"}, Viewers: 1, Expire: 15 * time.Minute, Control: "one", MaxFPS: 60, FollowSize: true, LocalPause: 2 * time.Second},
		Viewer:  Viewer{Window: "auto", Scale: "fit", GrabKeys: "fullscreen"},
		Network: Network{Listen: ":0", Direct: true, LAN: true, Proxy: "system"},
		Relay: Relay{Listen: []string{":4001"}, Announce: []string{}, Trusted: []string{}, ForwardedFrom: []string{}, ACME: []string{}, Limits: Limits{
			Registrations: 128, RegistrationsPerAddress: 8, NumbersPerHour: 120,
			LookupsPerMinute: 10, LookupsPerHour: 60, WrongLookupsPerHour: 20, LookupsPerNumber: 30,
			Circuits: 64, CircuitsPerViewer: 4, CircuitsPerHost: 16,
			MbitPerCircuit: 20, MbitPerPeer: 50, Mbit: 100, Idle: 2 * time.Minute, Age: 24 * time.Hour,
		}},
	}
}
