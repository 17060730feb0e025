//go:build unix

package link

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// listenGroup opens a socket for a multicast group and its port beside the
// other programs there (avahi, mDNSResponder). It is bound to the group's
// address and not, as net.ListenMulticastUDP does, to all of them: a second
// socket on *:5353 would take unicast answers away from the first.
func listenGroup(group *net.UDPAddr) (net.PacketConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "mdns") // owns fd; FilePacketConn makes a copy
	defer f.Close()
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	for _, option := range [...]int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return nil, fmt.Errorf("share the port: %w", err)
		}
	}
	to := &unix.SockaddrInet4{Port: group.Port}
	copy(to.Addr[:], group.IP.To4())
	if err := unix.Bind(fd, to); err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	return net.FilePacketConn(f)
}
