package link

import (
	"bufio"
	"encoding/binary"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The router is the one that the kernel's table names. (D16)
func TestGateway(t *testing.T) {
	table, err := os.Open("/proc/net/route")
	if err != nil {
		t.Skip(err)
	}
	defer table.Close()
	var routers []net.IP
	for lines := bufio.NewScanner(table); lines.Scan(); {
		// Interface, destination, gateway: hexadecimal, in the machine's byte order.
		f := strings.Fields(lines.Text())
		if len(f) < 3 || f[1] != "00000000" {
			continue
		}
		if v, err := strconv.ParseUint(f[2], 16, 32); err == nil && v != 0 {
			routers = append(routers, binary.NativeEndian.AppendUint32(nil, uint32(v)))
		}
	}
	if len(routers) == 0 {
		t.Skip("this machine has no default route")
	}
	got, err := gateway()
	if err != nil || !slices.ContainsFunc(routers, got.Equal) {
		t.Errorf("router %v, %v; the default routes lead to %v", got, err, routers)
	}
}
