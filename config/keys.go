package config

import (
	"strings"
	"time"
)

// key is one setting: its name in the file, where it lives in Settings, and what
// it takes. The same row serves file, environment, flags and `config show`.
type key struct {
	name  string // "host.max_fps"
	help  string // for the flag's help; `backquotes` name the value
	value value
}

// env is the variable of a key.
func (k *key) env() string {
	return "SIGHTLINE_" + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

// keys is the table of all settings, in the order in which they are shown.
var keys = []*key{
	{"relays", "`STRING` that `sightline relay` printed, or none; may be given again", list(func(s *Settings) *[]string { return &s.Relays }, relayStrings)},
	{"name", "`NAME` that the other side sees", text(func(s *Settings) *string { return &s.Name }, name)},

	{"host.source", "`WHAT` is shared: auto, screen:NAME, window:TITLE or pattern (built in)", text(func(s *Settings) *string { return &s.Host.Source }, source)},
	{"host.allow", "`LIST` of what a viewer may do: view, pointer, keyboard, control (both), clip-to-host, clip-to-viewer, clipboard (both)", list(func(s *Settings) *[]string { return &s.Host.Allow }, Rights)},
	{"host.viewers", "`N` viewers may come in with one code", number(func(s *Settings) *int { return &s.Host.Viewers }, 1, 16)},
	{"host.expire", "`TIME` until an unused code expires: 90s, 15m, 2h", span(func(s *Settings) *time.Duration { return &s.Host.Expire }, 10*time.Second, 24*time.Hour)},
	{"host.control", "`WHO` acts where several viewers may: one at a time, or all", text(func(s *Settings) *string { return &s.Host.Control }, oneOf("one", "all"))},
	{"host.max_fps", "at most `N` pictures per second", number(func(s *Settings) *int { return &s.Host.MaxFPS }, 1, 240)},
	{"host.pause_on_local_input", "`TIME` that remote input rests after somebody at this computer moved the pointer or typed; 0s: never", span(func(s *Settings) *time.Duration { return &s.Host.LocalPause }, 0, time.Minute)},
	{"host.follow_size", "a display of its own takes the size of the controlling viewer's window", yes(func(s *Settings) *bool { return &s.Host.FollowSize })},
	{"host.lock_on_end", "lock this screen when the last viewer has left", yes(func(s *Settings) *bool { return &s.Host.LockOnEnd })},
	{"host.lock_command", "", text(func(s *Settings) *string { return &s.Host.LockCommand }, lockCommand)},

	{"viewer.window", "`WHERE` the picture is shown: auto, native, terminal or none", text(func(s *Settings) *string { return &s.Viewer.Window }, oneOf("auto", "native", "terminal", "none"))},
	{"viewer.scale", "`HOW` the picture fills the window: fit or 1:1", text(func(s *Settings) *string { return &s.Viewer.Scale }, oneOf("fit", "1:1"))},
	{"viewer.grab_keys", "`WHEN` the window takes all keys: never, fullscreen or always", text(func(s *Settings) *string { return &s.Viewer.GrabKeys }, oneOf("never", "fullscreen", "always"))},

	{"network.listen", "`ADDR` (HOST:PORT) for UDP and TCP; port 0 is any; none: outbound only", text(func(s *Settings) *string { return &s.Network.Listen }, listenOrNone)},
	{"network.direct", "try direct connections", yes(func(s *Settings) *bool { return &s.Network.Direct })},
	{"network.lan", "answer and ask for live numbers on the LAN", yes(func(s *Settings) *bool { return &s.Network.LAN })},

	{"network.relay_only", "only through a relay: no socket that others can reach", yes(func(s *Settings) *bool { return &s.Network.RelayOnly })},
	{"network.lan_only", "only in this network: no relay is asked", yes(func(s *Settings) *bool { return &s.Network.LANOnly })},
	{"network.udp_ports", "take our UDP and TCP ports from this `RANGE`, such as 40000-40099", text(func(s *Settings) *string { return &s.Network.UDPPorts }, portRange)},
	{"network.map_ports", "ask the router to open our port (UPnP, NAT-PMP, PCP) while this runs", yes(func(s *Settings) *bool { return &s.Network.MapPorts })},
	{"network.quiet", "no search among the ports of a NAT box that changes them (up to 2048 packets)", yes(func(s *Settings) *bool { return &s.Network.Quiet })},
	{"network.proxy", "`URL` of this network's proxy (http, https or socks5), system (the environment) or none", text(func(s *Settings) *string { return &s.Network.Proxy }, proxyURL)},
	{"network.proxy_password_file", "", text(func(s *Settings) *string { return &s.Network.ProxyPasswordFile }, filePath)},
	{"network.tls_inspection", "", yes(func(s *Settings) *bool { return &s.Network.TLSInspection })},

	{"relay.listen", "`ADDR` (HOST:PORT) to listen on; 443 speaks WSS, 80 WS, others QUIC and TCP; ws:// or wss:// before it says so for any port; may be given again", list(func(s *Settings) *[]string { return &s.Relay.Listen }, each(relayListen))},
	{"relay.announce", "`HOST[:PORT]` under which others reach this relay; may be given again", list(func(s *Settings) *[]string { return &s.Relay.Announce }, each(announced))},
	{"relay.open", "let every host register, without the token", yes(func(s *Settings) *bool { return &s.Relay.Open })},
	{"relay.trusted", "", list(func(s *Settings) *[]string { return &s.Relay.Trusted }, each(prefix))},
	{"relay.forwarded_from", "", list(func(s *Settings) *[]string { return &s.Relay.ForwardedFrom }, each(prefix))},
	{"relay.tls_cert", "", text(func(s *Settings) *string { return &s.Relay.TLSCert }, filePath)},
	{"relay.tls_key", "", text(func(s *Settings) *string { return &s.Relay.TLSKey }, filePath)},
	{"relay.acme", "", list(func(s *Settings) *[]string { return &s.Relay.ACME }, each(hostName))},
	{"relay.acme_email", "", text(func(s *Settings) *string { return &s.Relay.ACMEEmail }, email)},
	{"relay.acme_directory", "", text(func(s *Settings) *string { return &s.Relay.ACMEDirectory }, directoryURL)},

	limit("registrations", func(l *Limits) *int { return &l.Registrations }),
	limit("registrations_per_address", func(l *Limits) *int { return &l.RegistrationsPerAddress }),
	limit("numbers_per_hour", func(l *Limits) *int { return &l.NumbersPerHour }),
	limit("lookups_per_minute", func(l *Limits) *int { return &l.LookupsPerMinute }),
	limit("lookups_per_hour", func(l *Limits) *int { return &l.LookupsPerHour }),
	limit("wrong_lookups_per_hour", func(l *Limits) *int { return &l.WrongLookupsPerHour }),
	limit("lookups_per_number", func(l *Limits) *int { return &l.LookupsPerNumber }),
	limit("circuits", func(l *Limits) *int { return &l.Circuits }),
	limit("circuits_per_viewer", func(l *Limits) *int { return &l.CircuitsPerViewer }),
	limit("circuits_per_host", func(l *Limits) *int { return &l.CircuitsPerHost }),
	limit("mbit_per_circuit", func(l *Limits) *int { return &l.MbitPerCircuit }),
	limit("mbit_per_peer", func(l *Limits) *int { return &l.MbitPerPeer }),
	limit("mbit", func(l *Limits) *int { return &l.Mbit }),
	{"relay.limits.idle", "", span(func(s *Settings) *time.Duration { return &s.Relay.Limits.Idle }, time.Minute, 24*time.Hour)},
	{"relay.limits.age", "", span(func(s *Settings) *time.Duration { return &s.Relay.Limits.Age }, time.Minute, 8760*time.Hour)},
	{"relay.limits.gb_per_month", "", number(func(s *Settings) *int { return &s.Relay.Limits.GBPerMonth }, 0, 1_000_000)},
}

// limit is a row of [relay.limits]. A million of anything is more than one
// process serves; the bound keeps sums far from overflow.
func limit(name string, field func(*Limits) *int) *key {
	return &key{"relay.limits." + name, "", number(func(s *Settings) *int { return field(&s.Relay.Limits) }, 1, 1_000_000)}
}

// later lists keys of the design that have no effect in this version. They are
// refused by name, because a person who set one relies on it.
var later = map[string]string{
	"relay.log_addresses": "the relay never logs addresses in this version: remove the line",
	"audit_names":         "there is no audit log in this version: remove the line",
}

// keyNamed finds a row by its name in the file, nil if there is none.
func keyNamed(name string) *key {
	for _, k := range keys {
		if k.name == name {
			return k
		}
	}
	return nil
}

// isTable tells whether name is a table of the file, such as "relay.limits".
func isTable(name string) bool {
	for _, k := range keys {
		if strings.HasPrefix(k.name, name+".") {
			return true
		}
	}
	return false
}

// unknownKey is the error for a key that is in no row.
func unknownKey(name string) *UsageError {
	if why, ok := later[name]; ok {
		return usage("%s is not available in this version", name).advise("%s", why)
	}
	e := usage("unknown key %q", visible(name))
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		names = append(names, k.name)
	}
	if n := nearest(name, append([]string{"host", "viewer", "network", "relay", "relay.limits"}, names...)); n != "" {
		return e.advise("did you mean %s?", n)
	}
	for _, n := range names { // the right word in the wrong table
		if last(n) == last(name) {
			return e.advise("did you mean %s?", n)
		}
	}
	return e.advise("`sightline config show` lists every key")
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
