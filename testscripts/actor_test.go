//go:build linux

package testscripts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a test calls it a failure. It
// is no measurement: two busy cores may need some seconds for a key stretch.
const patience = 60 * time.Second

// building is the binary that all tests share, built once.
var building struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked { // most of these tests wait for one another's processes
		flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
	code := m.Run()
	if building.dir != "" {
		os.RemoveAll(building.dir)
	}
	os.Exit(code)
}

// program builds the program as it is released (no C) and returns its path.
func program(t testing.TB) string {
	t.Helper()
	building.Do(func() {
		if building.dir, building.err = os.MkdirTemp("", "sightline-bin-"); building.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(building.dir, "sightline"), "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			building.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if building.err != nil {
		t.Fatal(building.err)
	}
	return filepath.Join(building.dir, "sightline")
}

// event is one line of an actor's --json output.
type event map[string]any

func (e event) text(field string) string {
	switch v := e[field].(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = fmt.Sprint(v[i])
		}
		return strings.Join(words, ",")
	default:
		return fmt.Sprint(v)
	}
}

// actor is one running process and what it has said so far.
type actor struct {
	name string
	cmd  *exec.Cmd

	mu      sync.Mutex
	events  []event
	odd     []string // lines on stdout that are no events
	stderr  bytes.Buffer
	next    int           // first event that await has not looked at
	changed chan struct{} // closed and replaced whenever something came
	err     error         // of Wait
	done    chan struct{} // closed when the process has ended and all was read
}

// spawn starts cmd. Its output is read until it ends; end it with finish.
func spawn(name string, cmd *exec.Cmd) (*actor, error) {
	a := &actor{name: name, cmd: cmd, changed: make(chan struct{}), done: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var readers sync.WaitGroup
	readers.Go(func() { a.listen(out) })
	readers.Go(func() { io.Copy(errWriter{a}, errs) })
	go func() {
		readers.Wait()
		err := cmd.Wait()
		a.mu.Lock()
		a.err = err
		a.mu.Unlock()
		close(a.done)
	}()
	return a, nil
}

func (a *actor) listen(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		e := event{}
		bad := json.Unmarshal(lines.Bytes(), &e) != nil || e.text("event") == ""
		a.mu.Lock()
		if bad {
			a.odd = append(a.odd, lines.Text())
		} else {
			a.events = append(a.events, e)
		}
		a.wakeLocked()
		a.mu.Unlock()
	}
}

func (a *actor) wakeLocked() {
	close(a.changed)
	a.changed = make(chan struct{})
}

type errWriter struct{ a *actor }

func (w errWriter) Write(p []byte) (int, error) {
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	w.a.stderr.Write(p)
	w.a.wakeLocked()
	return len(p), nil
}

// until waits until ok, which is called with the lock held, says yes. It fails
// early when the process has ended, because nothing more will come.
func (a *actor) until(within time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		ended := a.ended()
		a.mu.Lock()
		good, changed := ok(), a.changed
		a.mu.Unlock()
		switch {
		case good:
			return nil
		case ended:
			return fmt.Errorf("%s has ended", a.name)
		}
		select {
		case <-changed:
		case <-a.done:
		case <-ctx.Done():
			return fmt.Errorf("%s did not within %s", a.name, within)
		}
	}
}

func (a *actor) ended() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// want is an event that somebody waits for: a name and fields that must match.
type want struct {
	name   string
	fields map[string]*regexp.Regexp
	text   string
}

// parseWant reads `EVENT field=value field~regexp …`.
func parseWant(args []string) (want, error) {
	if len(args) == 0 {
		return want{}, errors.New("which event?")
	}
	w := want{name: args[0], fields: map[string]*regexp.Regexp{}, text: strings.Join(args, " ")}
	for _, a := range args[1:] {
		i := strings.IndexAny(a, "=~")
		if i < 1 {
			return w, fmt.Errorf("%q is neither field=value nor field~regexp", a)
		}
		pattern := a[i+1:]
		if a[i] == '=' {
			pattern = "^" + regexp.QuoteMeta(pattern) + "$"
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return w, err
		}
		w.fields[a[:i]] = re
	}
	return w, nil
}

func (w want) fits(e event) bool {
	if e.text("event") != w.name {
		return false
	}
	for field, re := range w.fields {
		if !re.MatchString(e.text(field)) {
			return false
		}
	}
	return true
}

// await returns the next event that fits; the ones before it are passed over.
func (a *actor) await(within time.Duration, w want) (found event, err error) {
	err = a.until(within, func() bool {
		for i, e := range a.events[a.next:] {
			if w.fits(e) {
				found, a.next = e, a.next+i+1
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %s: %w\n%s", w.text, err, a.told())
	}
	return found, nil
}

// saw tells how often an event has come since the start.
func (a *actor) saw(w want) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, e := range a.events {
		if w.fits(e) {
			n++
		}
	}
	return n
}

// says waits until the words on stderr match.
func (a *actor) says(within time.Duration, re *regexp.Regexp) error {
	if err := a.until(within, func() bool { return re.Match(a.stderr.Bytes()) }); err != nil {
		return fmt.Errorf("waiting for %s on stderr: %w\n%s", re, err, a.told())
	}
	return nil
}

// exit waits for the end and returns the exit code, -1 for a signal.
func (a *actor) exit(within time.Duration) (int, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-a.done:
		return a.cmd.ProcessState.ExitCode(), nil
	case <-timer.C:
		return 0, fmt.Errorf("%s did not end within %s\n%s", a.name, within, a.told())
	}
}

// kill ends the process by its number and waits for it.
func (a *actor) kill() {
	if !a.ended() {
		a.cmd.Process.Signal(syscall.SIGCONT) // one that was stopped dies only when it goes on
		a.cmd.Process.Kill()
	}
	<-a.done
}

// told is everything that the actor said, for the message of a failed test.
func (a *actor) told() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s: %s\n", a.name, strings.Join(a.cmd.Args[1:], " "))
	for _, e := range a.events {
		at, _ := time.Parse(time.RFC3339, e.text("time"))
		fmt.Fprintf(&b, "    %s %s", at.Format("04:05.000"), e.text("event"))
		for _, k := range slices.Sorted(maps.Keys(e)) {
			if k != "event" && k != "time" {
				fmt.Fprintf(&b, " %s=%s", k, e.text(k))
			}
		}
		fmt.Fprintln(&b)
	}
	for _, l := range a.odd {
		fmt.Fprintf(&b, "    stdout: %s\n", l)
	}
	for l := range strings.Lines(a.stderr.String()) {
		fmt.Fprintf(&b, "    stderr: %s\n", strings.TrimRight(l, "\n"))
	}
	if a.ended() {
		fmt.Fprintf(&b, "    ended: %s\n", a.cmd.ProcessState)
	}
	return b.String()
}

// cleanEnv is the environment of an actor: nothing of whoever runs the tests
// but what programs need, and directories of its own below home. Everything
// stays on loopback.
func cleanEnv(home string, more ...string) []string {
	env := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_STATE_HOME=" + filepath.Join(home, "state"),
		"XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "TMPDIR=" + os.TempDir(), "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"SIGHTLINE_NETWORK_LAN=false", "SIGHTLINE_NETWORK_LISTEN=127.0.0.1:0",
	}
	return append(env, more...)
}

// freePort is a port that was free for TCP and UDP a moment ago. Ports of the
// kernel's own choice are rarely given twice in a row.
func freePort() (string, error) {
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		u, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		l.Close()
		if err == nil {
			u.Close()
			return port, nil
		}
	}
	return "", errors.New("no port is free for TCP and UDP")
}
