package x11

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// Limits of an authority file: a desktop's has a handful of entries of about
// 60 bytes; 1 MiB is what a machine with years of ssh -X leaves behind.
const (
	maxAuthority = 1 << 20 // bytes of the file
	cookieName   = "MIT-MAGIC-COOKIE-1"
	cookieLen    = 16 // bytes
)

// Families of addresses in an authority file (X.Org, Xauth.h).
const (
	familyInternet  = 0
	familyInternet6 = 6
	familyLocal     = 256
	familyWild      = 65535
)

// authEntry is one entry of an authority file, all numbers big-endian:
//
//	family u16 | len u16 address | len u16 display number | len u16 name | len u16 data
type authEntry struct {
	family  uint16
	address string
	number  string
	name    string
	data    []byte
}

var errAuthority = errors.New("authority file is damaged")

// parseAuthority reads the entries of an authority file; b is foreign.
// What was read before a damaged entry is returned with the error.
func parseAuthority(b []byte) ([]authEntry, error) {
	var all []authEntry
	for len(b) > 0 {
		if len(b) < 2 {
			return all, errAuthority
		}
		e := authEntry{family: binary.BigEndian.Uint16(b)}
		b = b[2:]
		var fields [4][]byte
		for i := range fields {
			if len(b) < 2 {
				return all, errAuthority
			}
			n := int(binary.BigEndian.Uint16(b))
			if b = b[2:]; len(b) < n {
				return all, errAuthority
			}
			fields[i], b = b[:n], b[n:]
		}
		e.address, e.number, e.name, e.data = string(fields[0]), string(fields[1]), string(fields[2]), fields[3]
		all = append(all, e)
	}
	return all, nil
}

// fits tells whether the entry is for this display. As in libXau an empty
// number is any display, family wild any address.
func (e *authEntry) fits(a address, hostname string, remote net.IP) bool {
	if e.name != cookieName || len(e.data) != cookieLen || e.number != "" && e.number != strconv.Itoa(a.number) {
		return false
	}
	switch {
	case e.family == familyWild:
		return true
	case remote == nil || remote.IsLoopback():
		return e.family == familyLocal && e.address == hostname
	case e.family == familyInternet:
		return remote.To4() != nil && e.address == string(remote.To4())
	case e.family == familyInternet6:
		return e.address == string(remote.To16())
	}
	return false
}

// readAuthority reads a file of bounded size. Only regular files: the path may
// come from another process's environment, and a pipe would block.
func readAuthority(path string) ([]authEntry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAuthority+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxAuthority {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxAuthority)
	}
	all, err := parseAuthority(b)
	if err != nil && len(all) == 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// cookie finds the cookie for a display in an authority file; nil if it has none.
func cookie(path string, a address, remote net.IP) ([]byte, error) {
	all, err := readAuthority(path)
	if err != nil {
		return nil, err
	}
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "localhost"
	}
	for i := range all {
		if all[i].fits(a, hostname, remote) {
			return all[i].data, nil
		}
	}
	return nil, nil
}
