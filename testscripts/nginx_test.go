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
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLabNginx: a relay behind nginx, with the lines that relay/README.md gives for it,
// serves a session through networks that let nothing but TCP 443 out, and the session
// goes on when nginx was started anew. (T9, T30)
func TestLabNginx(t *testing.T) {
	t.Parallel()
	nginx := tool(t, "nginx", "nginx-light")
	l := newLab(t, "tcp443", "tcp443", "--delay", "20")
	relay := l.on("relay", "relay", []string{"SIGHTLINE_RELAY_FORWARDED_FROM=127.0.0.1/32"}, "relay", "--json", "--listen", "11.0.0.10:4001",
		"--listen", "ws://127.0.0.1:8080", "--announce", "11.0.0.10", "--announce", "11.0.0.10:443")
	l.join = l.await(relay, "ready").text("join")
	dir := t.TempDir()
	authority := selfSigned(t, dir, net.IPv4(11, 0, 0, 10))
	stop := l.nginx(nginx, dir)

	env := []string{"SIGHTLINE_RELAYS=" + l.join, "SIGHTLINE_NETWORK_DIRECT=false", "SSL_CERT_FILE=" + authority}
	host := l.on("hostA", "host", env, "host", "--json", "--accept", "--source", "pattern")
	code := l.await(host, "code").text("code")
	v := l.on("hostB", "viewer", env, "view", "--json", "--window", "none", code)
	l.await(v, "stats", "refined=true")
	v.rewind()
	l.await(v, "path", "kind=relayed", "transport=wss")

	stop()
	l.await(v, "waiting", "for~come back")
	l.nginx(nginx, dir)
	l.await(v, "joined", "resumed=true")
	l.await(v, "stats", "refined=true")
}

// nginx starts it in the relay's node with TLS on port 443; the function ends it.
func (l *lab) nginx(program, dir string) (stop func()) {
	l.Helper()
	conf := fmt.Sprintf(`user root;
pid %[1]s/pid;
events { }
http {
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	access_log off;
	server {
		listen 11.0.0.10:443 ssl;
		ssl_certificate %[1]s/cert.pem;
		ssl_certificate_key %[1]s/key.pem;
%[2]s
	}
}
`, dir, readmeNginx(l))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		l.Fatal(err)
	}
	cmd := exec.Command(tool(l, "ip", "iproute2"), "netns", "exec", l.prefix+"-relay", program,
		"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file, "-g", "daemon off;")
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		if l.Failed() {
			l.Logf("nginx: %s\n%s", &words, conf)
		}
	})
	ended := false
	stop = func() {
		if !ended {
			ended = true
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
		}
	}
	l.Cleanup(stop)
	eventually(l, "nginx listens", func() bool {
		open, err := l.natlab("exec", "relay", "ss", "-Hltn")
		return err == nil && strings.Contains(open, "11.0.0.10:443")
	})
	return stop
}

// readmeNginx is what relay/README.md has for it.
func readmeNginx(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "relay", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "    # nginx\n")
	var out strings.Builder
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		out.WriteString(line)
	}
	if !strings.Contains(out.String(), "proxy_pass") {
		t.Fatalf("relay/README.md has no lines for nginx: %q", out.String())
	}
	return out.String()
}

// selfSigned writes cert.pem and key.pem for an address; who trusts the first trusts it.
func selfSigned(t *testing.T, dir string, ip net.IP) (authority string) {
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
