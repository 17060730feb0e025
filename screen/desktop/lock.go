package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Locker locks the screen of a desktop.
type Locker struct {
	lines []string
	env   []string
}

// ErrNoLocker means that no program is here that could lock a screen.
var ErrNoLocker = errors.New("no program is here that locks a screen")

// lockers in the order in which they are tried: those that fail when the locker
// they talk to does not run, before those that do not know.
var lockers = [][]string{
	{"xscreensaver-command", "-lock"}, {"light-locker-command", "-l"}, {"cinnamon-screensaver-command", "-l"},
	{"mate-screensaver-command", "-l"}, {"xdg-screensaver", "lock"}, {"loginctl", "lock-session"},
}

// lockIn is how long one of them may take. Those that stay until somebody unlocks
// must be set up to go into the background.
const lockIn = 10 * time.Second

// NewLocker uses a command (of sh) if there is one, else what is installed. env is
// added to its environment. It returns ErrNoLocker if there is nothing to try.
func NewLocker(command string, env []string) (*Locker, error) {
	l := &Locker{env: env}
	if command != "" {
		l.lines = []string{command}
		return l, nil
	}
	for _, c := range lockers {
		if _, err := exec.LookPath(c[0]); err == nil {
			l.lines = append(l.lines, c[0]+" "+c[1])
		}
	}
	if len(l.lines) == 0 {
		return nil, ErrNoLocker
	}
	return l, nil
}

// Lock returns when one of the programs has said that it is done.
func (l *Locker) Lock(ctx context.Context) error {
	var failed error
	for _, line := range l.lines {
		ctx, cancel := context.WithTimeout(ctx, lockIn)
		cmd := exec.CommandContext(ctx, "sh", "-c", line)
		cmd.Env = append(os.Environ(), l.env...)
		cmd.WaitDelay = time.Second // what it left in the background holds nothing up
		err := cmd.Run()
		cancel()
		if err == nil || errors.Is(err, exec.ErrWaitDelay) {
			return nil
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", line, err))
	}
	return fmt.Errorf("the screen is not locked: %w", failed)
}
