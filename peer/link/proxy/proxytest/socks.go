package proxytest

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strconv"
)

// socks is SOCKS5 (RFC 1928), CONNECT only, with a password (RFC 1929) if there
// is one.
func (p *Proxy) socks(c net.Conn) {
	if !p.socksLogin(c) {
		return
	}
	target, ok := socksTarget(c)
	if !ok {
		return
	}
	out, refused := p.dial(target)
	if out == nil {
		code := byte(5) // connection refused
		if refused == "403 Forbidden" {
			code = 2 // not allowed
		}
		c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	defer out.Close()
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	p.pipe(c, c, out, target)
}

func (p *Proxy) socksLogin(c net.Conn) bool {
	methods, ok := counted(c, 1)
	method := byte(0)
	if p.o.User != "" {
		method = 2
	}
	if !ok || !slices.Contains(methods, method) {
		c.Write([]byte{5, 0xff})
		return false
	}
	c.Write([]byte{5, method})
	if method == 0 {
		return true
	}
	user, ok := counted(c, 1)
	if !ok {
		return false
	}
	password, ok := counted(c, 0)
	right := ok && string(user) == p.o.User && string(password) == p.o.Password
	if !right {
		c.Write([]byte{1, 1})
		return false
	}
	c.Write([]byte{1, 0})
	return true
}

// counted reads skip bytes, a length and as many bytes.
func counted(c io.Reader, skip int) ([]byte, bool) {
	head := make([]byte, skip+1)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, false
	}
	b := make([]byte, head[skip])
	_, err := io.ReadFull(c, b)
	return b, err == nil
}

func socksTarget(c io.Reader) (string, bool) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil || head[0] != 5 || head[1] != 1 {
		return "", false
	}
	var host string
	switch head[3] {
	case 3:
		name, ok := counted(c, 0)
		if !ok {
			return "", false
		}
		host = string(name)
	case 1, 4:
		ip := make([]byte, map[byte]int{1: 4, 4: 16}[head[3]])
		if _, err := io.ReadFull(c, ip); err != nil {
			return "", false
		}
		host = net.IP(ip).String()
	default:
		return "", false
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(c, port); err != nil {
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), true
}
