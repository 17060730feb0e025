// Sightline shares a screen with somebody who was told a code. One binary is
// host, viewer or relay; this file puts the parts together, turns signals into
// the end of a context, and errors into words and exit codes.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/gologshim"

	"sightline/config"
	"sightline/config/keyring"
	"sightline/config/slack"
	"sightline/peer"
	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/link/proxy"
	"sightline/peer/netcheck"
	"sightline/peer/wire"
	"sightline/relay"
	"sightline/relay/acme"
	"sightline/relay/rendezvous"
	"sightline/screen"
	"sightline/screen/desktop"
	"sightline/screen/keysym"
	"sightline/screen/pattern"
	"sightline/screen/x11"
	"sightline/tui"
	"sightline/tui/ctl"
	"sightline/tui/hush"
)

// version of the program; the session protocol counts for itself.
const version = "0.1.0"

// guardianWord starts this binary as the guardian of an injector: a child that
// lifts keys when its host dies. It is no command for people.
const guardianWord = "guardian-of-keys"

func main() {
	hush.Over()
	if len(os.Args) > 1 && os.Args[1] == guardianWord {
		os.Exit(guard())
	}
	if len(os.Args) == 1 || slices.ContainsFunc(config.Words(os.Args[1:]), lasts) {
		slack.Widen() // before anything is read: a code in the environment is forgotten once it was
	}
	gologshim.SetDefaultHandler(slog.DiscardHandler) // libp2p would write over our pages
	ctx, stop := untilSignal()
	err := command().ExecuteContext(ctx)
	stop()
	if err == nil || errors.Is(err, errTerminated) {
		return
	}
	os.Exit(tui.PrintError(os.Stderr, classed(err)))
}

// lasts tells the roles that run for long from what only asks.
func lasts(word string) bool {
	return slices.Contains([]string{"host", "view", "relay", "demo"}, word)
}

// classed gives the errors of package config, which knows nothing of package
// peer, their class.
func classed(err error) error {
	var usage *config.UsageError
	var mode *keyring.ModeError
	switch {
	case errors.As(err, &mode):
		return &peer.Error{Class: peer.ClassPermission, Err: err, Fix: mode.Hint()}
	case errors.As(err, &usage):
		return &peer.Error{Class: peer.ClassUsage, Err: err, Fix: usage.Hint()}
	}
	return err
}

var (
	errInterrupted = &peer.Error{Class: peer.ClassInterrupted, Msg: "interrupted"}
	errTerminated  = errors.New("told to stop") // SIGTERM, SIGHUP: a good end
)

// untilSignal gives a context that ends with the first signal and tells which
// it was. A second one ends the process at once.
func untilSignal() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s := <-c
		signal.Stop(c)
		if s == os.Interrupt {
			cancel(errInterrupted)
			return
		}
		cancel(errTerminated)
	}()
	return ctx, func() { cancel(nil) }
}

func guard() int {
	// A signal to the terminal's group must not end the guardian before its host.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := x11.RunGuardian(os.Stdin, os.Getenv("DISPLAY"), os.Getenv("XAUTHORITY")); err != nil {
		return 1
	}
	return 0
}

// guardian is the command line of guard.
func guardian() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, guardianWord}
}

func command() interface {
	ExecuteContext(context.Context) error
} {
	cmd := config.Command(config.Roles{
		Start: start, Host: host, View: view, Relay: runRelay, Demo: demo, Ctl: control,
		DoctorNetwork: doctorNetwork, DoctorDisplay: doctorDisplay, DoctorFirewall: doctorFirewall,
		Version: versionInfo, Explain: exitRows,
		CheckRelay:  func(s string) error { _, err := rendezvous.ParseJoin(s); return err },
		ReadPrivate: keyring.ReadFile, WritePrivate: keyring.WriteFile,
	})
	cmd.SetArgs(config.Words(os.Args[1:]))
	return cmd
}

func versionInfo() config.VersionInfo {
	v := config.VersionInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Protocol: 1}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}

func exitRows() []config.ExitRow {
	var rows []config.ExitRow
	for _, r := range tui.ExitTable() {
		rows = append(rows, config.ExitRow{Code: r.Code, Meaning: r.Meaning})
	}
	return rows
}

// ---- what host and viewer share ----

// reach is a node on the network and the relays it knows.
type reach struct {
	key    crypto.PrivKey
	node   *link.Node
	relays *rendezvous.Client // nil: none are set
	joins  []rendezvous.Join
	lan    bool
	log    *slog.Logger
}

// newReach starts a node with a fresh identity: a one-off role is nobody whom
// somebody could know from yesterday.
func newReach(c config.Common, changed func(rendezvous.RelayStatus)) (*reach, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	log := logger()
	r := &reach{key: key, lan: c.Settings.Network.LAN && c.Settings.Network.Listen != "none", log: log}
	if r.joins, err = joins(c.Settings.Relays); err != nil {
		return nil, err
	}
	o, err := linkOptions(c.Settings.Network, r.joins)
	if err != nil {
		return nil, err
	}
	o.Key, o.Log = key, log
	if r.node, err = link.New(o); err != nil {
		return nil, err
	}
	if len(r.joins) > 0 {
		r.relays, err = rendezvous.NewClient(rendezvous.Options{
			Host: servers{r.node.Host(), r.node}, Relays: r.joins, Admitted: r.reserve, Changed: changed,
			Timeout: ladderTime, Log: log,
		})
	}
	return r, err
}

// ladderTime is how long one relay may take: the last rung is tried after 5 s, and
// each gives up after 7 s and says why.
const ladderTime = 13 * time.Second

func joins(list []string) ([]rendezvous.Join, error) {
	var all []rendezvous.Join
	for _, s := range list {
		j, err := rendezvous.ParseJoin(s)
		if err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	return all, nil
}

// linkOptions are those that come from the settings.
func linkOptions(s config.Network, relays []rendezvous.Join) (link.Options, error) {
	o := link.Options{
		Listen: s.Listen, NoDirect: !s.Direct, RelayOnly: s.RelayOnly, LANOnly: s.LANOnly, Quiet: s.Quiet, MapPorts: s.MapPorts,
		TLSInspection: s.TLSInspection,
		Proxy:         proxy.Options{Setting: s.Proxy}, Pins: make(map[p2p.ID][32]byte),
	}
	o.Ports.First, o.Ports.Last = s.PortRange()
	for _, j := range relays {
		if len(j.Pin) == 32 {
			o.Pins[j.ID] = [32]byte(j.Pin)
		}
	}
	if s.ProxyPasswordFile != "" {
		text, err := keyring.ReadFile(s.ProxyPasswordFile, 1024)
		if err != nil {
			return o, fmt.Errorf("read the proxy's password: %w", err)
		}
		o.Proxy.Password, _, _ = strings.Cut(strings.TrimSuffix(string(text), "\n"), "\r")
	}
	return o, nil
}

// servers lets the node itself connect to the relays: it reaches them with
// --relay-only, and believes how they see us, which hole punching lives on, of
// servers alone that it was told of before the first connection.
type servers struct {
	p2phost.Host
	node *link.Node
}

func (s servers) Connect(ctx context.Context, relay p2p.AddrInfo) error {
	return s.node.Connect(ctx, relay)
}

// reserve takes a place at a relay. ctx limits the question; the place itself is
// kept as long as the node lives, or until the next reserve there.
func (r *reach) reserve(ctx context.Context, relay p2p.AddrInfo) error {
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	err := r.node.Reserve(life, relay)
	if err != nil || !stop() {
		end()
	}
	return err
}

func (r *reach) Close() {
	if r.relays != nil {
		r.relays.Close()
	}
	r.node.Close()
}

// logger writes what happens inside to stderr if SIGHTLINE_DEBUG is set. It
// holds addresses, and never codes, keys or input.
func logger() *slog.Logger {
	if os.Getenv("SIGHTLINE_DEBUG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// relayError gives the directory's errors their class.
func relayError(err error) error {
	var limit *rendezvous.LimitError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rendezvous.ErrRefused), errors.As(err, &limit):
		return &peer.Error{Class: peer.ClassRelay, Err: err}
	case errors.Is(err, rendezvous.ErrUnknown):
		return &peer.Error{Class: peer.ClassNoSession, Err: err}
	case peer.ClassOf(err) == peer.ClassFault, peer.ClassOf(err) == peer.ClassTimedOut:
		// A relay that is silent is no way; whether its port refuses or swallows
		// what comes makes no difference to a script.
		return &peer.Error{Class: peer.ClassNoRoute, Err: err}
	}
	return err
}

// sink is where the events of a role go: lines, or a page's channel.
type sink struct {
	mu     sync.Mutex
	print  *tui.Printer       // nil: a page is up
	page   chan peer.Event    // nil: lines
	words  bool               // the lines are for people
	listen []func(peer.Event) // others who want to know
	ended  bool
}

func newSink(c config.Common, role string, line func(string) string) *sink {
	s := &sink{words: !c.FullScreen && !c.JSON}
	if c.FullScreen {
		s.page = make(chan peer.Event, 512)
	} else {
		s.print = tui.NewPrinter(tui.PrinterOptions{JSON: c.JSON, Out: c.Out, Err: c.Err, Role: role, CommandFor: line})
	}
	return s
}

// tell never blocks: a page that is stuck loses statistics first.
func (s *sink) tell(e peer.Event) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	listen := s.listen
	if s.page != nil {
		if _, stats := e.(peer.Stats); len(s.page) < cap(s.page)/2 || (!stats && len(s.page) < cap(s.page)) {
			s.page <- e
		}
	}
	if s.print != nil {
		s.print.Event(e)
	}
	s.mu.Unlock()
	for _, f := range listen {
		f(e)
	}
}

// end tells how the role ended and closes the page.
func (s *sink) end(err error) {
	reason := "done"
	if err != nil {
		reason = tui.Explain(err).Sentence
	}
	if err == nil || !s.words {
		s.tell(peer.Ended{Reason: reason, Err: err}) // in words main says it, with a hint
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.page != nil {
		close(s.page)
	}
}

// goodEnd is nil for an end that somebody asked for.
func goodEnd(err error) error {
	if errors.Is(err, errTerminated) {
		return nil
	}
	return err
}

// ---- host ----

func host(ctx context.Context, run config.HostRun) error {
	if !run.Accept && run.AcceptCmd == "" && !run.Terminal && !run.FullScreen {
		return peer.ErrNobody
	}
	shared, err := openHost(run)
	if errors.Is(err, screen.ErrNoDisplay) && run.FullScreen && onAnyScreen(run) {
		shared, err = offerInstead(ctx, run, err)
		if shared == nil && err == nil {
			return nil
		}
	}
	var none *desktop.NoWindow
	if errors.As(err, &none) {
		return &peer.Error{Class: peer.ClassUsage, Err: err, Fix: none.Hint}
	}
	if err != nil {
		return err
	}
	defer shared.Close()
	return serveHost(ctx, run, shared)
}

// onAnyScreen tells that nothing else was asked for than the screen that there is.
func onAnyScreen(run config.HostRun) bool {
	s := run.Settings.Host.Source
	return (s == "" || s == desktop.SourceAuto) && !run.Pick && len(run.Windows) == 0 && run.App == "" && run.Virtual == (image.Point{})
}

// offerInstead asks the person at a machine without a display what to share; nil: nothing.
func offerInstead(ctx context.Context, run config.HostRun, why error) (*desktop.Shared, error) {
	o, err := tui.RunOffer(ctx, tui.StartOptions{In: run.In, Out: run.Out}, tui.Explain(why).Sentence)
	if err != nil || o == (tui.Offer{}) {
		return nil, err
	}
	run.App = o.App
	if o.Desktop {
		run.Virtual = image.Pt(1920, 1080)
	}
	if o.Pattern {
		run.Settings.Host.Source = desktop.SourcePattern
	}
	return openHost(run)
}

func openHost(run config.HostRun) (*desktop.Shared, error) {
	return desktop.OpenHost(desktop.Options{
		Source: run.Settings.Host.Source, Windows: run.Windows, Pick: run.Pick, Raise: run.Raise, App: run.App, Virtual: run.Virtual, Follow: run.Settings.Host.FollowSize,
		Guardian: guardian(), MaxFPS: run.Settings.Host.MaxFPS, LocalPause: run.Settings.Host.LocalPause, Log: logger(),
	})
}

func serveHost(ctx context.Context, run config.HostRun, shared *desktop.Shared) error {
	out := newSink(run.Common, tui.RoleHost, commandFor)
	lock, err := newLast(run.Settings.Host, shared, out)
	if err != nil {
		return err
	}
	h, d, err := newHost(run, shared, out)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { serveCtl(ctx, run.Common, tui.RoleHost, ctl.ForHost(careful{h}), d.log) })
	wg.Go(func() { d.answerLAN(ctx) })
	wg.Go(func() { endWith(ctx, cancel, shared, h) })
	answer(ctx, &wg, run, h, out)
	if run.FullScreen {
		wg.Go(func() {
			cancelIf(cancel, tui.RunHost(ctx, tui.HostOptions{
				In: run.In, Out: run.Out, Events: out.page, Controls: h,
				CommandFor: commandFor, Fingerprint: peer.Fingerprint(d.node.ID()), Pick: run.Pick,
			}))
			h.Stop()
		})
	}
	err = goodEnd(h.Run(ctx))
	lock.Wait()
	out.end(err)
	return err
}

// newLast locks the screen whenever the last viewer has left, if that is wanted.
// What it returns is to be waited for before the host ends.
func newLast(s config.Host, shared *desktop.Shared, out *sink) (*sync.WaitGroup, error) {
	var locking sync.WaitGroup
	if !s.LockOnEnd || shared.Ended != nil { // a display of its own ends instead
		return &locking, nil
	}
	l, err := desktop.NewLocker(s.LockCommand, shared.Env)
	if err != nil {
		return nil, &peer.Error{Class: peer.ClassUsage, Msg: "--lock-on-end cannot be kept", Err: err, Fix: "name a command as host.lock_command in the settings file"}
	}
	var mu sync.Mutex
	seated := map[peer.SeatID]bool{}
	out.listen = append(out.listen, func(e peer.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case peer.Joined:
			seated[e.Seat] = true
		case peer.Left:
			if delete(seated, e.Seat); len(seated) > 0 {
				return
			}
			locking.Go(func() {
				if err := l.Lock(context.Background()); err != nil {
					out.tell(peer.Failed{Err: err})
				}
			})
		}
	})
	return &locking, nil
}

// endWith ends the host when the program that it shares has ended.
func endWith(ctx context.Context, cancel context.CancelCauseFunc, shared *desktop.Shared, h *peer.Host) {
	select {
	case <-shared.Ended: // nil, and so never, for a whole screen
		if err := shared.Fault(); err != nil {
			cancel(&peer.Error{Class: peer.ClassUsage, Err: err, Fix: "sh must know it as it stands behind --app; try it in a terminal first"})
		}
		h.Stop()
	case <-ctx.Done():
	}
}

// newHost puts a host together: a code, a node, a directory. The caller closes
// the directory.
func newHost(run config.HostRun, shared *desktop.Shared, out *sink) (*peer.Host, *directory, error) {
	// Before anything listens: who reaches this host finds its code on show.
	first, err := peer.NewDraft()
	if err != nil {
		return nil, nil, err
	}
	allow, err := wire.ParseGrants(run.Settings.Host.Allow)
	if err != nil {
		return nil, nil, err
	}
	d := &directory{out: out}
	if d.reach, err = newReach(run.Common, d.relayChanged); err != nil {
		return nil, nil, err
	}
	h, err := peer.NewHost(peer.HostOptions{
		Key: d.key, Node: d.node, Source: shared.Source, Injector: shared.Injector, Clipboard: shared.Clipboard, Sign: shared.Sign, Resize: shared.Resize, Busy: processors(), Directory: d, Events: out.tell,
		Name: run.Settings.Name, Version: version, Sharing: shared.What, Allow: allow, Viewers: run.Settings.Host.Viewers,
		Expire: run.Settings.Host.Expire, Accept: run.Accept, Once: run.Once, All: run.Settings.Host.Control == "all", First: first, Log: d.log,
	})
	if err != nil {
		d.Close()
	}
	return h, d, err
}

// processors has the Go runtime use one processor while a host has little to do: to wake
// others costs a third of what typing costs. nil where somebody has set how many it uses.
func processors() func(busy bool) {
	if os.Getenv("GOMAXPROCS") != "" {
		return nil
	}
	return func(busy bool) {
		if busy {
			runtime.SetDefaultGOMAXPROCS()
		} else {
			runtime.GOMAXPROCS(1)
		}
	}
}

func cancelIf(cancel context.CancelCauseFunc, err error) {
	if err != nil {
		cancel(err)
	}
}

// commandFor is the line for the other computer.
func commandFor(code string) string { return "sightline view " + code }

// answer sees to it that somebody answers the question who may come in: a
// command, or the person at a terminal without a page.
func answer(ctx context.Context, wg *sync.WaitGroup, run config.HostRun, h *peer.Host, out *sink) {
	asks := make(chan peer.Asks, 16)
	out.listen = append(out.listen, func(e peer.Event) {
		if a, ok := e.(peer.Asks); ok {
			select {
			case asks <- a:
			default:
			}
		}
	})
	switch {
	case run.Accept, run.FullScreen:
		return
	case run.AcceptCmd != "":
		wg.Go(func() {
			each(ctx, asks, func(a peer.Asks) { h.Admit(a.Seat, askCommand(ctx, run.AcceptCmd, a)&h.Status().Allow) })
		})
	default:
		lines := make(chan string)
		wg.Go(func() { tui.ReadLines(ctx, run.In, lines) })
		wg.Go(func() {
			each(ctx, asks, func(a peer.Asks) {
				h.Admit(a.Seat, tui.AskLine(ctx, tui.AskOptions{Lines: lines, Out: run.Err}, a))
			})
		})
	}
}

func each[T any](ctx context.Context, c <-chan T, do func(T)) {
	for {
		select {
		case v := <-c:
			do(v)
		case <-ctx.Done():
			return
		}
	}
}

// askCommand runs --accept-cmd with the question in its environment. Exit code
// 0 lets the viewer in with what --allow says.
func askCommand(ctx context.Context, command string, a peer.Asks) peer.Grant {
	ctx, cancel := context.WithDeadline(ctx, a.Until)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "SIGHTLINE_VIEWER="+a.Viewer.Name, "SIGHTLINE_FINGERPRINT="+a.Viewer.Fingerprint,
		"SIGHTLINE_WANTS="+strings.Join(a.Wants.Words(), ","), "SIGHTLINE_SEAT="+strconv.Itoa(int(a.Seat)))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.WaitDelay = time.Second // what the shell started may outlive it
	if cmd.Run() != nil {
		return 0
	}
	return a.Wants
}

// careful is a host as ctl sees it: more rights only while no remote hand
// could have typed the command (SECURITY-DESIGN, section 7).
type careful struct{ *peer.Host }

func (c careful) Admit(id peer.SeatID, g peer.Grant) error {
	if err := c.WouldWiden(id, g); err != nil {
		return err
	}
	return c.Host.Admit(id, g)
}

func (c careful) Grant(id peer.SeatID, g peer.Grant) error {
	if err := c.WouldWiden(id, g); err != nil {
		return err
	}
	return c.Host.Grant(id, g)
}

func (c careful) ShareWindow(id screen.WindowID) error {
	if err := c.WouldShare(); err != nil {
		return err
	}
	return c.Host.ShareWindow(id)
}

func (c careful) AnotherCode() (string, error) {
	if err := c.WouldAdmit(); err != nil {
		return "", err
	}
	return c.Host.AnotherCode()
}

// directory publishes a host's number at its relays and on the LAN.
type directory struct {
	*reach
	out *sink

	mu     sync.Mutex
	number string
}

func (d *directory) Publish(ctx context.Context, proposal string) (peer.Lease, error) {
	var ways []string
	number := proposal
	if d.relays != nil {
		lease, err := d.relays.Publish(ctx, proposal)
		if err = relayError(err); err != nil && (!d.lan || ctx.Err() != nil) {
			return peer.Lease{}, err
		} else if err != nil {
			d.out.tell(peer.Failed{Err: err}) // the LAN goes on
		} else {
			number = lease.Number
			for _, j := range d.joins {
				ways = append(ways, "relay "+j.Name())
			}
		}
	}
	if d.lan {
		ways = append(ways, "LAN")
	}
	if port := d.node.Port(); port > 0 {
		ways = append(ways, fmt.Sprintf("port %d", port))
	}
	d.mu.Lock()
	d.number = number
	d.mu.Unlock()
	context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.number == number {
			d.number = ""
		}
	})
	return peer.Lease{Number: number, Route: strings.Join(ways, ", ")}, nil
}

func (d *directory) liveNumber() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.number
}

// answerLAN answers whoever asks this network for the live number.
func (d *directory) answerLAN(ctx context.Context) {
	if !d.lan {
		return
	}
	if err := d.node.AnswerLAN(ctx, d.liveNumber, d.log); err != nil && ctx.Err() == nil {
		d.out.tell(peer.Failed{Err: fmt.Errorf("this network cannot be searched for the code: %w", err)})
	}
}

func (d *directory) relayChanged(s rendezvous.RelayStatus) {
	why := ""
	if s.Err != nil {
		why = s.Err.Error()
	}
	d.out.tell(peer.Relay{Name: s.Relay.Name(), Up: s.Reachable, Why: why})
}

// ---- viewer ----

func view(ctx context.Context, run config.ViewRun) error {
	text, err := config.ReadCode(ctx, run)
	if err != nil {
		return err
	}
	code, err := invite.Parse(text)
	if err != nil {
		return err
	}
	w, kind, err := openWindow(run.Common, run.Settings.Viewer.Window)
	if err != nil {
		return err
	}
	defer w.Close()
	return serveView(ctx, run, code, w, kind)
}

// openWindow opens what the settings say. A script without a display gets a
// viewer that decodes and reports.
func openWindow(c config.Common, kind string) (screen.Window, string, error) {
	in, _ := c.In.(*os.File)
	out, _ := c.Out.(*os.File)
	w, got, err := desktop.OpenWindow(desktop.WindowOptions{Kind: kind, In: in, Out: out, Title: "sightline", Log: logger()})
	if err != nil && kind == "auto" && c.JSON {
		return screen.NewBlind(), "none", nil
	}
	return w, got, err
}

func serveView(ctx context.Context, run config.ViewRun, code invite.Code, w screen.Window, kind string) error {
	out := newSink(run.Common, tui.RoleView, nil)
	if kind == desktop.KindTerminal {
		run.FullScreen = false
		out = &sink{} // the picture has the terminal
	}
	clip := openClipboard(w)
	if clip != nil {
		defer clip.Close()
	}
	v, r, err := newView(run, code, w, clip, kind, out)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { serveCtl(ctx, run.Common, tui.RoleView, ctl.ForView(v), r.log) })
	if run.FullScreen {
		wg.Go(func() {
			cancelIf(cancel, tui.RunView(ctx, tui.ViewOptions{
				In: run.In, Out: run.Out, Events: out.page, Controls: v, Fingerprint: peer.Fingerprint(r.node.ID()),
			}))
			v.End()
		})
	}
	err = goodEnd(v.Run(ctx))
	if err == nil {
		err = displayLost(w)
	}
	out.end(err)
	w.Close() // before the last words go to the terminal that it holds
	return err
}

// openClipboard opens the one where the window is; nil: there is none. Nothing is
// read from it unless that is asked for.
func openClipboard(w screen.Window) screen.Clipboard {
	if o, ok := w.(screen.ClipboardOpener); ok {
		if c, err := o.OpenClipboard(); err == nil {
			return c
		}
	}
	return nil
}

// displayLost tells a window whose display went away from one that a person
// closed: for the session both are a good end.
func displayLost(w screen.Window) error {
	if err := w.State(screen.State{}); errors.Is(err, screen.ErrDisplayLost) {
		return err
	}
	return nil
}

// newView puts a viewer together. The caller closes the reach.
func newView(run config.ViewRun, code invite.Code, w screen.Window, clip screen.Clipboard, kind string, out *sink) (*peer.View, *reach, error) {
	wants, err := wire.ParseGrants(run.Ask)
	if err != nil {
		return nil, nil, err
	}
	r, err := newReach(run.Common, nil)
	if err != nil {
		return nil, nil, err
	}
	v, err := peer.NewView(peer.ViewOptions{
		Clipboard: clip,
		Key:       r.key, Dialer: &dialer{reach: r, direct: run.Direct, number: code.Number}, Code: code, Window: w, Kind: kind,
		Events: out.tell, Name: run.Settings.Name, Version: version, Wants: wants, State: windowState(run), Log: r.log,
	})
	if err != nil {
		r.Close()
	}
	return v, r, err
}

func windowState(run config.ViewRun) screen.State {
	s := screen.State{FullScreen: run.Fullscreen}
	if run.Settings.Viewer.Scale == "1:1" {
		s.Scale = screen.OneToOne
	}
	switch run.Settings.Viewer.GrabKeys {
	case "never":
		s.Grab = screen.GrabNever
	case "always":
		s.Grab = screen.GrabAlways
	}
	return s
}

// dialer finds the host of a number: a typed address, the relays, the LAN.
type dialer struct {
	*reach
	direct string
	number string

	mu    sync.Mutex
	found p2p.AddrInfo
}

func (d *dialer) Dial(ctx context.Context) (link.Conn, error) {
	if d.direct != "" {
		return d.node.DialAddr(ctx, d.direct)
	}
	info, err := d.lookup(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.found = info
	d.mu.Unlock()
	return d.node.Dial(ctx, info)
}

func (d *dialer) Redial(ctx context.Context, host p2p.ID) (link.Conn, error) {
	if d.direct != "" {
		c, err := d.node.DialAddr(ctx, d.direct)
		if err == nil && c.Remote() != host {
			c.Close()
			return nil, fmt.Errorf("another host answers at %s", d.direct)
		}
		return c, err
	}
	d.mu.Lock()
	info := d.found
	d.mu.Unlock()
	return d.node.Dial(ctx, info)
}

// lookup asks the relays and the LAN at once; the first that knows the number
// wins. Only the number is asked for. Nothing is tried on two hosts.
func (d *dialer) lookup(ctx context.Context) (p2p.AddrInfo, error) {
	type answer struct {
		found []p2p.AddrInfo
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := 0
	answers := make(chan answer, 2)
	ask := func(f func(context.Context, string) ([]p2p.AddrInfo, error)) {
		asked++
		go func() {
			found, err := f(ctx, d.number)
			answers <- answer{found, err}
		}()
	}
	if d.relays != nil {
		ask(d.relays.Lookup)
	}
	if d.lan {
		ask(d.node.LookupLAN)
	}
	if asked == 0 {
		return p2p.AddrInfo{}, &peer.Error{Class: peer.ClassUsage, Msg: "there is no way to look for that code: no relay is set and the LAN is switched off",
			Fix: "`sightline config relay add STRING` keeps a relay; --direct HOST:PORT needs none"}
	}
	var failed error
	for range asked {
		a := <-answers
		switch {
		case len(a.found) == 1:
			return a.found[0], nil
		case len(a.found) > 1:
			return p2p.AddrInfo{}, severalHosts(a.found)
		case a.err != nil && failed == nil, errors.Is(a.err, rendezvous.ErrUnknown):
			failed = a.err
		}
	}
	if failed == nil || errors.Is(failed, rendezvous.ErrUnknown) {
		return p2p.AddrInfo{}, &peer.Error{Class: peer.ClassNoSession, Msg: "nobody shares a screen under the number " + d.number}
	}
	return p2p.AddrInfo{}, relayError(failed)
}

// severalHosts is an error because one typed code is never tried on two hosts.
func severalHosts(found []p2p.AddrInfo) error {
	var names []string
	for _, f := range found {
		names = append(names, f.ID.String())
	}
	return &peer.Error{Class: peer.ClassAuth, Msg: "several hosts claim that number (" + strings.Join(names, ", ") +
		"); ask for a new code, or name the relay with --relay"}
}

// ---- relay ----

func runRelay(ctx context.Context, run config.RelayRun) error {
	key, err := keyring.LoadOrCreate(run.Dirs.RelayKey())
	if err != nil {
		return err
	}
	id, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return err
	}
	token, err := keyring.LoadOrCreateSecret(run.Dirs.RelayToken(), 32)
	if err != nil {
		return err
	}
	lease, err := keyring.LoadOrCreateSecret(run.Dirs.RelayLease(), 32)
	if err != nil {
		return err
	}
	print := tui.NewPrinter(tui.PrinterOptions{JSON: run.JSON, Out: run.Out, Err: run.Err, Role: tui.RoleRelay})
	changed := make(chan struct{}, 1)
	s := run.Settings.Relay
	certs, err := relayCerts(run, print)
	if err != nil {
		return err
	}
	o := relay.Options{
		Key: id, LeaseKey: [32]byte(lease), Token: token, Open: s.Open, Listen: s.Listen, Announce: s.Announce,
		Trusted: prefixes(s.Trusted), ForwardedFrom: prefixes(s.ForwardedFrom), TLSCert: s.TLSCert, TLSKey: s.TLSKey,
		Limits: relayLimits(s.Limits), Volume: volumeFile(run.Dirs.RelayVolume()), Log: logger(),
		Events: func(relay.Event) {
			select {
			case changed <- struct{}{}:
			default:
			}
		},
	}
	if certs != nil {
		o.Certificate, o.Challenge = certs.Certificate, certs.Challenge
	}
	srv, err := relay.New(o)
	if errors.Is(err, relay.ErrVolume) {
		return &peer.Error{Class: peer.ClassFault, Err: err, Fix: "look into " + run.Dirs.RelayVolume() + "; without that file the month begins at zero"}
	}
	if err != nil {
		return err
	}
	return serveRelay(ctx, run, srv, print, changed, certs)
}

// relayCerts gets certificates by ACME, if that is wanted; else it is nil.
func relayCerts(run config.RelayRun, print *tui.Printer) (*acme.Manager, error) {
	s := run.Settings.Relay
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return nil, &peer.Error{Class: peer.ClassUsage, Msg: "relay.tls_cert and relay.tls_key belong together, and one is missing"}
	case s.TLSCert != "" && len(s.ACME) > 0:
		return nil, &peer.Error{Class: peer.ClassUsage, Msg: "relay.acme and relay.tls_cert exclude each other"}
	case len(s.ACME) == 0:
		return nil, nil
	}
	return acme.New(acme.Options{
		Names: s.ACME, Email: s.ACMEEmail, Directory: s.ACMEDirectory, Dir: run.Dirs.RelayACME(), Log: logger(),
		Failed: func(err error) {
			print.Event(peer.Failed{Err: &peer.Error{Class: peer.ClassNoRoute, Err: err, Fix: "the authority must reach port 443 or 80 of this machine under that name"}})
		},
	})
}

// volumeFile is where a relay keeps its count of the month's bytes.
type volumeFile string

func (f volumeFile) Read() ([]byte, error) {
	b, err := keyring.ReadFile(string(f), 4096)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (f volumeFile) Write(b []byte) error { return keyring.WriteFile(string(f), b) }

func serveRelay(ctx context.Context, run config.RelayRun, srv *relay.Server, print *tui.Printer, changed <-chan struct{}, certs *acme.Manager) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	status := func() *ctl.Report {
		st := srv.Stats()
		return &ctl.Report{Role: tui.RoleRelay, Relay: &ctl.RelayReport{
			Join: srv.Join().String(), Listen: srv.Listening(), Registrations: st.Registrations,
			Circuits: st.Circuits, Bytes: uint64(st.Bytes), Refused: uint64(st.Refused + st.Limited + st.CircuitsRefused),
			Cut: uint64(st.CircuitsCut), Month: uint64(st.Month), MonthLimit: uint64(max(st.MonthLimit, 0)), Peers: relayPeers(st),
		}}
	}
	wg.Go(func() {
		serveCtl(ctx, run.Common, tui.RoleRelay, ctl.ForStatus(tui.RoleRelay, status, func() { cancel(errTerminated) }), logger())
	})
	print.Ready(tui.Ready{Join: srv.Join().String(), Listen: srv.Listening()})
	wg.Go(func() { tellLoad(ctx, srv, print, changed) })
	if certs != nil {
		wg.Go(func() { cancelIf(cancel, certs.Run(ctx)) })
	}
	err := goodEnd(srv.Run(ctx))
	print.Event(peer.Ended{Reason: "done", Err: err})
	return err
}

func relayPeers(st relay.Stats) []ctl.RelayPeer {
	peers := []ctl.RelayPeer{}
	for _, p := range st.Peers {
		peers = append(peers, ctl.RelayPeer{Peer: p.Number, Role: p.Role, Circuits: p.Circuits, Bytes: uint64(p.Bytes), Since: p.Since})
	}
	return peers
}

// tellLoad prints a line after something changed, at most one every 5 s.
func tellLoad(ctx context.Context, srv *relay.Server, print *tui.Printer, changed <-chan struct{}) {
	var bytes int64
	at := time.Now()
	last := make(map[int]int64) // bytes by peer
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		s := srv.Stats()
		span := max(time.Since(at).Seconds(), 0.001)
		load := tui.Load{
			Registrations: s.Registrations, Circuits: s.Circuits, Bytes: uint64(s.Bytes), Refused: uint64(s.Refused + s.Limited + s.CircuitsRefused),
			BytesPerSec: float64(s.Bytes-bytes) / span, Up: time.Since(s.Since),
			Cut: uint64(s.CircuitsCut), Month: uint64(s.Month), MonthLimit: uint64(max(s.MonthLimit, 0)),
		}
		now := make(map[int]int64)
		for _, p := range s.Peers {
			now[p.Number] = p.Bytes
			load.Peers = append(load.Peers, tui.PeerLoad{Peer: p.Number, Role: p.Role, Circuits: p.Circuits, Bytes: uint64(p.Bytes),
				BytesPerSec: float64(p.Bytes-last[p.Number]) / span, Age: int64(time.Since(p.Since).Seconds())})
		}
		last = now
		print.Load(load)
		bytes, at = s.Bytes, time.Now()
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func prefixes(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil { // config has checked them
			out = append(out, p)
		}
	}
	return out
}

func relayLimits(l config.Limits) relay.Limits {
	return relay.Limits{
		Directory: rendezvous.Limits{
			Live: l.Registrations, LivePerSource: l.RegistrationsPerAddress, NewPerHour: l.NumbersPerHour,
			LookupsPerMin: l.LookupsPerMinute, LookupsPerHour: l.LookupsPerHour, WrongPerHour: l.WrongLookupsPerHour,
			CallsPerHour: l.LookupsPerNumber,
		},
		Circuits: l.Circuits, CircuitsPerViewer: l.CircuitsPerViewer, CircuitsPerHost: l.CircuitsPerHost,
		ReservationsPerIP: l.RegistrationsPerAddress,
		CircuitRate:       l.MbitPerCircuit * relay.Mbit, PeerRate: l.MbitPerPeer * relay.Mbit, Rate: l.Mbit * relay.Mbit,
		Idle: l.Idle, Age: l.Age, Volume: int64(l.GBPerMonth) * 1_000_000_000,
	}
}

// ---- start page, ctl, doctor ----

func start(ctx context.Context, run config.StartRun) error {
	choice, err := tui.RunStart(ctx, tui.StartOptions{In: run.In, Out: run.Out})
	if err != nil {
		return err
	}
	switch choice.Role {
	case tui.RoleHost:
		return host(ctx, config.HostRun{Common: run.Common})
	case tui.RoleView:
		code, err := invite.Parse(choice.Code)
		if err != nil {
			return err
		}
		w, kind, err := openWindow(run.Common, run.Settings.Viewer.Window)
		if err != nil {
			return err
		}
		defer w.Close()
		return serveView(ctx, config.ViewRun{Common: run.Common, Ask: []string{"view", "control"}}, code, w, kind)
	case tui.RoleRelay:
		run.FullScreen = false
		return runRelay(ctx, config.RelayRun(run))
	}
	return nil
}

// serveCtl lets another terminal of this user ask and command this role. A
// role goes on without it: the socket's folder may be read-only.
func serveCtl(ctx context.Context, c config.Common, role string, h ctl.Handler, log *slog.Logger) {
	if err := ctl.Serve(ctx, ctl.Options{Dir: c.Dirs.Runtime, Role: role, Log: log}, h); err != nil && ctx.Err() == nil {
		log.Warn("this role cannot be reached by ctl", "err", err)
	}
}

func control(ctx context.Context, run config.CtlRun) error {
	req := ctl.Request{Verb: run.Verb, Grants: run.Allow, Window: run.Window}
	seat, ok := run.Seat()
	if run.Who != "" && !ok {
		var err error
		if seat, err = seatNamed(ctx, run, run.Who); err != nil {
			return err
		}
	}
	req.Seat = seat
	resp, err := ctl.Call(ctx, run.Dirs.Runtime, run.ID, req)
	if err != nil {
		return err
	}
	if run.JSON {
		return json.NewEncoder(run.Out).Encode(resp)
	}
	if run.Verb == ctl.Windows || run.Window != "" {
		return ctl.FormatWindows(run.Out, resp.Windows)
	}
	if resp.Status != nil && resp.Status.Host != nil && run.Verb == ctl.Code {
		_, err := fmt.Fprintln(run.Out, resp.Status.Host.Code)
		return err
	}
	if resp.Status != nil {
		return ctl.FormatStatus(run.Out, *resp.Status, time.Now())
	}
	return nil
}

// seatNamed asks the host which seat has a viewer of that name.
func seatNamed(ctx context.Context, run config.CtlRun, name string) (int, error) {
	resp, err := ctl.Call(ctx, run.Dirs.Runtime, run.ID, ctl.Request{Verb: "status"})
	if err != nil {
		return 0, err
	}
	var seats []int
	if resp.Status != nil && resp.Status.Host != nil {
		for _, v := range resp.Status.Host.Viewers {
			if v.Viewer == name {
				seats = append(seats, v.Seat)
			}
		}
	}
	if len(seats) == 0 {
		return 0, &peer.Error{Class: peer.ClassNoSession, Msg: fmt.Sprintf("there is no viewer called %q", name), Fix: "`sightline ctl status` lists the viewers"}
	}
	if len(seats) > 1 {
		return 0, &peer.Error{Class: peer.ClassUsage, Msg: fmt.Sprintf("%d viewers are called %q; give the number from `sightline ctl status`", len(seats), name)}
	}
	return seats[0], nil
}

func doctorNetwork(ctx context.Context, run config.DoctorRun) error {
	var relays []netcheck.Relay
	known, err := joins(run.Settings.Relays)
	if err != nil {
		return err
	}
	o, err := linkOptions(run.Settings.Network, known)
	if err != nil {
		return err
	}
	for _, j := range known {
		info, err := j.AddrInfo()
		if err != nil {
			return err
		}
		relays = append(relays, netcheck.Relay{Name: j.Name(), STUN: stunAddrs(j), Second: secondAddrs(j), Info: info})
	}
	report := link.Check(ctx, o, relays)
	if run.JSON {
		return json.NewEncoder(run.Out).Encode(report)
	}
	return say(run.Out, report.Lines())
}

// say writes the lines at once; a full disk is an error like any other.
func say(out io.Writer, lines []string) error {
	_, err := io.WriteString(out, strings.Join(lines, "\n")+"\n")
	return err
}

// doctorFirewall prints where the settings let this machine connect to.
func doctorFirewall(ctx context.Context, run config.DoctorRun) error {
	n := run.Settings.Network
	r := netcheck.Reach{Outbound: n.Listen == "none", Direct: n.Direct && n.Listen != "none", LAN: n.LAN && n.Listen != "none"}
	if r.MapPorts = n.MapPorts && r.Direct; r.MapPorts {
		r.Router = link.Router()
	}
	known, err := joins(run.Settings.Relays)
	if err != nil {
		return err
	}
	for _, j := range known {
		info, err := j.AddrInfo()
		if err != nil {
			return err
		}
		r.Relays = append(r.Relays, info)
		r.STUN = append(append(r.STUN, stunAddrs(j)...), secondAddrs(j)...)
	}
	if r.Proxy, err = link.ProxyFor(proxy.Options{Setting: n.Proxy}, r.Relays); err != nil {
		return err
	}
	all := netcheck.Destinations(ctx, r)
	switch {
	case run.JSON:
		return json.NewEncoder(run.Out).Encode(struct {
			Destinations []netcheck.Destination `json:"destinations"`
		}{all})
	case run.NFT:
		_, err := io.WriteString(run.Out, netcheck.NFT(all))
		return err
	}
	for _, line := range netcheck.FirewallLines(all) {
		fmt.Fprintln(run.Out, line)
	}
	return nil
}

// stunAddrs are the UDP ports of a relay: STUN answers beside QUIC, which is not
// spoken where WebSocket is.
func stunAddrs(j rendezvous.Join) []string {
	var list []string
	for _, a := range j.Addrs {
		if scheme, a := rendezvous.CutWeb(a); scheme == "" {
			list = append(list, a)
		}
	}
	return list
}

// secondAddrs are the second ports of a relay (rendezvous.SecondPort).
func secondAddrs(j rendezvous.Join) []string {
	var list []string
	for _, a := range stunAddrs(j) {
		host, text, _ := net.SplitHostPort(a)
		port, _ := strconv.ParseUint(text, 10, 16) // a join string has real ports
		if second, ok := rendezvous.SecondPort(uint16(port)); ok {
			list = append(list, net.JoinHostPort(host, strconv.Itoa(int(second))))
		}
	}
	return list
}

func doctorDisplay(_ context.Context, run config.DoctorRun) error {
	findings := desktop.Describe(desktop.WindowOptions{Log: logger()})
	if run.JSON {
		return json.NewEncoder(run.Out).Encode(findings)
	}
	var lines []string
	for _, f := range findings {
		mark := "ok  "
		if !f.OK {
			mark = "no  "
		}
		lines = append(lines, mark+f.What+": "+f.Detail)
		if f.Fix != "" {
			lines = append(lines, "    "+f.Fix)
		}
	}
	return say(run.Out, lines)
}

// ---- demo ----

// demo is a relay, a host and a viewer in this process, over real connections
// on loopback. With --for it plays input and compares pictures.
func demo(ctx context.Context, run config.DemoRun) error {
	desk := pattern.New(pattern.Options{})
	shared := &desktop.Shared{Source: desk.Source(), Injector: desk.Injector(), What: "the built-in desktop"}
	if run.Source != "pattern" {
		var err error
		if shared, err = desktop.OpenHost(desktop.Options{Source: run.Source, Guardian: guardian(), Log: logger()}); err != nil {
			return err
		}
		desk = nil
	}
	defer shared.Close()
	w, kind, err := demoWindow(run)
	if err != nil {
		return err
	}
	defer w.Close()
	d := &demonstration{run: run, desk: desk, window: newPlayed(w), kind: kind}
	err = goodEnd(d.play(ctx, shared))
	if run.JSON {
		newSink(run.Common, "", nil).end(err)
	}
	return err
}

// demoWindow is what `window` says. A measurement needs none to be seen.
func demoWindow(run config.DemoRun) (screen.Window, string, error) {
	w, kind, err := openWindow(run.Common, run.Settings.Viewer.Window)
	if err != nil && run.For > 0 && errors.Is(err, screen.ErrNoDisplay) {
		return screen.NewBlind(), "none", nil
	}
	return w, kind, err
}

type demonstration struct {
	run    config.DemoRun
	desk   *pattern.Desktop // nil: a real screen is shown
	window *played
	kind   string

	// Of the measurement.
	text  string
	shown time.Time     // the viewer has the code
	first time.Duration // from then on to the first exact picture
	echo  []time.Duration
}

func (d *demonstration) play(ctx context.Context, shared *desktop.Shared) error {
	srv, join, err := demoRelay()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { srv.Run(ctx) })

	c := d.run.Common
	c.FullScreen = false
	c.Settings.Relays = []string{join}
	c.Settings.Network.LAN, c.Settings.Network.Listen = false, "127.0.0.1:0"
	c.Settings.Host.Allow = []string{"view", "control"}
	codes := make(chan string, 1)
	hostEnd := make(chan error, 1)
	wg.Go(func() { hostEnd <- d.host(ctx, config.HostRun{Common: c, Accept: true, Once: true}, shared, codes) })
	select {
	case code := <-codes:
		err := d.view(ctx, config.ViewRun{Common: c, Ask: c.Settings.Host.Allow}, code)
		if err != nil {
			cancel(errTerminated) // a host that nobody came to would wait until its code expires
		}
		return errors.Join(err, goodEnd(<-hostEnd))
	case err := <-hostEnd:
		return err
	}
}

// sink is where the demo's events go: nowhere while the picture has the terminal.
func (d *demonstration) sink(c config.Common, role string) *sink {
	if d.kind == desktop.KindTerminal {
		return &sink{}
	}
	return newSink(c, role, commandFor)
}

// demoRelay is a relay on loopback with keys that live as long as the demo.
func demoRelay() (*relay.Server, string, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	o := relay.Options{Key: key, Token: make([]byte, 32), Listen: []string{"127.0.0.1:0"}, Limits: relay.Unlimited, Log: logger()}
	rand.Read(o.Token)
	rand.Read(o.LeaseKey[:])
	srv, err := relay.New(o)
	if err != nil {
		return nil, "", err
	}
	return srv, srv.Join().String(), nil
}

// host runs the demo's host and hands out its first code.
func (d *demonstration) host(ctx context.Context, run config.HostRun, shared *desktop.Shared, codes chan<- string) error {
	out := d.sink(run.Common, tui.RoleHost)
	out.listen = append(out.listen, func(e peer.Event) {
		if c, ok := e.(peer.Code); ok {
			codes <- c.Code
		}
	})
	h, dir, err := newHost(run, shared, out)
	if err != nil {
		return err
	}
	defer dir.Close()
	return h.Run(ctx)
}

// view runs the demo's viewer and, with --for, the measurement.
func (d *demonstration) view(ctx context.Context, run config.ViewRun, text string) error {
	code, err := invite.Parse(text)
	if err != nil {
		return err
	}
	out := d.sink(run.Common, tui.RoleView)
	v, r, err := newView(run, code, d.window, nil, d.kind, out)
	if err != nil {
		return err
	}
	defer r.Close()
	d.shown = time.Now()
	ended := make(chan error, 1)
	go func() { ended <- goodEnd(v.Run(ctx)) }()
	if d.run.For > 0 {
		err = d.measure(ctx, v)
		v.End()
	}
	err = errors.Join(err, <-ended)
	d.window.Close()
	return err
}

// leastInputs are made however late the first picture came: four letters and a
// click.
const leastInputs = 5

// measure types and clicks for the given time, then compares both ends.
func (d *demonstration) measure(ctx context.Context, v *peer.View) error {
	if d.desk == nil {
		return &peer.Error{Class: peer.ClassUsage, Msg: "--for measures the built-in desktop only; leave --source away"}
	}
	end := time.Now().Add(d.run.For)
	deadline, cancel := context.WithDeadline(ctx, end.Add(20*time.Second))
	defer cancel()
	if err := d.await(deadline, func() bool { return d.same(v) }); err != nil {
		return d.report(v, fmt.Errorf("the first picture never came: %w", err))
	}
	d.first = time.Since(d.shown)
	clicks := 0
	for i := 0; i < leastInputs || time.Now().Before(end); i++ {
		if err := d.act(deadline, i, &clicks); err != nil {
			return d.report(v, fmt.Errorf("input did not come round: %w", err))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := d.await(deadline, func() bool { return d.same(v) })
	return d.report(v, err)
}

// act makes the i-th input and waits until the desktop has it.
func (d *demonstration) act(ctx context.Context, i int, clicks *int) error {
	at := time.Now()
	if i%5 == 4 {
		box := d.desk.Button(i / 5 % 3)
		p := screen.Pointer{Picture: pattern.ID, At: box.Min.Add(box.Size().Div(2))}
		for _, b := range []screen.Buttons{0, screen.Left, 0} {
			p.Buttons = b
			d.window.Send(p)
		}
		*clicks++
	} else {
		sym := keysym.FromRune(rune('a' + i%26))
		d.text += string(rune('a' + i%26))
		d.window.Send(screen.Key{Sym: sym, Down: true})
		d.window.Send(screen.Key{Sym: sym})
	}
	last := d.text[max(0, len(d.text)-16):]
	err := d.await(ctx, func() bool { return strings.HasSuffix(d.desk.Typed(), last) && d.desk.Clicks() == *clicks })
	d.echo = append(d.echo, time.Since(at))
	return err
}

// same tells whether the viewer's picture equals the host's.
func (d *demonstration) same(v *peer.View) bool {
	f := v.Picture(pattern.ID)
	return f != nil && f.Equal(d.desk.Snapshot())
}

// await polls: pixels and counters of a desktop send no events.
func (d *demonstration) await(ctx context.Context, ok func() bool) error {
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for !ok() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// report prints what was measured.
func (d *demonstration) report(v *peer.View, err error) error {
	slices.Sort(d.echo)
	r := demoReport{
		Time: time.Now(), Event: "demo", Exact: err == nil, Inputs: len(d.echo),
		FirstMS: float64(d.first.Microseconds()) / 1000, Window: d.kind, Path: v.Status().Path.Kind.String(),
	}
	if n := len(d.echo); n > 0 {
		r.InputMS = float64(d.echo[n/2].Microseconds()) / 1000
	}
	if d.run.JSON {
		json.NewEncoder(d.run.Out).Encode(r)
	} else if err == nil {
		fmt.Fprintf(d.run.Err, "first exact picture %.0f ms after the code; %d inputs came round, median %.1f ms; path %s; both pictures are equal\n",
			r.FirstMS, r.Inputs, r.InputMS, r.Path)
	}
	return err
}

// demoReport is the last event of `demo --for --json`.
type demoReport struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Exact   bool      `json:"exact"`    // the viewer's picture equals the host's
	Inputs  int       `json:"inputs"`   // that came round
	FirstMS float64   `json:"first_ms"` // viewer started -> first exact picture
	InputMS float64   `json:"input_ms"` // window -> desktop, median
	Window  string    `json:"window"`
	Path    string    `json:"path"`
}

// played is a window whose events come from a person and from a program.
type played struct {
	screen.Window
	events chan screen.Event
	quit   chan struct{}
	once   sync.Once
	done   chan struct{}
}

func newPlayed(w screen.Window) *played {
	p := &played{Window: w, events: make(chan screen.Event, 16), quit: make(chan struct{}), done: make(chan struct{})}
	go p.merge()
	return p
}

// merge passes the person's events on until the window closes.
func (p *played) merge() {
	defer close(p.done)
	defer close(p.events)
	for {
		select {
		case e, ok := <-p.Window.Events():
			if !ok {
				return
			}
			select {
			case p.events <- e:
			case <-p.quit:
				return
			}
		case <-p.quit:
			return
		}
	}
}

// Send plays an event; it must not follow Close.
func (p *played) Send(e screen.Event) {
	select {
	case p.events <- e:
	case <-p.done:
	}
}

func (p *played) Events() <-chan screen.Event { return p.events }

func (p *played) Close() error {
	p.once.Do(func() { close(p.quit) })
	<-p.done
	return p.Window.Close()
}
