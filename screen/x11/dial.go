package x11

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sightline/screen"
)

// connectTimeout bounds the wait for a server that took the connection and
// does not answer (stopped, or hung in a driver): a healthy one needs 1 ms.
const connectTimeout = 5 * time.Second

// address is a display string taken apart: [protocol/][host]:number[.screen],
// or the path of a socket, as launchd writes it.
type address struct {
	socket string // path; "" if by number
	host   string // "" for this machine
	number int
	screen int
}

func parseDisplay(s string) (address, error) {
	bad := fmt.Errorf("%.60q is no display; one looks like :0 or host:0", s)
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return address{}, bad
	}
	host, rest := s[:i], s[i+1:]
	num, scr, dotted := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(num, 10, 15)
	if err != nil {
		return address{}, bad
	}
	a := address{number: int(n)}
	if dotted {
		v, err := strconv.ParseUint(scr, 10, 8)
		if err != nil {
			return address{}, bad
		}
		a.screen = int(v)
	}
	switch {
	case strings.HasPrefix(host, "/"):
		a.socket = s
	case strings.Contains(host, "/"):
		_, a.host, _ = strings.Cut(host, "/")
	default:
		a.host = host
	}
	if a.host == "unix" {
		a.host = ""
	}
	return a, nil
}

// socketDir is where X servers of this machine listen, one socket X<number> each.
const socketDir = "/tmp/.X11-unix"

func (a address) dial() (net.Conn, error) {
	switch {
	case a.socket != "":
		return net.DialTimeout("unix", a.socket, connectTimeout)
	case a.host != "":
		return net.DialTimeout("tcp", net.JoinHostPort(strings.Trim(a.host, "[]"), strconv.Itoa(6000+a.number)), connectTimeout)
	}
	path := socketDir + "/X" + strconv.Itoa(a.number)
	c, err := net.DialTimeout("unix", path, connectTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		// In a container /tmp is its own, while Linux servers listen on the
		// abstract name too.
		if ab, abErr := net.DialTimeout("unix", "@"+path, connectTimeout); abErr == nil {
			return ab, nil
		}
	}
	return c, err
}

// defaultAuthority is where the cookies of this process are (Xlib's rule).
func defaultAuthority(env func(string) string) string {
	if f := env("XAUTHORITY"); f != "" {
		return f
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".Xauthority")
	}
	return ""
}

// open connects to a display and passes the gate. Empty names are taken from
// DISPLAY and XAUTHORITY. It returns the connection and the server's set-up
// block (X protocol, "Connection Setup"); errors wrap screen.ErrNoDisplay.
func open(display, authority string) (net.Conn, []byte, error) {
	if display == "" {
		display = os.Getenv("DISPLAY")
	}
	if display == "" {
		return nil, nil, fmt.Errorf("%w: DISPLAY is not set", screen.ErrNoDisplay)
	}
	if authority == "" {
		authority = defaultAuthority(os.Getenv)
	}
	c, setup, err := openAt(display, authority)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", screen.ErrNoDisplay, display, err)
	}
	return c, setup, nil
}

// A server that resets itself when its last client leaves (the default of Xvfb)
// hangs up on whoever comes meanwhile; that takes it some 20 ms.
const (
	resetTries = 5
	resetPause = 50 * time.Millisecond
)

func openAt(display, authority string) (c net.Conn, setup []byte, err error) {
	a, err := parseDisplay(display)
	if err != nil {
		return nil, nil, err
	}
	for range resetTries {
		c, setup, err = knock(a, authority)
		if !errors.Is(err, errHungUp) {
			break
		}
		settle(resetPause)
	}
	return c, setup, err
}

// errHungUp is a server that took the connection and closed it without a word.
var errHungUp = errors.New("the X server hung up")

// knock tries once to connect and to pass the gate.
func knock(a address, authority string) (net.Conn, []byte, error) {
	c, err := a.dial()
	if err != nil {
		return nil, nil, plainDial(err)
	}
	var remote net.IP
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		remote = tcp.IP
	}
	var key []byte
	var keyErr error
	if authority != "" {
		key, keyErr = cookie(authority, a, remote)
	}
	setup, err := handshake(c, key)
	if err != nil {
		c.Close()
		return nil, nil, explain(err, authority, key, keyErr)
	}
	return c, setup, nil
}

// plainDial says in words what connecting to a socket met.
func plainDial(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no X server listens there")
	case isRefused(err):
		return errGone
	}
	return err
}

// errGone is a server that died and could not clear up.
var errGone = errors.New("its X server is gone (the socket is left over)")

// errRefused is a server that answers and does not let us in.
type errRefused struct{ reason string }

func (e *errRefused) Error() string { return "the X server refused: " + e.reason }

// explain adds to a refusal what was wrong with the cookie, which is what a
// person can change. Without a refusal the cookie does not matter: some
// servers ask for none.
func explain(err error, authority string, key []byte, keyErr error) error {
	var refused *errRefused
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case errors.Is(keyErr, fs.ErrPermission):
		return fmt.Errorf("%w; cookie file %s cannot be read: permission denied", err, authority)
	case errors.Is(keyErr, fs.ErrNotExist):
		return fmt.Errorf("%w; cookie file %s does not exist", err, authority)
	case keyErr != nil:
		return fmt.Errorf("%w; cookie file: %w", err, keyErr)
	case authority == "":
		return fmt.Errorf("%w; no cookie file is known", err)
	case key == nil:
		return fmt.Errorf("%w; cookie file %s has no cookie for this display", err, authority)
	}
	return fmt.Errorf("%w; the cookie in %s is not the right one", err, authority)
}

// handshake sends the client's prefix and reads the server's answer:
//
//	'l' 0 | major u16 | minor u16 | name length u16 | data length u16 | 0 u16 | name, data, padded to 4
//	status u8 | reason length u8 | major u16 | minor u16 | length u16 (words) | body
func handshake(c net.Conn, key []byte) ([]byte, error) {
	req := []byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if key != nil {
		binary.LittleEndian.PutUint16(req[6:], uint16(len(cookieName)))
		binary.LittleEndian.PutUint16(req[8:], uint16(len(key)))
		req = append(req, cookieName...)
		req = append(req, make([]byte, pad4(len(cookieName))-len(cookieName))...)
		req = append(req, key...)
	}
	c.SetDeadline(time.Now().Add(connectTimeout))
	defer c.SetDeadline(time.Time{})
	if _, err := c.Write(req); err != nil {
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	}
	head := make([]byte, 8)
	if _, err := io.ReadFull(c, head); err != nil {
		if os.IsTimeout(err) {
			return nil, errors.New("the X server does not answer")
		}
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	}
	body := make([]byte, 4*int(binary.LittleEndian.Uint16(head[6:]))) // 256 KiB at most
	if _, err := io.ReadFull(c, body); err != nil {
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	}
	switch head[0] {
	case 0:
		return nil, &errRefused{printable(body[:min(int(head[1]), len(body))])}
	case 1:
	default:
		return nil, &errRefused{printable(body)}
	}
	const shortest = 32 + 40 // fixed part of the set-up and one screen
	if major := binary.LittleEndian.Uint16(head[2:]); major != 11 || len(body) < shortest {
		return nil, errors.New("what listens there speaks another protocol")
	}
	return append(head, body...), nil
}

// printable makes one line of a server's words.
func printable(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(b[:min(len(b), 200)]))
	return strings.TrimSpace(s)
}

func pad4(n int) int { return (n + 3) &^ 3 }
