package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// relayScheme begins every string that `sightline relay` prints.
	relayScheme = "sightline-relay:"
	// maxRelays is far more than anybody has and bounds the parallel look-ups.
	maxRelays = 16
	// maxName is in bytes (SECURITY-DESIGN, section 11).
	maxName = 64
)

// rights that this version can grant, in the order in which they are written.
var rights = []string{"view", "pointer", "keyboard", "clip-to-host", "clip-to-viewer"}

// laterRights are words of the design without an effect in this version.
var laterRights = []string{"file-to-host", "file-to-viewer", "terminal"}

// rightsHint lists what may be written; the shorthands are written out in settings.
const rightsHint = "rights are view, pointer, keyboard, clip-to-host, clip-to-viewer, control (pointer and keyboard) and clipboard (both ways)"

// Rights checks a list of rights and brings it into one form: control written
// out as pointer and keyboard, clipboard as its two directions, no doubles, in
// fixed order. Whoever may do anything may also view, since input without a
// picture is of no use.
func Rights(words []string) ([]string, *UsageError) {
	if len(words) == 0 {
		return nil, usage("no right is named").advise(rightsHint)
	}
	has := map[string]bool{"view": true}
	for _, w := range words {
		switch {
		case w == "control":
			has["pointer"], has["keyboard"] = true, true
		case w == "clipboard":
			has["clip-to-host"], has["clip-to-viewer"] = true, true
		case slices.Contains(rights, w):
			has[w] = true
		case slices.Contains(laterRights, w):
			return nil, usage("the right %s is not available in this version", w).advise(rightsHint)
		default:
			return nil, usage("there is no right %q", visible(w)).advise(rightsHint)
		}
	}
	return slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return !has[r] }), nil
}

// relayStrings checks the form only; what is inside is Roles.CheckRelay's.
func relayStrings(items []string) ([]string, *UsageError) {
	if len(items) == 1 && items[0] == "none" {
		return []string{}, nil
	}
	if len(items) > maxRelays {
		return nil, usage("%d relays are too many; %d are possible", len(items), maxRelays)
	}
	for _, item := range items {
		if item == "none" {
			return nil, usage("none and a relay exclude each other")
		}
		if !strings.HasPrefix(item, relayScheme) {
			return nil, usage("%q is not a relay's string", visible(item)).advise("paste the whole line that `sightline relay` printed; it begins with %s", relayScheme)
		}
	}
	return slices.Clone(items), nil
}

func name(s string) *UsageError {
	switch {
	case s == "":
		return usage("a name has at least one character")
	case len(s) > maxName:
		return usage("a name has at most %d bytes, this one has %d", maxName, len(s))
	case !printable(s) || strings.TrimSpace(s) != s:
		return usage("a name has no control characters and no blanks around it")
	}
	return nil
}

// printable tells whether all of s may go to a terminal.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

func source(s string) *UsageError {
	kind, rest, named := strings.Cut(s, ":")
	switch {
	case s == "auto", s == "pattern", kind == "screen" && rest != "" && printable(rest):
		return nil
	case kind == "screen":
		return usage("screen needs the name of a screen").advise("screen:NAME; `sightline doctor display` lists the names")
	case kind == "window" && rest != "" && printable(rest):
		return nil
	case kind == "window" && named:
		return usage("window needs a part of the title, the class or the ID").advise("window:xterm, or window:0x1200007")
	}
	return usage("%q is not something that can be shared", visible(s)).advise("auto, screen:NAME, window:TITLE or pattern")
}

func oneOf(words ...string) func(string) *UsageError {
	return func(s string) *UsageError {
		if slices.Contains(words, s) {
			return nil
		}
		e := usage("%q is not possible; it is one of %s", visible(s), strings.Join(words, ", "))
		if n := nearest(s, words); n != "" {
			e = e.advise("did you mean %s?", n)
		}
		return e
	}
}

func each(check func(string) *UsageError) func([]string) ([]string, *UsageError) {
	return func(items []string) ([]string, *UsageError) {
		for _, item := range items {
			if err := check(item); err != nil {
				return nil, err
			}
		}
		return slices.Clone(items), nil
	}
}

// listenAddress is an IP address or nothing, a colon and a port. A name is not
// possible: which of its addresses would be meant?
func listenAddress(s string) *UsageError {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !isPort(port, 0) {
		return usage("%q is not an address to listen on", visible(s)).advise("write :4001, 192.0.2.7:4001 or [2001:db8::7]:4001")
	}
	if host == "" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return usage("%q is not an IP address of this machine", visible(host)).advise("write :%s for all addresses", port)
	}
	return nil
}

// listenOrNone is for those who need no incoming connection at all.
func listenOrNone(s string) *UsageError {
	if s == "none" {
		return nil
	}
	return listenAddress(s)
}

// portRange is nothing, FIRST-LAST, or one number.
func portRange(s string) *UsageError {
	first, last := Network{UDPPorts: s}.PortRange()
	if s == "" || first > 0 && first <= last {
		return nil
	}
	return usage("%q is not a range of ports", visible(s)).advise("write 40000-40099: the first is 1 at least and not above the last, which is 65535 at most")
}

// scheme cuts ws:// or wss:// off a relay's address.
func scheme(s string) string {
	for _, p := range [...]string{"wss://", "ws://"} {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return rest
		}
	}
	return s
}

// relayListen is an address to listen on that may say what is spoken there.
func relayListen(s string) *UsageError { return listenAddress(scheme(s)) }

// proxyURL is what network.proxy takes. What makes a proxy's URL is checked once
// more by whoever uses it.
func proxyURL(s string) *UsageError {
	if s == "system" || s == "none" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) || !isHost(u.Hostname()) ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return usage("the proxy is neither system, none nor a proxy's URL").advise("write http://USER@proxy.example.org:3128 or socks5://192.0.2.7:1080")
	}
	if _, has := u.User.Password(); has {
		return usage("the proxy's URL holds a password").advise("write http://USER@HOST:PORT, the password into a file with mode 0600, and the file's name into network.proxy_password_file")
	}
	return nil
}

// lockCommand is a line for sh, or nothing.
func lockCommand(s string) *UsageError {
	if !printable(s) {
		return usage("the command has control characters")
	}
	return nil
}

// filePath is the name of a file, or nothing. Whether it is there shows when it
// is read.
func filePath(s string) *UsageError {
	if !printable(s) || strings.HasPrefix(s, "~") {
		return usage("%q is not the name of a file", visible(s)).advise("write it from the root, without ~")
	}
	return nil
}

// hostName is a DNS name: certificates are not given for addresses.
func hostName(s string) *UsageError {
	if _, err := netip.ParseAddr(s); err == nil || !isHost(s) || !strings.Contains(s, ".") {
		return usage("%q is not a name that can get a certificate", visible(s)).advise("write relay.example.org")
	}
	return nil
}

func email(s string) *UsageError {
	if s != "" && (!printable(s) || strings.Count(s, "@") != 1 || strings.ContainsAny(s, " <>,")) {
		return usage("%q is not a mail address", visible(s))
	}
	return nil
}

func directoryURL(s string) *UsageError {
	if u, err := url.Parse(s); s != "" && (err != nil || u.Scheme != "https" || !isHost(u.Hostname())) {
		return usage("%q is not the directory of an ACME authority", visible(s)).advise("its URL begins with https://")
	}
	return nil
}

// prefix is a network in CIDR form.
func prefix(s string) *UsageError {
	if _, err := netip.ParsePrefix(s); err != nil {
		return usage("%q is not a network", visible(s)).advise("write 192.0.2.0/24 or 2001:db8::/32")
	}
	return nil
}

// announced is a DNS name or an IP address, with or without a port.
func announced(s string) *UsageError {
	host := scheme(s)
	s = host
	if h, port, err := net.SplitHostPort(s); err == nil && isPort(port, 1) {
		host = h
	}
	if !isHost(host) {
		return usage("%q is not a host name or address", visible(s)).advise("write relay.example.org, relay.example.org:443 or 192.0.2.7")
	}
	return nil
}

// remoteAddress is HOST:PORT of another machine.
func remoteAddress(s string) *UsageError {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !isHost(host) || !isPort(port, 1) {
		return usage("%q is not HOST:PORT", visible(s)).advise("write 192.168.1.20:4001, [2001:db8::7]:4001 or name.example.org:4001")
	}
	return nil
}

func isPort(s string, min int) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && int(n) >= min
}

// isHost accepts IP addresses and names of RFC 1123 letters (with "_", which
// real networks have).
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}
