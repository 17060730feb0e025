package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"strings"
	"syscall"
	"time"

	"sightline/peer"
	"sightline/peer/invite"
)

// Explanation is what a person and a script are told of an error.
type Explanation struct {
	Code     int    // exit code, UX.md
	Sentence string // one line, lower case, without "error:"
	Hint     string // one line: what to do; may be empty
}

// Row is one line of the table of exit codes, for help and README.
type Row struct {
	Code    int
	Meaning string // "wrong code"
	Hint    string // the general advice; may be empty
}

// outcome is a row of the one table of this file.
type outcome struct {
	class   peer.Class
	code    int
	meaning string
	// lead stands before the error's own text, unless that text says it already.
	lead string
	hint string
}

// outcomes is the table: class -> exit code, sentence and hint. Exit codes are
// part of the contract (UX.md, "Exit codes") and never change their meaning.
var outcomes = []outcome{
	{peer.ClassOK, 0, "ok", "", ""},
	{peer.ClassFault, 1, "fault", "", ""},
	{peer.ClassUsage, 2, "wrong usage", "",
		"see `sightline help`"},
	{peer.ClassRefused, 3, "refused by the other side", "",
		"ask the person at the host to press y or v when you knock, then try again with the code shown there"},
	{peer.ClassTimedOut, 4, "timed out", "",
		"make sure that somebody is at the other computer and that sightline still runs there, then try again"},
	{peer.ClassNoDisplay, 5, "no display or no capture", "no display: ",
		"`sightline doctor display` says what was found. Without a display `host --app CMD` shares a program on one of its own, `host --virtual 1920x1080` a whole session, `--source pattern` a built-in picture; `view --in-terminal` needs none"},
	{peer.ClassNoRoute, 6, "no route: every way was tried", "no path: ",
		"`sightline doctor network` says what this network lets through; a relay that both sides reach always works (--relay)"},
	{peer.ClassAuth, 7, "authentication failed", "",
		"compare the code with the host's screen; five wrong tries burn it and the host shows a new one"},
	{peer.ClassLocked, 8, "locked after wrong tries; the message names the seconds", "locked: ",
		"wait for the time named, then type the code again"},
	{peer.ClassNoSession, 9, "no such session, expired or used", "",
		"ask the host for the code that it shows now: a code lives 15 minutes unused and admits one viewer"},
	{peer.ClassKicked, 10, "kicked by the host", "",
		"the old code is burnt; ask the host for a new one"},
	{peer.ClassRelay, 11, "the relay refused", "relay: ",
		"check the relay's string (`sightline config show --origin`); its owner's `sightline relay` prints the right one"},
	{peer.ClassVersion, 12, "the versions do not fit", "version: ",
		"run the same version of sightline on both sides (`sightline version`)"},
	{peer.ClassResumable, 13, "transfer incomplete, can be resumed", "",
		"run the same command again: it goes on where it stopped"},
	{peer.ClassPermission, 14, "not permitted on this computer", "not permitted here: ",
		"key files must be yours alone: chmod 600 FILE, chmod 700 on its directory"},
	{peer.ClassInterrupted, 130, "interrupted", "", ""},
}

// ExitTable lists every exit code in order.
func ExitTable() []Row {
	rows := make([]Row, len(outcomes))
	for i, o := range outcomes {
		rows[i] = Row{Code: o.code, Meaning: o.meaning, Hint: o.hint}
	}
	return rows
}

// Explain turns an error into sentence, hint and exit code. An error that knows
// better advice than the table has a method Hint() string. A nil error is "ok"
// with code 0.
func Explain(err error) Explanation {
	if err == nil {
		return Explanation{Sentence: "ok"}
	}
	why := causeOf(err)
	o := rowOf(why.class)
	e := Explanation{Code: o.code, Sentence: sentence(o, why.sentence, err), Hint: o.hint}
	if why.hint != "" {
		e.Hint = why.hint
	}
	var own interface{ Hint() string }
	if errors.As(err, &own) && own.Hint() != "" {
		e.Hint = own.Hint()
	}
	e.Hint = clean(e.Hint)
	return e
}

// PrintError writes the error as every command does: sentence and hint, each on
// its own line. It returns the exit code.
func PrintError(w io.Writer, err error) int {
	e := Explain(err)
	if e.Code == 0 {
		return 0
	}
	fmt.Fprintf(w, "sightline: error: %s\n", e.Sentence)
	if e.Hint != "" {
		fmt.Fprintf(w, "sightline: hint: %s\n", e.Hint)
	}
	return e.Code
}

// sentence is the error's own text behind the words of its class, lower case
// and on one line. Several causes (errors.Join) become one list.
func sentence(o outcome, better string, err error) string {
	text := better
	if text == "" {
		text = clean(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	}
	if text == "" {
		return o.meaning
	}
	if says := strings.TrimSuffix(o.lead, ": "); !strings.Contains(strings.ToLower(text), says) {
		text = o.lead + text
	}
	return lowerFirst(text)
}

func rowOf(c peer.Class) outcome {
	for _, o := range outcomes {
		if o.class == c {
			return o
		}
	}
	return outcomes[peer.ClassFault]
}

// cause is what a known error says better than its own text does. Empty fields
// leave the word to the table.
type cause struct {
	class    peer.Class
	sentence string
	hint     string
}

// causeOf looks for the errors that deserve a sentence or a hint of their own.
// The class that package peer gives stands, except for errors that it leaves as
// faults because they never pass through it.
func causeOf(err error) cause {
	c := knownCause(err)
	if class := peer.ClassOf(err); class != peer.ClassFault || c.class == peer.ClassOK {
		c.class = class
	}
	return c
}

func knownCause(err error) cause {
	var wait *invite.WaitError
	switch {
	case errors.As(err, &wait):
		s := seconds(wait.For)
		return cause{peer.ClassLocked, fmt.Sprintf("locked: too many wrong tries, the next one is allowed in %d s", s),
			fmt.Sprintf("wait %d s, then type the code again", s)}
	case errors.Is(err, invite.ErrTypo):
		return cause{peer.ClassUsage, "the code has a typing mistake: its check digit does not fit",
			"compare it with the host's screen: one digit is wrong or two are swapped. Nothing was sent and no try was used up"}
	case errors.Is(err, invite.ErrMalformed):
		return cause{class: peer.ClassUsage,
			hint: "a code looks like 48291-7304-4187; spaces and dashes may stand anywhere"}
	case errors.Is(err, invite.ErrTicket):
		return cause{class: peer.ClassUsage, hint: "copy the whole line that begins with sightline1:"}
	case errors.Is(err, invite.ErrBurnt), errors.Is(err, invite.ErrUsed), errors.Is(err, invite.ErrExpired):
		return cause{class: peer.ClassNoSession}
	case errors.Is(err, peer.ErrNobody):
		return cause{class: peer.ClassUsage,
			hint: "start the host in a terminal, or let in without a question whoever has the code: --accept"}
	case errors.Is(err, context.Canceled) && peer.ClassOf(err) == peer.ClassInterrupted:
		return cause{peer.ClassInterrupted, "interrupted", ""}
	case errors.Is(err, context.DeadlineExceeded) && peer.ClassOf(err) == peer.ClassTimedOut:
		return cause{class: peer.ClassTimedOut}
	}
	return bindCause(err)
}

// bindCause is advice about an address that this machine does not let us have.
func bindCause(err error) cause {
	var op *net.OpError
	switch bind := errors.As(err, &op) && op.Op == "listen"; {
	case bind && errors.Is(err, syscall.EADDRINUSE):
		return cause{hint: "another program has that port, perhaps a sightline that runs already; --listen takes another one"}
	case bind && errors.Is(err, syscall.EADDRNOTAVAIL):
		return cause{hint: "--listen takes an address of this machine; :PORT means all of them"}
	case bind && errors.Is(err, fs.ErrPermission):
		return cause{class: peer.ClassPermission, hint: "ports below 1024 need root or CAP_NET_BIND_SERVICE; --listen takes another one"}
	case errors.Is(err, fs.ErrPermission):
		return cause{class: peer.ClassPermission}
	}
	return cause{}
}

// seconds rounds up: who waits as long as he is told is never too early.
func seconds(d time.Duration) int { return int(math.Ceil(max(d, 0).Seconds())) }

// lowerFirst makes "Permission denied" read well after "error:"; "X server" and
// "UDP" keep their capitals.
func lowerFirst(s string) string {
	if len(s) < 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'a' || s[1] > 'z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
