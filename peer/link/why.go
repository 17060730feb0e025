package link

// whyRelayed says why two sides stay on the relay, in words for the person on
// this side. It is called when all that is possible between them was tried.
func whyRelayed(mine, theirs NAT, told bool) string {
	switch {
	case theirs == NATOff:
		return "the other side allows no direct path"
	case mine == NATEach && theirs == NATEach:
		return "both sides' NAT gives each destination its own port"
	case mine == NATNoUDPEach && theirs == NATNoUDPEach:
		return "neither side's network lets UDP through, and both sides' NAT gives each TCP destination its own port"
	case mine.noUDP() || theirs.noUDP():
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

// withoutUDP: one side has no UDP or both have none, and TCP did not help.
func withoutUDP(mine, theirs NAT) string {
	out, here, there := "neither side's network lets UDP through, ", "this side's", "the other side's"
	switch {
	case !theirs.noUDP():
		out, here = "this side's network lets no UDP through, ", "its"
	case !mine.noUDP():
		out, there = "the other side's network lets no UDP through, ", "its"
	}
	switch {
	case mine == NATNoUDPEach:
		return out + "and " + here + " NAT gives each TCP destination its own port"
	case theirs == NATNoUDPEach:
		return out + "and " + there + " NAT gives each TCP destination its own port"
	case mine == NATEach:
		return out + "and this side's NAT gives each destination its own port"
	case theirs == NATEach:
		return out + "and the other side's NAT gives each destination its own port"
	}
	return out + "and no TCP came through either"
}
