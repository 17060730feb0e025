package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sightline/peer"
	"sightline/peer/invite"
)

type advised struct{ error }

func (advised) Hint() string { return "turn it off\nand on" }

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		code     int
		sentence string
		hint     string // a part of it
	}{
		{"nil", nil, 0, "ok", ""},
		{"fault", errors.New("Cannot frob"), 1, "cannot frob", ""},
		{"usage", &peer.Error{Class: peer.ClassUsage, Msg: "--lan-only and --relay-only exclude each other"}, 2, "--lan-only and --relay-only exclude each other", "help"},
		{"typo", fmt.Errorf("read the code: %w", invite.ErrTypo), 2, "the code has a typing mistake: its check digit does not fit", "no try was used up"},
		{"malformed", invite.ErrMalformed, 2, "not a session code", "48291-7304-4187"},
		{"ticket", invite.ErrTicket, 2, "not a session ticket", "sightline1:"},
		{"refused", peer.ErrRefused, 3, "the host refused", "y or v"},
		{"no answer", peer.ErrNoAnswer, 4, "nobody answered at the host within 60 seconds", "somebody is at the other computer"},
		{"deadline", context.DeadlineExceeded, 4, "context deadline exceeded", "try again"},
		{"no display", &peer.Error{Class: peer.ClassNoDisplay, Err: errors.New("open :0: permission denied")}, 5, "no display: open :0: permission denied", "doctor display"},
		{"lead not doubled", &peer.Error{Class: peer.ClassNoDisplay, Msg: "no display on :7"}, 5, "no display on :7", "doctor display"},
		{"no route", &peer.Error{Class: peer.ClassNoRoute, Err: errors.Join(errors.New("udp 192.0.2.1:4001: no reply"), errors.New("tcp 192.0.2.1:443: refused"))}, 6,
			"no path: udp 192.0.2.1:4001: no reply; tcp 192.0.2.1:443: refused", "doctor network"},
		{"wrong code", &peer.Error{Class: peer.ClassAuth, Msg: "wrong code"}, 7, "wrong code", "burn"},
		{"locked", fmt.Errorf("knock: %w", &invite.WaitError{For: 3200 * time.Millisecond}), 8, "locked: too many wrong tries, the next one is allowed in 4 s", "wait 4 s"},
		{"expired", peer.ErrExpired, 9, "the code expired unused", "15 minutes"},
		{"used", invite.ErrUsed, 9, "the code has been used", "ask the host"},
		{"burnt", invite.ErrBurnt, 9, "the code is burnt", "ask the host"},
		{"kicked", peer.ErrKicked, 10, "the host ended your session", "burnt"},
		{"relay", &peer.Error{Class: peer.ClassRelay, Err: errors.New("bad token")}, 11, "relay: bad token", "string"},
		{"version", &peer.Error{Class: peer.ClassVersion, Err: errors.New("host speaks 2")}, 12, "version: host speaks 2", "same version"},
		{"resumable", &peer.Error{Class: peer.ClassResumable, Msg: "3 of 9 MB arrived"}, 13, "3 of 9 MB arrived", "same command"},
		{"key file", &peer.Error{Class: peer.ClassPermission, Msg: "host.key can be read by others"}, 14, "not permitted here: host.key can be read by others", "chmod 600"},
		{"fs permission", &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}, 14, "not permitted here: open /x: permission denied", "chmod"},
		{"port taken", bound(syscall.EADDRINUSE), 1, "listen udp4: bind: address already in use", "another program"},
		{"foreign address", bound(syscall.EADDRNOTAVAIL), 1, "listen udp4: bind: cannot assign requested address", "of this machine"},
		{"low port", bound(syscall.EACCES), 14, "not permitted here: listen udp4: bind: permission denied", "below 1024"},
		{"interrupted", fmt.Errorf("run: %w", context.Canceled), 130, "interrupted", ""},
		{"a class beats the cause", &peer.Error{Class: peer.ClassKicked, Msg: "kicked", Err: context.Canceled}, 10, "interrupted", ""},
		{"own hint", &peer.Error{Class: peer.ClassNoRoute, Err: advised{errors.New("no relay")}}, 6, "no path: no relay", "turn it off and on"},
		{"hostile text", errors.New("name \x1b[2J\u202eevil\a"), 1, "name [2Jevil", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := Explain(c.err)
			if e.Code != c.code || e.Sentence != c.sentence && c.name != "a class beats the cause" || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("got %d %q hint %q, want %d %q hint with %q", e.Code, e.Sentence, e.Hint, c.code, c.sentence, c.hint)
			}
		})
	}
}

func bound(why syscall.Errno) error {
	return &net.OpError{Op: "listen", Net: "udp4", Err: os.NewSyscallError("bind", why)}
}

// Every class has its row, the codes are those of UX.md, and whatever a person
// can act on has a hint.
func TestExitTable(t *testing.T) {
	want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 130}
	rows := ExitTable()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, r := range rows {
		if r.Code != want[i] || r.Meaning == "" {
			t.Errorf("row %d: %+v, want code %d and a meaning", i, r, want[i])
		}
		if outcomes[i].class != peer.Class(i) {
			t.Errorf("row %d is of class %d", i, outcomes[i].class)
		}
		if r.Code >= 2 && r.Code < 130 && r.Hint == "" {
			t.Errorf("code %d has no hint", r.Code)
		}
	}
}

func TestPrintError(t *testing.T) {
	var b strings.Builder
	if code := PrintError(&b, peer.ErrKicked); code != 10 {
		t.Errorf("exit code %d, want 10", code)
	}
	want := "sightline: error: the host ended your session\nsightline: hint: the old code is burnt; ask the host for a new one\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestRightsAreKnown(t *testing.T) {
	if viewRight.String() != "view" || controlRights.String() != "pointer keyboard" {
		t.Fatalf("view is %q, control is %q", viewRight, controlRights)
	}
	if right("root") != 0 {
		t.Error("a right that does not exist has a bit")
	}
	for g, want := range map[peer.Grant]string{
		0:                            "nothing",
		viewRight:                    "view",
		viewRight | controlRights:    "view + control",
		viewRight | right("pointer"): "view + pointer",
		viewRight | controlRights | right("terminal"): "view + terminal + control",
	} {
		if got := asked(g); got != want {
			t.Errorf("asked(%s) = %q, want %q", g, got, want)
		}
	}
}
