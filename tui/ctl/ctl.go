// Package ctl is the door through which another terminal of the same user asks
// and commands a running host, viewer or relay: `sightline ctl status`, `ctl
// kick 2`.
//
// Each running role listens on a Unix socket of its own, named after role and
// process, in a directory that only the user can enter:
//
//	DIR            0700  the runtime directory, else the state directory
//	DIR/host-4711.sock   0600
//
// One connection is one question, each side says one line of JSON:
//
//	ctl ──► {"verb":"grant","seat":1,"grants":["view","keyboard"]}\n      at most 4 KiB
//	ctl ◄── {"ok":true,"status":{"role":"host",…}}\n                     at most 256 KiB
//	ctl ◄── {"ok":false,"error":"there is no viewer 1","code":9}\n       code: exit code, UX.md
//
// Who connects is checked by the kernel's word (peer credentials), not by the
// mode of the file alone: another user, root too, is shown the door without an
// answer. There is never a TCP port, and never HTTP: web pages could reach those
// (SECURITY-DESIGN, section 8). On Windows the socket's directory lies in the
// user's profile, whose access list does the same work.
//
// The package knows the states of package peer and, through the small
// interfaces Host and View, what can be done to them. A relay's state is handed
// in.
package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sightline/peer"
)

// Limits of one conversation.
const (
	maxRequest  = 4 << 10   // bytes of a request, line feed included
	maxResponse = 256 << 10 // bytes of a response; a status of 16 viewers has some 8 KiB
	maxGrants   = 16        // words; there are 9 today
	maxWord     = 32        // bytes of a word
	maxSeat     = 1 << 30   // seats count up from 1
)

// The verbs.
const (
	Status = "status"
	Admit  = "admit"
	Refuse = "refuse"
	Kick   = "kick"
	Grant  = "grant"
	Pass   = "pass"
	Ask    = "ask" // of a viewer, for more rights

	Windows = "windows"
	Share   = "share"
	Unshare = "unshare"

	Pause  = "pause"
	Resume = "resume"
	Renew  = "renew"
	Code   = "code"
	Stop   = "stop"
)

// Verbs lists what a role may be told, in the order of the help text.
var Verbs = []string{Status, Admit, Refuse, Kick, Grant, Pass, Ask, Windows, Share, Unshare, Pause, Resume, Renew, Code, Stop}

// Request is one question or command.
type Request struct {
	Verb   string   `json:"verb"`
	Seat   int      `json:"seat,omitempty"`   // of a viewer; 0: the only one there is
	Window string   `json:"window,omitempty"` // share, unshare: its ID, class or a part of its title
	Grants []string `json:"grants,omitempty"` // admit: at most these; grant: these from now on; ask: for these
}

// Response answers a Request. Code is the exit code of the command that asked.
type Response struct {
	OK     bool    `json:"ok"`
	Error  string  `json:"error,omitempty"`
	Hint   string  `json:"hint,omitempty"`
	Code   int     `json:"code,omitempty"`
	Status *Report `json:"status,omitempty"`

	Windows []WindowReport `json:"windows,omitempty"` // of windows, share and unshare
}

// ErrRequest is a request that breaks the rules of this package.
var ErrRequest = errors.New("bad request")

// ParseRequest reads one line. Errors: ErrRequest, with what is wrong.
func ParseRequest(line []byte) (Request, error) {
	var r Request
	if len(line) > maxRequest {
		return r, fmt.Errorf("%w: more than %d bytes", ErrRequest, maxRequest)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	// A word that is not understood may be the one that mattered.
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Request{}, fmt.Errorf("%w: more than one JSON value", ErrRequest)
	}
	if err := r.check(); err != nil {
		return Request{}, err
	}
	return r, nil
}

// check holds for requests that are sent and for those that come in.
func (r Request) check() error {
	switch {
	case !slices.Contains(Verbs, r.Verb):
		return fmt.Errorf("%w: no such verb; verbs are %s", ErrRequest, strings.Join(Verbs, ", "))
	case r.Seat < 0 || r.Seat > maxSeat:
		return fmt.Errorf("%w: no such seat", ErrRequest)
	case len(r.Window) > maxWindow:
		return fmt.Errorf("%w: more than %d bytes for a window", ErrRequest, maxWindow)
	case (r.Window != "") != (r.Verb == Share || r.Verb == Unshare):
		return fmt.Errorf("%w: share and unshare name a window, nothing else does", ErrRequest)
	case len(r.Grants) > maxGrants:
		return fmt.Errorf("%w: more than %d rights", ErrRequest, maxGrants)
	case r.Verb == Ask && len(r.Grants) == 0:
		return fmt.Errorf("%w: ask names rights", ErrRequest)
	case len(r.Grants) > 0 && r.Verb != Admit && r.Verb != Grant && r.Verb != Ask:
		return fmt.Errorf("%w: %s takes no rights", ErrRequest, r.Verb)
	}
	_, err := r.rights()
	return err
}

// rights reads the words of Grants; "control" is pointer and keyboard.
func (r Request) rights() (peer.Grant, error) {
	var g peer.Grant
	for _, word := range r.Grants {
		bits, ok := vocabulary[word]
		if !ok {
			if len(word) > maxWord {
				word = word[:maxWord]
			}
			return 0, fmt.Errorf("%w: there is no right called %q", ErrRequest, word)
		}
		g |= bits
	}
	return g, nil
}

// vocabulary has every right that package peer has a word for, and "control".
var vocabulary = func() map[string]peer.Grant {
	words := map[string]peer.Grant{}
	for bit := peer.Grant(1); bit != 0; bit <<= 1 {
		if list := bit.Words(); len(list) == 1 {
			words[list[0]] = bit
		}
	}
	words["control"] = words["pointer"] | words["keyboard"]
	return words
}()

// parseResponse reads what a running role answered. It may be another version,
// so words that are not known are skipped.
func parseResponse(line []byte) (Response, error) {
	var r Response
	if err := json.Unmarshal(line, &r); err != nil {
		return Response{}, fmt.Errorf("the answer is no JSON: %w", err)
	}
	return r, nil
}

// failure puts an error into a response.
func failure(err error) Response {
	code := exitCode(peer.ClassOf(err))
	if errors.Is(err, ErrRequest) {
		code = exitCode(peer.ClassUsage)
	}
	r := Response{Error: err.Error(), Code: code}
	var known interface{ Hint() string }
	if errors.As(err, &known) {
		r.Hint = known.Hint()
	}
	return r
}

// Exit codes and classes are the same numbers but for the last one.
func exitCode(c peer.Class) int {
	if c == peer.ClassInterrupted {
		return 130
	}
	return int(c)
}

func classOfCode(code int) peer.Class {
	switch {
	case code == 130:
		return peer.ClassInterrupted
	case code > 0 && code < int(peer.ClassInterrupted):
		return peer.Class(code)
	}
	return peer.ClassFault
}

// advice is an error with a hint, for the one who prints it.
type advice struct {
	text, hint string
}

func (a *advice) Error() string { return a.text }
func (a *advice) Hint() string  { return a.hint }

// fail makes an error of a class, with a hint.
func fail(c peer.Class, hint, format string, args ...any) error {
	return &peer.Error{Class: c, Err: &advice{fmt.Sprintf(format, args...), hint}}
}
