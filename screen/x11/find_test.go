package x11

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"sightline/screen"
)

// authority writes a cookie file of entries.
func authority(t testing.TB, entries ...authEntry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Xauthority")
	if err := os.WriteFile(path, appendEntries(nil, entries...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func appendEntries(b []byte, entries ...authEntry) []byte {
	for _, e := range entries {
		b = binary.BigEndian.AppendUint16(b, e.family)
		for _, f := range []string{e.address, e.number, e.name, string(e.data)} {
			b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
			b = append(b, f...)
		}
	}
	return b
}

func wild(key byte) authEntry {
	return authEntry{family: familyWild, name: cookieName, data: bytes.Repeat([]byte{key}, cookieLen)}
}

func environ(kv ...string) []byte { return []byte(strings.Join(kv, "\x00") + "\x00") }

func TestFind(t *testing.T) {
	right := authority(t, wild(7))
	wrong := authority(t, wild(8))
	missing := filepath.Join(t.TempDir(), "none")
	x := startX(t, "320x200x24", "-auth", right)
	n := strings.TrimPrefix(x.display, ":")
	socket := fstest.MapFS{"tmp/.X11-unix/X" + n: {}, "tmp/.X11-unix/nonsense": {}, "tmp/.X11-unix/X": {}}
	with := func(name string, data []byte) fstest.MapFS {
		m := fstest.MapFS{name: {Data: data}}
		for k, v := range socket {
			m[k] = v
		}
		return m
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		root fs.FS
		how  string // "": not found
		says string
	}{
		{"environment", map[string]string{"DISPLAY": x.display, "XAUTHORITY": right}, socket, "the environment", ""},
		{"a process of the session", nil, with("proc/812/environ", environ("A=b", "DISPLAY="+x.display+".0", "XAUTHORITY="+right)), "process 812", ""},
		{"the server's command line", nil, with("proc/7/cmdline", environ("/usr/lib/xorg/Xorg", x.display, "-auth", right, "vt2")), "the command line of its X server", ""},
		{"a wrong cookie first", map[string]string{"DISPLAY": x.display, "XAUTHORITY": wrong},
			with("proc/812/environ", environ("DISPLAY="+x.display, "XAUTHORITY="+right)), "process 812", ""},
		{"a wrong cookie", map[string]string{"DISPLAY": x.display, "XAUTHORITY": wrong}, socket, "", "the cookie in " + wrong + " is not the right one"},
		{"no cookie file", map[string]string{"DISPLAY": x.display, "XAUTHORITY": missing}, socket, "", "cookie file " + missing + " does not exist"},
		{"no server", map[string]string{"DISPLAY": ":29999"}, fstest.MapFS{}, "", "no X server listens there"},
		{"nothing at all", nil, fstest.MapFS{}, "", "DISPLAY is not set and no X server runs"},
		{"forwarded", map[string]string{"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "x"}, fstest.MapFS{}, "", "forwarded by SSH"},
		{"a foreign process leads elsewhere", nil, fstest.MapFS{"proc/9/environ": {Data: environ("DISPLAY=evil.example:0")}}, "", "DISPLAY is not set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Find(func(n string) string { return c.env[n] }, c.root)
			if c.how != "" {
				if err != nil || a.Display != x.display || a.How != c.how || a.Info.Size.X != 320 || a.Info.Xwayland {
					t.Errorf("%+v, %v", a, err)
				}
				return
			}
			if !errors.Is(err, screen.ErrNoDisplay) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %q", err, c.says)
			}
		})
	}
}

func TestExplainsCookies(t *testing.T) {
	refused := &errRefused{"No protocol specified"}
	for want, keyErr := range map[string]error{
		"cannot be read: permission denied": &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission},
		"does not exist":                    &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist},
		"is damaged":                        errAuthority,
		"has no cookie for this display":    nil,
	} {
		if err := explain(refused, "/x", nil, keyErr); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "No protocol specified") {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestParseDisplay(t *testing.T) {
	for in, want := range map[string]address{
		":0": {}, ":12.3": {number: 12, screen: 3}, "unix:1": {number: 1}, "host:2": {host: "host", number: 2},
		"tcp/host:2.1": {host: "host", number: 2, screen: 1}, "[::1]:3": {host: "[::1]", number: 3},
		"/tmp/launch-1/org.x:0": {socket: "/tmp/launch-1/org.x:0"},
	} {
		if a, err := parseDisplay(in); err != nil || a != want {
			t.Errorf("%q: %+v, %v", in, a, err)
		}
	}
	for _, in := range []string{"", ":", "host", ":x", ":0.x", ":99999", ":-1"} {
		if a, err := parseDisplay(in); err == nil {
			t.Errorf("%q is %+v", in, a)
		}
	}
}

func TestCookieFits(t *testing.T) {
	key := bytes.Repeat([]byte{1}, cookieLen)
	for _, c := range []struct {
		e      authEntry
		remote net.IP
		want   bool
	}{
		{authEntry{familyLocal, "here", "3", cookieName, key}, nil, true},
		{authEntry{familyLocal, "there", "3", cookieName, key}, nil, false},
		{authEntry{familyLocal, "here", "4", cookieName, key}, nil, false},
		{authEntry{familyLocal, "here", "", cookieName, key}, nil, true},
		{authEntry{familyLocal, "here", "3", "XDM-AUTHORIZATION-1", key}, nil, false},
		{authEntry{familyLocal, "here", "3", cookieName, key[:8]}, nil, false},
		{authEntry{familyWild, "", "", cookieName, key}, net.IPv4(9, 9, 9, 9), true},
		{authEntry{familyLocal, "here", "3", cookieName, key}, net.IPv4(127, 0, 0, 1), true},
		{authEntry{familyInternet, "\x09\x09\x09\x09", "3", cookieName, key}, net.IPv4(9, 9, 9, 9), true},
		{authEntry{familyInternet, "\x09\x09\x09\x08", "3", cookieName, key}, net.IPv4(9, 9, 9, 9), false},
	} {
		if got := c.e.fits(address{number: 3}, "here", c.remote); got != c.want {
			t.Errorf("%+v for %v: %v", c.e, c.remote, got)
		}
	}
}

func FuzzAuthority(f *testing.F) {
	f.Add(appendEntries(nil, wild(1), authEntry{familyLocal, "host", "0", cookieName, make([]byte, 16)}))
	f.Add([]byte{1, 0, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseAuthority(b)
		if back := appendEntries(nil, all...); err == nil && !bytes.Equal(back, b) || !bytes.HasPrefix(b, back) {
			t.Errorf("%x became %x (%v)", b, back, err)
		}
	})
}

func FuzzProcess(f *testing.F) {
	f.Add(environ("DISPLAY=:0", "XAUTHORITY=/x"), environ("Xorg", ":1", "-auth", "/y"))
	f.Add([]byte("DISPLAY"), []byte("X\x00-auth"))
	f.Fuzz(func(t *testing.T, env, cmdline []byte) {
		found, _ := scan(fstest.MapFS{"proc/1/environ": {Data: env}, "proc/1/cmdline": {Data: cmdline}})
		for _, a := range found {
			var n int
			if _, err := fmt.Sscanf(a.Display, ":%d", &n); err != nil {
				t.Errorf("%q is no display of this machine", a.Display)
			}
		}
	})
}
