package proxytest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"unicode/utf16"

	//lint:ignore SA1019 NTLM is made of it
	"golang.org/x/crypto/md4"
)

// ntlmLogin is the server's half of NTLMv2 on one connection ([MS-NLMP],
// sections 2.2.1 and 3.3.2), enough to tell a right password from a wrong one.
type ntlmLogin struct {
	user, password string
	asked, in      bool
}

var ntlmSalt = [8]byte{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}

func (n *ntlmLogin) check(r *http.Request) (bool, []string) {
	if n.in {
		return true, nil
	}
	token, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "NTLM ")
	b, err := base64.StdEncoding.DecodeString(token)
	if !ok || err != nil || len(b) < 12 || string(b[:8]) != "NTLMSSP\x00" {
		return false, []string{"NTLM"}
	}
	switch kind := binary.LittleEndian.Uint32(b[8:]); {
	case kind == 1:
		n.asked = true
		return false, []string{"NTLM " + base64.StdEncoding.EncodeToString(ntlmChallenge())}
	case kind == 3 && n.asked:
		n.asked = false
		n.in = n.right(b)
		return n.in, []string{"NTLM"}
	}
	return false, []string{"NTLM"}
}

// ntlmChallenge is message 2: no names, the salt, an empty list of properties.
func ntlmChallenge() []byte {
	b := []byte("NTLMSSP\x00\x02\x00\x00\x00")
	b = append(b, 0, 0, 0, 0, 48, 0, 0, 0)                    // target name: none
	b = binary.LittleEndian.AppendUint32(b, 0x00888201)       // Unicode, NTLM, always sign, extended security, target info
	b = append(append(b, ntlmSalt[:]...), make([]byte, 8)...) // challenge, reserved
	b = append(b, 4, 0, 4, 0, 48, 0, 0, 0)                    // target info: 4 bytes at 48
	return append(b, 0, 0, 0, 0)                              // its end
}

// right checks message 3.
func (n *ntlmLogin) right(b []byte) bool {
	field := func(at int) []byte {
		if len(b) < at+8 {
			return nil
		}
		size, from := int(binary.LittleEndian.Uint16(b[at:])), int(binary.LittleEndian.Uint32(b[at+4:]))
		if from > len(b) || size > len(b)-from {
			return nil
		}
		return b[from : from+size]
	}
	response, domain, user := field(20), field(28), field(36)
	wantDomain, wantUser := splitUser(n.user)
	if len(response) < 16 || !bytes.Equal(user, wide(wantUser)) || !bytes.Equal(domain, wide(wantDomain)) {
		return false
	}
	h := md4.New()
	h.Write(wide(n.password))
	key := keyed(h.Sum(nil), wide(strings.ToUpper(wantUser)+wantDomain))
	return hmac.Equal(response[:16], keyed(key, append(ntlmSalt[:], response[16:]...)))
}

func keyed(key, data []byte) []byte {
	m := hmac.New(md5.New, key)
	m.Write(data)
	return m.Sum(nil)
}

// wide is s in UTF-16, little end first.
func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}
