package link

import (
	"errors"
	"net/netip"
	"strings"

	p2p "github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/net/dns/dnsmessage"
)

// The messages of the LAN search are ordinary multicast DNS (RFC 6762) about
// one service instance, whose name is the live session number:
//
//	query    48291._sightline._udp.local.  SRV IN, from a port other than 5353
//	answer   48291._sightline._udp.local.  SRV  port, target <host label>.local.
//	         48291._sightline._udp.local.  TXT  "id=12D3Koo…" "ip=192.168.1.10" …
//
// The port is that of UDP (QUIC) and TCP alike. There is no PTR record: the
// service cannot be browsed, only asked for by its number.
const (
	lanSuffix = "._sightline._udp.local."
	lanTTL    = 10 // seconds; a number lives a quarter of an hour at most

	maxLANMessage = 1500 // bytes, one Ethernet frame
	maxLANRecords = 16
	maxLANAddrs   = 16
	maxLANNumber  = 12 // digits
)

// lanAnswer is what an answer says.
type lanAnswer struct {
	id   p2p.ID
	port uint16
	ips  []netip.Addr
}

var errNotOurs = errors.New("not an answer for this number")

// isNumber tells whether s can be a session number.
func isNumber(s string) bool {
	return len(s) >= 5 && len(s) <= maxLANNumber && strings.Trim(s, "0123456789") == ""
}

// appendLANQuery makes the question for a number.
func appendLANQuery(number string) ([]byte, error) {
	name, err := dnsmessage.NewName(number + lanSuffix)
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	q := dnsmessage.Question{Name: name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	return b.Finish()
}

// parseLANQuery reads the number that a message asks for. ok is false for every
// message that is not a question for one of our numbers.
func parseLANQuery(msg []byte) (id uint16, number string, ok bool) {
	if len(msg) > maxLANMessage {
		return 0, "", false
	}
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || h.Response || h.OpCode != 0 {
		return 0, "", false
	}
	for range maxLANRecords {
		q, err := p.Question()
		if err != nil {
			return 0, "", false
		}
		// The top bit of the class asks for a unicast answer, which is what we give.
		if q.Class&0x7fff != dnsmessage.ClassINET {
			continue
		}
		switch q.Type {
		case dnsmessage.TypeSRV, dnsmessage.TypeTXT, dnsmessage.TypeALL:
		default:
			continue
		}
		if number, found := strings.CutSuffix(strings.ToLower(q.Name.String()), lanSuffix); found && isNumber(number) {
			return h.ID, number, true
		}
	}
	return 0, "", false
}

// appendLANAnswer makes the answer to a query with this id.
func appendLANAnswer(id uint16, number string, a lanAnswer) ([]byte, error) {
	name, err := dnsmessage.NewName(number + lanSuffix)
	if err != nil {
		return nil, err
	}
	target, err := dnsmessage.NewName("sightline-" + number + ".local.")
	if err != nil {
		return nil, err
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, Response: true, Authoritative: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	// RFC 6762, section 6.7: an answer to a port other than 5353 repeats the question.
	q := dnsmessage.Question{Name: name, Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: lanTTL}
	if err := b.SRVResource(head, dnsmessage.SRVResource{Port: a.port, Target: target}); err != nil {
		return nil, err
	}
	txt := []string{"id=" + a.id.String()}
	for _, ip := range a.ips[:min(len(a.ips), maxLANAddrs)] {
		txt = append(txt, "ip="+ip.String())
	}
	if err := b.TXTResource(head, dnsmessage.TXTResource{TXT: txt}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// parseLANAnswer reads the answer for a number. The addresses are what the
// sender claims; whoever dials checks them.
func parseLANAnswer(msg []byte, number string) (lanAnswer, error) {
	var a lanAnswer
	if len(msg) > maxLANMessage {
		return a, errNotOurs
	}
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response {
		return a, errNotOurs
	}
	if err := p.SkipAllQuestions(); err != nil {
		return a, errNotOurs
	}
	for range maxLANRecords {
		rh, err := p.AnswerHeader()
		if err != nil {
			break
		}
		if !strings.EqualFold(rh.Name.String(), number+lanSuffix) {
			if p.SkipAnswer() != nil {
				break
			}
			continue
		}
		if err := a.read(&p, rh.Type); err != nil {
			return lanAnswer{}, err
		}
	}
	if a.port == 0 || !isEd25519(a.id) {
		return lanAnswer{}, errNotOurs
	}
	return a, nil
}

// read takes one record of the right name.
func (a *lanAnswer) read(p *dnsmessage.Parser, t dnsmessage.Type) error {
	switch t {
	case dnsmessage.TypeSRV:
		srv, err := p.SRVResource()
		a.port = srv.Port
		return err
	case dnsmessage.TypeTXT:
		txt, err := p.TXTResource()
		for _, s := range txt.TXT {
			a.note(s)
		}
		return err
	}
	return p.SkipAnswer()
}

func (a *lanAnswer) note(s string) {
	key, value, _ := strings.Cut(s, "=")
	switch key {
	case "id":
		if id, err := p2p.Decode(value); err == nil {
			a.id = id
		}
	case "ip":
		if ip, err := netip.ParseAddr(value); err == nil && ip.Zone() == "" && len(a.ips) < maxLANAddrs {
			a.ips = append(a.ips, ip.Unmap())
		}
	}
}
