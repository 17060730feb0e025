package proxy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/go-ntlmssp"
	"github.com/icholy/digest"
)

// basic sends the password itself (RFC 7617).
type basic struct {
	user, password string
	asked          bool
}

func (b *basic) challenge([]string) error {
	if b.asked {
		return errRefused
	}
	b.asked = true
	return nil
}

func (b *basic) header(string, string) (string, error) {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.user+":"+b.password)), nil
}

func (*basic) anyConnection() bool { return true }

// digestAuth proves the password by a hash over the proxy's nonce (RFC 7616).
type digestAuth struct {
	user, password string
	now            *digest.Challenge
	count          int
}

func (d *digestAuth) challenge(offers []string) error {
	// A proxy may offer several, the best first (RFC 7616, section 3.7); one that
	// we cannot do is passed over.
	var found *digest.Challenge
	var last error
	for _, o := range offers {
		rest, ok := offer([]string{o}, "Digest")
		if !ok {
			continue
		}
		c, err := digest.ParseChallenge(digest.Prefix + rest)
		if err != nil {
			last = errors.New("asks for a password in a way that is not understood")
			continue
		}
		for i := range c.QOP { // the library cuts "auth-int, auth" at the comma only
			c.QOP[i] = strings.TrimSpace(c.QOP[i])
		}
		if !digest.CanDigest(c) {
			last = fmt.Errorf("wants the Digest method %s, which sightline does not speak", printable(c.Algorithm))
			continue
		}
		found = c
		break
	}
	switch {
	case found == nil && last != nil:
		return last
	case found == nil:
		return gone("Digest")
	case d.now != nil && !found.Stale:
		return errRefused
	}
	d.now, d.count = found, 0
	return nil
}

func (d *digestAuth) header(method, target string) (string, error) {
	d.count++
	c, err := digest.Digest(d.now, digest.Options{
		Method: method, URI: target, Count: d.count, Username: d.user, Password: d.password,
	})
	if err != nil {
		return "", err
	}
	return c.String(), nil
}

func (*digestAuth) anyConnection() bool { return true }

// ntlm is NTLMv2 ([MS-NLMP]), which authenticates a connection and not a
// request: hello, the proxy's challenge, the answer to it.
type ntlm struct {
	user, password string // user may be DOMAIN\user or user@domain
	hello          bool   // sent
	theirs         []byte // the challenge
	answered       bool
}

func (n *ntlm) challenge(offers []string) error {
	token, ok := offer(offers, "NTLM")
	switch {
	case n.answered:
		return errRefused
	case !ok:
		return gone("NTLM")
	case !n.hello:
		return nil
	case token == "":
		return errors.New("did not go on with NTLM on one connection")
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || !isNTLMChallenge(b) {
		return errors.New("asks for a password in a way that is not understood")
	}
	n.theirs = b
	return nil
}

// isNTLMChallenge looks at signature and type before the library reads the rest.
func isNTLMChallenge(b []byte) bool {
	return len(b) >= 32 && len(b) <= maxNTLM && string(b[:8]) == "NTLMSSP\x00" && b[8] == 2
}

// maxNTLM bounds a challenge: names of a domain and two hosts, in bytes.
const maxNTLM = 4096

func (n *ntlm) header(string, string) (string, error) {
	var message []byte
	var err error
	if !n.hello {
		n.hello = true
		message, err = ntlmssp.NewNegotiateMessage("", "")
	} else {
		n.answered = true
		message, err = ntlmssp.NewAuthenticateMessage(n.theirs, n.user, n.password, nil)
	}
	if err != nil {
		return "", err
	}
	return "NTLM " + base64.StdEncoding.EncodeToString(message), nil
}

// anyConnection: only the first message may open a connection of its own.
func (n *ntlm) anyConnection() bool { return n.theirs == nil }
