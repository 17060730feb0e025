package tui

import (
	"strings"
	"testing"

	"sightline/peer"
)

func TestOthers(t *testing.T) {
	you := peer.Watching{Seat: 1, Name: "me", You: true}
	many := []peer.Watching{you}
	for range 15 {
		many = append(many, peer.Watching{Name: strings.Repeat("long name ", 6), Grants: control})
	}
	for _, row := range []struct {
		name string
		list []peer.Watching
		want string
	}{
		{"not told yet", nil, ""},
		{"alone", []peer.Watching{you}, "you are the only viewer"},
		{"one", []peer.Watching{you, {Name: "bob"}}, "bob watches too"},
		{"away", []peer.Watching{you, {Name: "bob", Grants: control, Away: true}, {Name: "carol", Grants: control, Acts: true}}, "2 others watch: bob (away), carol (controls)"},
		{"may, does not", []peer.Watching{you, {Name: "bob", Grants: control}}, "bob watches too"},
		{"asks", []peer.Watching{{You: true, Acts: true}, {Name: "bob", Grants: control, Asks: true}}, "bob (asks for control) watches too; you control"},
		{"asked", []peer.Watching{{You: true, Asks: true}, {Name: "bob", Acts: true}}, "bob (controls) watches too; you asked for control"},
	} {
		if got := others(row.list, nil); got != row.want {
			t.Errorf("%s: %q, not %q", row.name, got, row.want)
		}
	}
	if got := wrapped(others(many, nil), 63); len(got) > 3 || !strings.HasSuffix(got[len(got)-1], "10 more") {
		t.Errorf("15 others: %q", got)
	}
}
