package config

import (
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"
)

// Roles is what main can do; the command tree decides which of it is asked for.
// A function's error is returned by Execute as it is.
type Roles struct {
	Start         func(context.Context, StartRun) error // `sightline` alone, on a terminal
	Host          func(context.Context, HostRun) error
	View          func(context.Context, ViewRun) error
	Relay         func(context.Context, RelayRun) error
	Demo          func(context.Context, DemoRun) error
	Ctl           func(context.Context, CtlRun) error
	DoctorNetwork func(context.Context, DoctorRun) error
	DoctorDisplay func(context.Context, DoctorRun) error
	// DoctorFirewall prints every destination that the settings allow.
	DoctorFirewall func(context.Context, DoctorRun) error

	Version func() VersionInfo
	Explain func() []ExitRow // the table of exit codes, for help

	// CheckRelay tells whether a string printed by `sightline relay` is whole.
	// Its error is a sentence and holds no token.
	CheckRelay func(string) error

	// ReadPrivate and WritePrivate read a small file that only its owner may
	// read, and write one with mode 0600, all or nothing (config/keyring).
	ReadPrivate  func(path string, limit int64) ([]byte, error)
	WritePrivate func(path string, data []byte) error

	World World
}

// World is what the tree sees of the machine. Zero fields mean the real one.
type World struct {
	LookupEnv func(string) (string, bool)
	Unsetenv  func(string) error
	Terminal  func(readerOrWriter any) bool
	Hostname  func() (string, error)
}

func (w World) orReal() World {
	if w.LookupEnv == nil {
		w.LookupEnv = os.LookupEnv
	}
	if w.Unsetenv == nil {
		w.Unsetenv = os.Unsetenv
	}
	if w.Terminal == nil {
		w.Terminal = isTerminal
	}
	if w.Hostname == nil {
		w.Hostname = os.Hostname
	}
	return w
}

func isTerminal(rw any) bool {
	f, ok := rw.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Common is what every command gets.
type Common struct {
	Settings Settings // merged and checked; zero for ctl, which needs none
	Origins  Origins
	Dirs     Dirs

	In  io.Reader
	Out io.Writer // data: codes, JSON, pictures
	Err io.Writer // words

	JSON bool // one object a line on Out
	// Terminal: somebody sits there: In and Err are terminals, so a question
	// can be put and answered.
	Terminal bool
	// FullScreen: a full-screen interface is possible and wanted: In and Out
	// are terminals, TERM is not dumb, and neither --json nor --plain is given.
	FullScreen bool
}

// StartRun opens the start page. It is called only if FullScreen is true.
type StartRun struct{ Common }

// HostRun shares this machine's screen. What --relay-only, --lan-only and
// --no-direct mean for Settings.Relays and Settings.Network is settled there.
type HostRun struct {
	Common
	Accept    bool        // let viewers in without a question
	AcceptCmd string      // a command that decides; "" for none
	Once      bool        // one session, then end with its exit code
	Windows   []string    // single windows: parts of titles, classes, or IDs as 0x…; nil: what Settings.Host.Source says
	Pick      bool        // single windows, those of Windows and more from a list
	Raise     bool        // a click on a covered window may bring it forward
	App       string      // a command to run and share on a display of its own; "": none
	Virtual   image.Point // size of that display, px; with no App it gets a desktop session; zero: none is wanted, or with App the usual size
}

// ViewRun shows a host's screen. ReadCode gives the code.
type ViewRun struct {
	Common
	Direct     string // HOST:PORT of a host on a known address; "" for none
	Fullscreen bool
	Ask        []string // rights to ask for, in the form of Rights

	code     string // of the arguments, joined; "-" for In; may be the number alone
	codeFile string
	env      string // of SIGHTLINE_CODE, which is gone from the environment by now
	read     func(path string, limit int64) ([]byte, error)
}

// RelayRun runs a relay as Settings.Relay says.
type RelayRun struct{ Common }

// DemoRun runs relay, host and viewer in this process.
type DemoRun struct {
	Common
	Source string        // as Settings.Host.Source, but "pattern" by default
	For    time.Duration // then measure and end; 0: until it is ended
}

// CtlRun talks to a running role of the same user.
type CtlRun struct {
	Common
	Verb   string   // as `sightline ctl --help` lists them
	ID     string   // which one, where several run
	Who    string   // seat number or viewer's name; "" where the verb needs none
	Window string   // for share and unshare
	Allow  []string // for admit (nil: as the host says) and grant, in the form of Rights
}

// Seat is Who as a seat's number; ok is false for a viewer's name.
func (c CtlRun) Seat() (seat int, ok bool) {
	seat, err := strconv.Atoi(c.Who)
	return seat, err == nil && seat > 0
}

// DoctorRun looks at this machine.
type DoctorRun struct {
	Common
	NFT bool // firewall: as an nftables rule set
}

// VersionInfo is what `version` prints.
type VersionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Protocol int    `json:"protocol"` // of the session
}

// String is the line that `version` prints.
func (v VersionInfo) String() string {
	commit := ""
	if v.Commit != "" {
		commit = " commit " + v.Commit
	}
	return fmt.Sprintf("sightline %s%s, session protocol %d, %s %s/%s", v.Version, commit, v.Protocol, v.Go, v.OS, v.Arch)
}

// ExitRow is one exit code and its meaning.
type ExitRow struct {
	Code    int
	Meaning string
}
