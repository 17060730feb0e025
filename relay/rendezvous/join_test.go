package rendezvous

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

const (
	testID    = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp" // Ed25519
	testToken = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
	rsaID     = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
)

func TestParseJoin(t *testing.T) {
	for _, row := range []struct {
		name, in, want string // want empty: ErrBadJoin
		addrs          string // of AddrInfo
	}{
		{
			"name and token", "sightline-relay:relay.example.org:4001/" + testID + "#" + testToken, "=",
			"/dns/relay.example.org/udp/4001/quic-v1 /dns/relay.example.org/tcp/4001",
		},
		{"no token", "sightline-relay:192.0.2.1:4001/" + testID, "=", "/ip4/192.0.2.1/udp/4001/quic-v1 /ip4/192.0.2.1/tcp/4001"},
		{"IPv6", "sightline-relay:[2001:db8::1]:4001/" + testID, "=", "/ip6/2001:db8::1/udp/4001/quic-v1 /ip6/2001:db8::1/tcp/4001"},
		{
			"443 and 80", "sightline-relay:r.example:443,r.example:80/" + testID, "=",
			"/dns/r.example/tcp/443/tls/ws /dns/r.example/tcp/80/ws",
		},
		{
			"pasted with space, capitals, long IPv6, leading zero", " sightline-relay:R.Example:04001,[2001:DB8:0::1]:5/" + testID + "\n",
			"sightline-relay:r.example:4001,[2001:db8::1]:5/" + testID,
			"/dns/r.example/udp/4001/quic-v1 /dns/r.example/tcp/4001 /ip6/2001:db8::1/udp/5/quic-v1 /ip6/2001:db8::1/tcp/5",
		},
		{
			"IPv4 in IPv6", "sightline-relay:[::ffff:192.0.2.1]:4001/" + testID, "sightline-relay:192.0.2.1:4001/" + testID,
			"/ip4/192.0.2.1/udp/4001/quic-v1 /ip4/192.0.2.1/tcp/4001",
		},
		{
			"WebSocket on other ports", "sightline-relay:wss:r.example:8443,ws:[2001:db8::1]:8080/" + testID, "=",
			"/dns/r.example/tcp/8443/tls/ws /ip6/2001:db8::1/tcp/8080/ws",
		},
		{
			"what the port says, said again; a host called ws", "sightline-relay:wss:r.example:443,ws:80,ws:r.example:443/" + testID,
			"sightline-relay:r.example:443,ws:80,ws:r.example:443/" + testID,
			"/dns/r.example/tcp/443/tls/ws /dns/ws/tcp/80/ws /dns/r.example/tcp/443/ws",
		},
		{
			"pin", "sightline-relay:r.example:443/" + testID + "/" + testToken + "#" + testToken, "=", "/dns/r.example/tcp/443/tls/ws",
		},
		{name: "short pin", in: "sightline-relay:r.example:443/" + testID + "/" + testToken[1:]},
		{name: "empty pin", in: "sightline-relay:r.example:443/" + testID + "/#" + testToken},
		{name: "two pins", in: "sightline-relay:r.example:443/" + testID + "/" + testToken + "/" + testToken},
		{name: "wss without a port", in: "sightline-relay:wss:r.example/" + testID},
		{name: "empty"},
		{name: "other scheme", in: "https://r.example:4001/" + testID},
		{name: "no peer ID", in: "sightline-relay:r.example:4001"},
		{name: "empty peer ID", in: "sightline-relay:r.example:4001/"},
		{name: "RSA", in: "sightline-relay:r.example:4001/" + rsaID},
		{name: "no port", in: "sightline-relay:r.example/" + testID},
		{name: "port 0", in: "sightline-relay:r.example:0/" + testID},
		{name: "big port", in: "sightline-relay:r.example:65536/" + testID},
		{name: "no address", in: "sightline-relay:/" + testID},
		{name: "empty address", in: "sightline-relay:r.example:1,/" + testID},
		{name: "zone", in: "sightline-relay:[fe80::1%eth0]:4001/" + testID},
		{name: "bad IPv4", in: "sightline-relay:192.0.2.300:4001/" + testID},
		{name: "slash in name", in: "sightline-relay:r.example/p2p:4001/" + testID},
		{name: "control character", in: "sightline-relay:r\x1b[31m:4001/" + testID},
		{name: "short token", in: "sightline-relay:r.example:4001/" + testID + "#" + testToken[1:]},
		{name: "padded token", in: "sightline-relay:r.example:4001/" + testID + "#" + testToken + "="},
		{name: "token with spare bits", in: "sightline-relay:r.example:4001/" + testID + "#" + testToken[:42] + "F"},
		{name: "empty token", in: "sightline-relay:r.example:4001/" + testID + "#"},
		{name: "nine addresses", in: "sightline-relay:" + strings.Repeat("r:1,", 8) + "r:1/" + testID},
		{name: "too long", in: "sightline-relay:" + strings.Repeat("a", 1000) + ":1/" + testID},
	} {
		t.Run(row.name, func(t *testing.T) {
			j, err := ParseJoin(row.in)
			if row.want == "" {
				if !errors.Is(err, ErrBadJoin) {
					t.Fatalf("%+v, %v", j, err)
				}
				if strings.Contains(err.Error(), testToken[:20]) {
					t.Fatalf("the error shows the token: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(row.want, "=", row.in); j.String() != want {
				t.Errorf("printed %q", j)
			}
			info, err := j.AddrInfo()
			if err != nil {
				t.Fatal(err)
			}
			var addrs []string
			for _, a := range info.Addrs {
				addrs = append(addrs, a.String())
			}
			if got := strings.Join(addrs, " "); got != row.addrs || info.ID != j.ID {
				t.Errorf("addresses %s", got)
			}
		})
	}
}

func TestPublicHidesToken(t *testing.T) {
	j, err := ParseJoin("sightline-relay:r.example:4001/" + testID + "#" + testToken)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(j.Public().String(), testToken) || !bytes.Equal(j.Token, bytes.Repeat([]byte{1}, 32)) {
		t.Errorf("%q from token %x", j.Public(), j.Token)
	}
}

// FuzzJoin: what parses prints, parses again to the same and has addresses.
func FuzzJoin(f *testing.F) {
	for _, s := range []string{
		"sightline-relay:relay.example.org:4001/" + testID + "#" + testToken,
		"sightline-relay:[2001:db8::1]:443,192.0.2.1:80/" + testID,
		"sightline-relay:[::ffff:1.2.3.4]:1/" + testID,
		"sightline-relay:a:1,/" + rsaID,
		"sightline-relay:wss:a:1,ws:80,wss:[::1]:443/" + testID + "/" + testToken,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := ParseJoin(s)
		if err != nil {
			if !errors.Is(err, ErrBadJoin) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseJoin(j.String())
		if err != nil {
			t.Fatalf("%q does not parse: %v", j, err)
		}
		if again.String() != j.String() || again.ID != j.ID || !bytes.Equal(again.Token, j.Token) || !bytes.Equal(again.Pin, j.Pin) || !slices.Equal(again.Addrs, j.Addrs) {
			t.Fatalf("%+v became %+v", j, again)
		}
		info, err := j.AddrInfo()
		if err != nil || len(info.Addrs) < len(j.Addrs) {
			t.Fatalf("addresses %v: %v", info.Addrs, err)
		}
		if _, err := p2p.IDFromBytes([]byte(info.ID)); err != nil {
			t.Fatal(err)
		}
	})
}
