//go:build linux

package testscripts

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

// The matrix of NAT types: which pairs of networks become direct, with the real
// binary, and how fast. `testscripts/natlab/matrix` plays all of it.
var (
	matrixCells = flag.String("matrix", "", "`CELLS` of the matrix: all, extra, TYPE (its row and column) or TYPE_AxTYPE_B, with commas (default: a few that stand for the rest)")
	matrixTries = flag.Int("tries", 1, "how often each cell of the matrix is tried")
	matrixDelay = flag.String("delay", "20", "`MS` of each WAN wire, each way")
)

// A netType is what a type of the lab (natlab types) lets through.
type netType struct {
	udp, tcp reach
	v6       bool // both families: IPv6 has no NAT
	web      bool // listens on 443, and anybody gets in there
}

// reach is who gets in at an address that a side uses for going out.
type reach int

const (
	blocked  reach = iota // nothing goes out
	webPorts              // out to web ports, nobody gets in
	changing              // another port for each destination, known ones get in
	known                 // one port, only addresses and ports it was used for get in
	anyPort               // one port, addresses it was used for get in
	anybody
)

var netTypes = map[string]netType{
	"open":     {udp: anybody, tcp: anybody},
	"fullcone": {udp: anybody, tcp: anybody},
	"addrcone": {udp: anyPort, tcp: anyPort},
	"cone":     {udp: known, tcp: known},
	"cgnat":    {udp: known, tcp: known},
	"sym":      {udp: changing, tcp: changing},
	"cgnatsym": {udp: changing, tcp: changing},
	"noudp":    {tcp: known},
	"symnoudp": {tcp: changing},
	"tcp443":   {tcp: webPorts},
	"tcp80443": {tcp: webPorts},

	"sym+v6":    {udp: changing, tcp: changing, v6: true},
	"sym+upnp":  {udp: anybody, tcp: anybody},
	"cone+upnp": {udp: anybody, tcp: anybody},
	"open@443":  {udp: anybody, tcp: anybody, web: true}, // the program listens on 443
}

// plainTypes are played against each other, both orders; extraCells besides.
var plainTypes = []string{"open", "fullcone", "addrcone", "cone", "cgnat", "sym", "cgnatsym", "noudp", "symnoudp", "tcp443", "tcp80443"}

var extraCells = []cell{
	{"cone", "samelan"}, {"sym", "samelan"}, {"noudp", "samelan"}, {"tcp443", "samelan"},
	{"cone", "routed"}, {"symnoudp", "routed"}, {"fullcone", "hairpin"},
	{"sym+v6", "sym+v6"}, {"sym+upnp", "sym"}, {"sym", "sym+upnp"}, {"cone+upnp", "symnoudp"},
	{"open@443", "tcp443"}, {"tcp443", "open@443"}, {"tcp80443", "open@443"},
}

// usualCells stand for the rest in every run of the tests.
var usualCells = []cell{
	{"open", "symnoudp"}, {"fullcone", "sym"}, {"cone", "routed"}, {"cone", "cgnat"}, {"cone", "sym"},
	{"cgnatsym", "cone"}, {"noudp", "cone"}, {"sym", "sym"}, {"cone", "samelan"}, {"open@443", "tcp443"},
	{"sym+v6", "sym+v6"}, {"sym+upnp", "sym"},
}

type cell struct{ a, b string }

func (c cell) String() string { return c.a + "x" + c.b }

// expected tells why the pair cannot be direct; "" if it can, over IPv4 or IPv6.
func (c cell) expected() string {
	a, b := netTypes[c.a], netTypes[c.b]
	switch {
	case slices.Contains([]string{"samelan", "routed", "hairpin"}, c.b), a.v6 && b.v6:
		return ""
	case a.web && b.tcp != blocked, b.web && a.tcp != blocked:
		return ""
	case meetUDP(a.udp, b.udp) || meetTCP(a.tcp, b.tcp):
		return ""
	case a.tcp == webPorts || b.tcp == webPorts:
		return "one side gets out to web ports only, and the other does not listen on them"
	case a.udp == changing && b.udp == changing:
		return "both sides have another port for each destination"
	}
	return "no UDP, and TCP finds one side with another port for each destination and the other closed to it"
}

// meetUDP: one side with changing ports is found by trying many of them.
func meetUDP(a, b reach) bool {
	return a != blocked && b != blocked && (a != changing || b != changing)
}

// meetTCP: a changing port is not found, so the other side must let it in.
func meetTCP(a, b reach) bool {
	low := min(a, b)
	return low >= changing && (low != changing || max(a, b) >= anyPort)
}

// words are what the viewer, which is the second of the cell, has to say to that.
func (c cell) words() string {
	a, b := netTypes[c.a], netTypes[c.b]
	each := func(t netType) bool { return t.udp == blocked && t.tcp == changing }
	switch {
	case each(a) && each(b):
		return "both sides' NAT gives each TCP destination its own port"
	case each(a) && b.udp == blocked:
		return "neither side's network lets UDP through, and the other side's NAT gives each TCP destination its own port"
	case each(b) && a.udp == blocked:
		return "neither side's network lets UDP through, and this side's NAT gives each TCP destination its own port"
	case each(a):
		return "the other side's network lets no UDP through, and its NAT gives each TCP destination its own port"
	case each(b):
		return "this side's network lets no UDP through, and its NAT gives each TCP destination its own port"
	case a.udp == blocked && b.udp == blocked:
		return "neither side's network lets UDP through"
	case a.udp == blocked:
		return "the other side's network lets no UDP through"
	case b.udp == blocked:
		return "this side's network lets no UDP through"
	}
	return "both sides' NAT gives each destination its own port"
}

// chosenCells reads the flag.
func chosenCells(t *testing.T) []cell {
	square := slices.Clone(extraCells)
	for _, a := range plainTypes {
		for _, b := range plainTypes {
			square = append(square, cell{a, b})
		}
	}
	var some []cell
	add := func(more ...cell) {
		for _, c := range more {
			if !slices.Contains(some, c) {
				some = append(some, c)
			}
		}
	}
	for word := range strings.SplitSeq(*matrixCells, ",") {
		a, b, pair := strings.Cut(word, "x")
		switch {
		case word == "":
			add(usualCells...)
		case word == "all":
			add(square...)
		case word == "extra":
			add(extraCells...)
		case slices.Contains(plainTypes, word):
			for _, other := range plainTypes {
				add(cell{word, other}, cell{other, word})
			}
		case pair:
			add(cell{a, b})
		default:
			t.Fatalf("%q is no cell and no type: %s", word, strings.Join(plainTypes, ", "))
		}
	}
	return some
}
