package link

import (
	"context"
	"net"
	"syscall"
)

// listenGroup opens a socket for a multicast group's port. This system cannot
// bind to the group itself, so it is bound to all addresses.
func listenGroup(group *net.UDPAddr) (net.PacketConn, error) {
	share := func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
		}); e != nil {
			return e
		}
		return err
	}
	lc := net.ListenConfig{Control: share}
	return lc.ListenPacket(context.Background(), "udp4", (&net.UDPAddr{IP: net.IPv4zero, Port: group.Port}).String())
}
