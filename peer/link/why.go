package link

import "strings"

// whyRelayed says why two sides stay on the relay, in words for the person on
// this side. It is called when all that is possible between them was tried.
func whyRelayed(mine, theirs NAT, told bool) string {
	switch {
	case theirs == NATOff:
		return "the other side allows no direct path"
	case mine == NATEach && theirs == NATEach:
		return "both sides' NAT gives each destination its own port"
	case mine == NATNoUDP && theirs == NATNoUDP:
		return "neither side's network lets UDP through, and no TCP came through either"
	case mine == NATNoUDP || theirs == NATNoUDP:
		return withoutUDP(mine, theirs)
	case mine == NATEach && theirs == NATSame:
		return "this side's NAT gives each destination its own port, the other's lets only known ports in"
	case mine == NATSame && theirs == NATEach:
		return "the other side's NAT gives each destination its own port, this one's lets only known ports in"
	case !told:
		return "the other machine told no address of its own"
	}
	return "no address of the other machine answers, and the NAT boxes or firewalls between let no packet through"
}

// withoutUDP: one side has no UDP, and TCP did not help.
func withoutUDP(mine, theirs NAT) string {
	var b strings.Builder
	b.WriteString("this side's network lets no UDP through, ")
	other, its := theirs, "the other side's"
	if theirs == NATNoUDP {
		b.Reset()
		b.WriteString("the other side's network lets no UDP through, ")
		other, its = mine, "this side's"
	}
	if other == NATEach {
		b.WriteString("and " + its + " NAT gives each destination its own port")
	} else {
		b.WriteString("and no TCP came through either")
	}
	return b.String()
}
