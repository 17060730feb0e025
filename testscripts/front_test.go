//go:build linux

package testscripts

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A front is a reverse proxy that ends the TLS for a relay. Its configuration has the
// lines that relay/README.md gives for it.
type front struct {
	name, debian string // the program, and its package
	lines        string // the README's heading
	conf         func(dir, lines string) string
	args         func(dir, conf string) []string
}

var fronts = []front{
	{"nginx", "nginx-light", "nginx", func(dir, lines string) string {
		return nginxHead(dir) + `	server {
		listen 11.0.0.10:443 ssl;
		ssl_certificate ` + dir + `/cert.pem;
		ssl_certificate_key ` + dir + `/key.pem;
` + lines + "}\n}\n"
	}, nginxArgs},
	{"caddy", "caddy", "Caddy", func(dir, lines string) string {
		site := strings.Replace(lines, "relay.example.org {", "https://11.0.0.10 {\nbind 11.0.0.10\ntls "+dir+"/cert.pem "+dir+"/key.pem", 1)
		return "{\nadmin off\nauto_https disable_redirects\n}\n" + site
	}, func(_, conf string) []string {
		return []string{"run", "--config", conf, "--adapter", "caddyfile"}
	}},
}

func nginxHead(dir string) string {
	return strings.ReplaceAll(`user root;
pid DIR/pid;
events { }
http {
	client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
	access_log off;
`, "DIR", dir)
}

func nginxArgs(dir, conf string) []string {
	return []string{"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", conf, "-g", "daemon off;"}
}

// TestLabFront: a relay behind nginx and behind Caddy serves a session through networks
// that let nothing but TCP 443 out, and the session goes on when the proxy was started
// anew. (T9, T30)
func TestLabFront(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "tcp443", "tcp443", "--delay", "20")
			authority := l.behindFront("SIGHTLINE_RELAY_FORWARDED_FROM=127.0.0.1/32")
			stop := l.front(f, authority)

			env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_NETWORK_DIRECT=false", "SSL_CERT_FILE=" + authority}
			host := l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern")
			code := l.await(host, "code").text("code")
			v := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
			l.await(v, "stats", "refined=true")
			v.rewind()
			l.await(v, "path", "kind=relayed", "transport=wss")

			stop()
			l.await(v, "waiting", "for~come back")
			l.front(f, authority)
			l.await(v, "joined", "resumed=true")
			l.await(v, "stats", "refined=true")
		})
	}
}

// TestLabForwarded: behind a proxy the relay counts each caller by his own address. It
// believes the proxies that are configured and nobody else: an attacker who writes a new
// address into each of his requests is still one, through the proxy and past it. (T26)
func TestLabForwarded(t *testing.T) {
	const ours, nobody = "SIGHTLINE_RELAY_FORWARDED_FROM=127.0.0.1/32", "SIGHTLINE_RELAY_FORWARDED_FROM="
	for _, row := range []struct {
		name, proxies string
		front         int
		to            string // where the attacker's requests go
		other         int    // what ends the question of somebody at another address, when the attacker has had enough
	}{
		{"through nginx", ours, 0, "https://11.0.0.10:443", 9},
		{"through Caddy", ours, 1, "https://11.0.0.10:443", 9},
		{"through a proxy that is not configured", nobody, 0, "https://11.0.0.10:443", 11},
		{"past the proxy", ours, 0, "http://11.0.0.10:80", 9},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "open", "open")
			authority := l.behindFront(row.proxies, "SIGHTLINE_RELAY_LIMITS_LOOKUPS_PER_MINUTE=2")
			l.front(fronts[row.front], authority)
			attacker := l.forger(row.to)
			ask := func(node, join string) int {
				v := l.on(node, "asker", []string{"SIGHTLINE_RELAYS=" + join, "SSL_CERT_FILE=" + authority},
					"view", "--json", "--window", "none", "48291-7304-4187")
				code, err := v.exit(patience)
				if err != nil {
					t.Fatal(err)
				}
				return code
			}
			for i, want := range []int{9, 9, 11} {
				if got := ask("hostB", attacker); got != want {
					t.Errorf("question %d ended with %d instead of %d", i+1, got, want)
				}
			}
			if got := ask("hostA", l.join); got != row.other {
				t.Errorf("a question from another address ended with %d instead of %d", got, row.other)
			}
		})
	}
}

// behindFront starts a relay for a front on this machine, and with a port of its own for
// those who would go past it. It returns the certificate of the front, which is also the
// authority to trust for it.
func (l *lab) behindFront(env ...string) (authority string) {
	l.Helper()
	relay := l.on("relay", "relay", env, "relay", "--json", "--listen", "ws://127.0.0.1:8080", "--listen", "ws://11.0.0.10:80", "--announce", "11.0.0.10:443")
	l.join = l.await(relay, "ready").text("join")
	return selfSigned(l, l.TempDir(), net.IPv4(11, 0, 0, 10))
}

// front starts a reverse proxy before the relay, on port 443; the function ends it.
func (l *lab) front(f front, authority string) (stop func()) {
	l.Helper()
	dir := filepath.Dir(authority)
	return l.serveWeb("relay", "11.0.0.10:443", f, f.conf(dir, readmeLines(l, f.lines)), dir)
}

// forger is an attacker's proxy in hostB's node: it hands every request on with another
// address of a caller in it. The result is how it is reached as a relay.
func (l *lab) forger(to string) (join string) {
	l.Helper()
	dir := l.TempDir()
	conf := nginxHead(dir) + `	server {
		listen 127.0.0.1:80;
		location / {
			proxy_pass ` + to + `;
			proxy_http_version 1.1;
			proxy_set_header Host $proxy_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection "upgrade";
			proxy_set_header X-Forwarded-For "203.0.113.$msec, 198.51.100.$connection";
		}
	}
}
`
	l.serveWeb("hostB", "127.0.0.1:80", fronts[0], conf, dir)
	return strings.Replace(l.join, "11.0.0.10:443", "127.0.0.1:80", 1)
}

// serveWeb starts a web server in a node and waits until it listens; the function ends it.
func (l *lab) serveWeb(node, listens string, f front, conf, dir string) (stop func()) {
	l.Helper()
	file := filepath.Join(dir, f.name+".conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		l.Fatal(err)
	}
	cmd := exec.Command(tool(l, "ip", "iproute2"), append([]string{"netns", "exec", l.prefix + "-" + node, tool(l, f.name, f.debian)}, f.args(dir, file)...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		if l.Failed() {
			l.Logf("%s: %s\n%s", f.name, &words, conf)
		}
	})
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	l.Cleanup(stop)
	eventually(l, f.name+" listens", func() bool {
		open, err := l.natlab("exec", node, "ss", "-Hltn")
		return err == nil && strings.Contains(open, listens)
	})
	return stop
}

// readmeLines is what relay/README.md has for a reverse proxy.
func readmeLines(t testing.TB, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "relay", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "    # "+heading+"\n")
	var out strings.Builder
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		out.WriteString(line)
	}
	if !strings.Contains(out.String(), "127.0.0.1:8080") {
		t.Fatalf("relay/README.md has no lines for %s: %q", heading, out.String())
	}
	return out.String()
}

// selfSigned writes cert.pem and key.pem for an address; who trusts the first trusts it.
func selfSigned(t testing.TB, dir string, ip net.IP) (authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem")
}
