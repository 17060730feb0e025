package peer

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/screen"
)

// Class is the kind of an error as far as a person can act on it. One table in
// tui turns it into a sentence, a hint and an exit code.
type Class int

// The classes, in the order of UX.md's exit codes.
const (
	ClassOK          Class = iota
	ClassFault             // 1
	ClassUsage             // 2
	ClassRefused           // 3 refused by the other side
	ClassTimedOut          // 4
	ClassNoDisplay         // 5
	ClassNoRoute           // 6
	ClassAuth              // 7 wrong code
	ClassLocked            // 8 back-off; Wait in the error
	ClassNoSession         // 9 no such number, expired, used or burnt
	ClassKicked            // 10
	ClassRelay             // 11 the relay refused
	ClassVersion           // 12
	ClassResumable         // 13
	ClassPermission        // 14
	ClassInterrupted       // 130
)

// Error is an error with a class. Its text is a sentence without the cause's
// class words; Unwrap gives the cause.
type Error struct {
	Class Class
	Msg   string // "the host refused"; empty: the cause's own text
	Err   error  // cause, may be nil
	Fix   string // what a person can do about it, if there is better advice than the class has
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Msg
	case e.Msg == "":
		return e.Err.Error()
	}
	return e.Msg + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint is Fix, or what the cause advises; empty: the class' own advice holds.
func (e *Error) Hint() string {
	var cause interface{ Hint() string }
	if e.Fix == "" && errors.As(e.Err, &cause) {
		return cause.Hint()
	}
	return e.Fix
}

// ClassOf finds the class of an error of this package or of what it uses.
func ClassOf(err error) Class {
	if err == nil {
		return ClassOK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return classOfCause(err)
}

// Sentinels of a session's end, for errors.Is.
var (
	ErrRefused  = &Error{Class: ClassRefused, Msg: "the host refused"}
	ErrKicked   = &Error{Class: ClassKicked, Msg: "the host ended your session"}
	ErrExpired  = &Error{Class: ClassNoSession, Msg: "the code expired unused"}
	ErrHostGone = &Error{Class: ClassTimedOut, Msg: "the host is gone"}
	ErrNoAnswer = &Error{Class: ClassTimedOut, Msg: "nobody answered at the host within 60 seconds"}
	ErrNobody   = &Error{Class: ClassUsage, Msg: "nobody can be asked here to let a viewer in"}
)

// classOfCause knows the errors of the packages that a session is made of.
func classOfCause(err error) Class {
	var wait *secure.WaitError
	switch {
	case errors.As(err, &wait), errors.Is(err, secure.ErrBusy):
		return ClassLocked
	case errors.Is(err, invite.ErrMalformed):
		return ClassUsage
	case errors.Is(err, secure.ErrWrongCode), errors.Is(err, secure.ErrTampered), errors.Is(err, secure.ErrWrongPeer):
		return ClassAuth
	case errors.Is(err, secure.ErrClosed), errors.Is(err, secure.ErrModeOff), errors.Is(err, link.ErrGone):
		return ClassNoSession
	case errors.Is(err, secure.ErrVersion):
		return ClassVersion
	case errors.Is(err, link.ErrRefusedByRelay):
		return ClassRelay
	case errors.Is(err, link.ErrNoPath):
		return ClassNoRoute
	case errors.Is(err, screen.ErrNoDisplay), errors.Is(err, screen.ErrDisplayLost):
		return ClassNoDisplay
	case errors.Is(err, fs.ErrPermission):
		return ClassPermission
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ClassTimedOut
	case errors.Is(err, context.Canceled): // last: a dial that lost a race is canceled too
		return ClassInterrupted
	}
	return ClassFault
}
