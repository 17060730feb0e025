package x11

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// An X server keeps a key down when the program that pressed it through XTEST
// is killed, and keeps key codes that it borrowed. So a small child process
// knows what is down. It is told before anything is pressed, and when the pipe
// ends without "bye" it lifts and restores what is left. One line each:
//
//	+k 38    the key of code 38 is about to be pressed; -k 38 it was lifted
//	+b 1     the same for a button; -b 1
//	+m 97    code 97 is about to be borrowed for a symbol; -m 97 it was given back
//	+g 2     the second layout is about to be left for another; -g 2 it is back
//	bye      all is well, end
const guardLine = 16 // bytes, longest line

// guard is the host's end. All methods work on nil: no guardian.
type guard struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	log *slog.Logger

	once sync.Once // first failure to write is logged
}

// startGuard starts the child; it finds the display in its environment.
func startGuard(o InjectorOptions) (*guard, error) {
	cmd := exec.Command(o.Guardian[0], o.Guardian[1:]...)
	cmd.Env = os.Environ()
	if o.Display != "" {
		cmd.Env = append(cmd.Env, "DISPLAY="+o.Display)
	}
	if o.Authority != "" {
		cmd.Env = append(cmd.Env, "XAUTHORITY="+o.Authority)
	}
	apart(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	return &guard{cmd: cmd, in: in, log: silent(o.Log)}, nil
}

func (g *guard) tell(what string, code byte) {
	if g == nil {
		return
	}
	line := append(make([]byte, 0, guardLine), what...)
	line = append(strconv.AppendUint(append(line, ' '), uint64(code), 10), '\n')
	if _, err := g.in.Write(line); err != nil {
		g.once.Do(func() {
			g.log.Warn("the guardian is gone: keys stay down if this process is killed", "err", err)
		})
	}
}

// bye ends the child and waits for it.
func (g *guard) bye() {
	if g == nil {
		return
	}
	io.WriteString(g.in, "bye\n")
	g.in.Close()
	hung := time.AfterFunc(connectTimeout, func() { g.cmd.Process.Kill() })
	defer hung.Stop()
	g.cmd.Wait()
}

// RunGuardian is the whole life of the guardian process: it reads from in what
// the host presses, and when in ends without "bye" it undoes what is left. It
// ignores the signals by which a terminal ends its programs, since it must
// live a little longer than the host.
func RunGuardian(in io.Reader, display, authority string) error {
	signal.Ignore(os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	x, err := connect(display, authority)
	if err != nil {
		return err
	}
	drained := make(chan struct{})
	go func() { x.drain(); close(drained) }()
	defer func() { x.close(); <-drained }()
	if err := x.use("XTEST"); err != nil {
		return err
	}
	left, err := readGuard(in)
	left.undo(x)
	return err
}

// leftover is what is down or borrowed.
type leftover struct {
	keys, buttons, codes map[byte]bool
	group                byte // of the layouts, from 1, that was left; 0: none
}

// readGuard follows the host's lines until they end.
func readGuard(in io.Reader) (*leftover, error) {
	l := &leftover{map[byte]bool{}, map[byte]bool{}, map[byte]bool{}, 0}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, guardLine), guardLine)
	for lines.Scan() {
		if lines.Text() == "bye" {
			return &leftover{}, nil
		}
		if err := l.note(lines.Text()); err != nil {
			return l, err
		}
	}
	return l, lines.Err()
}

var errGuardLine = errors.New("guardian: a line that nobody wrote")

func (l *leftover) note(line string) error {
	what, num, _ := strings.Cut(line, " ")
	n, err := strconv.ParseUint(num, 10, 8)
	if err != nil || n == 0 {
		return errGuardLine
	}
	code := byte(n)
	switch what {
	case "+k":
		l.keys[code] = true
	case "-k":
		delete(l.keys, code)
	case "+b":
		l.buttons[code] = true
	case "-b":
		delete(l.buttons, code)
	case "+m":
		l.codes[code] = true
	case "-m":
		delete(l.codes, code)
	case "+g":
		l.group = code
	case "-g":
		l.group = 0
	default:
		return errGuardLine
	}
	return nil
}

func (l *leftover) undo(x *client) {
	release := func(kind, n byte) { xtest.FakeInput(x.Conn, kind, n, 0, x.root, 0, 0, 0) }
	for n := range l.buttons {
		release(xproto.ButtonRelease, n)
	}
	for n := range l.keys {
		release(xproto.KeyRelease, n)
	}
	for n := range l.codes {
		emptyCode(x, n)
	}
	if l.group > 0 && x.useXKB() {
		x.lockGroup((l.group - 1) & 3)
	}
	x.Sync()
}
