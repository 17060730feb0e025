//go:build linux

package testscripts

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
)

// netReport is the part of `doctor network --json` that is looked at here.
type netReport struct {
	UDP       bool     `json:"udp"`
	Mapping   string   `json:"mapping"`
	Filtering string   `json:"filtering"`
	Advice    []string `json:"advice"`
	Relays    []struct {
		Reachable bool    `json:"reachable"`
		RTT       float64 `json:"rtt_ms"`
		Ways      []struct {
			Transport string `json:"transport"`
			OK        bool   `json:"ok"`
			Reason    string `json:"reason"`
		} `json:"ways"`
	} `json:"relays"`
}

// doctor asks it in a node of the lab; the function returned waits for the answer.
func (l *lab) doctor(node string, env []string) func() netReport {
	l.Helper()
	cmd := exec.Command(tool(l, "ip", "iproute2"), "netns", "exec", l.prefix+"-"+node, l.bin, "doctor", "network", "--json")
	cmd.Env = append(cleanEnv(l.home("doctor")), env...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	return func() (r netReport) {
		l.Helper()
		if err := cmd.Wait(); err != nil {
			l.Fatalf("doctor in %s: %v", node, err)
		}
		if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Relays) != 1 {
			l.Fatalf("doctor in %s said %s: %v", node, &out, err)
		}
		return r
	}
}

// What doctor says of each type of network, asked through a relay with two addresses.
func TestLabDoctor(t *testing.T) {
	want := map[string]netReport{
		"open":     {UDP: true, Mapping: "none", Filtering: "none"},
		"fullcone": {UDP: true, Mapping: "independent", Filtering: "none"},
		"addrcone": {UDP: true, Mapping: "independent", Filtering: "address"},
		"cone":     {UDP: true, Mapping: "independent", Filtering: "endpoint"},
		"cgnat":    {UDP: true, Mapping: "independent", Filtering: "endpoint"},
		"sym":      {UDP: true, Mapping: "dependent", Filtering: "endpoint", Advice: []string{"symmetric"}},
		"cgnatsym": {UDP: true, Mapping: "dependent", Filtering: "endpoint", Advice: []string{"symmetric"}},
		"noudp":    {Mapping: "unknown", Filtering: "unknown", Advice: []string{"UDP"}},
	}
	for _, pair := range [][2]string{{"open", "fullcone"}, {"addrcone", "cone"}, {"cgnat", "sym"}, {"cgnatsym", "noudp"}} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) {
			l := newLab(t, pair[0], pair[1])
			relay := l.on("relay", "relay", nil, "relay", "--json", "--listen", "11.0.0.10:4001", "--listen", "11.0.0.11:4001")
			env := []string{"SIGHTLINE_RELAYS=" + l.await(relay, "ready").text("join")}
			asked := []func() netReport{l.doctor("hostA", env), l.doctor("hostB", env)}
			for i, answer := range asked {
				w, r := want[pair[i]], answer()
				if r.UDP != w.UDP || r.Mapping != w.Mapping || r.Filtering != w.Filtering || len(r.Advice) != len(w.Advice) {
					t.Errorf("%s: %+v, want %+v", pair[i], r, w)
				}
				if !r.Relays[0].Reachable || r.Relays[0].RTT <= 0 {
					t.Errorf("%s: relay %+v", pair[i], r.Relays[0])
				}
				for _, way := range r.Relays[0].Ways {
					if way.OK != (w.UDP || way.Transport == "tcp") || way.OK != (way.Reason == "") {
						t.Errorf("%s: way %+v", pair[i], way)
					}
				}
			}
		})
	}
}
