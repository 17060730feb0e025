package ansi

import (
	"errors"
	"os"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// tty is a real terminal in raw mode.
type tty struct {
	in, out *os.File
	reader  cancelreader.CancelReader
	old     *term.State
	modes   func()        // puts back what rawOutput changed
	winch   chan struct{} // nil where the system does not tell
	stop    func()

	once sync.Once
	err  error
}

// openTTY puts the terminal into raw mode.
func openTTY(in, out *os.File) (*tty, error) {
	reader, err := cancelreader.NewReader(in)
	if err != nil {
		return nil, err
	}
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	modes, err := rawOutput(out)
	if err != nil {
		return nil, errors.Join(err, term.Restore(int(in.Fd()), old), reader.Close())
	}
	t := &tty{in: in, out: out, reader: reader, old: old, modes: modes}
	t.winch, t.stop = watchSize()
	return t, nil
}

func (t *tty) Read(b []byte) (int, error)  { return t.reader.Read(b) }
func (t *tty) Write(b []byte) (int, error) { return t.out.Write(b) }
func (t *tty) resized() <-chan struct{}    { return t.winch }
func (t *tty) cancel()                     { t.reader.Cancel() }

// size falls back to the size every terminal once had.
func (t *tty) size() (cols, rows int) {
	cols, rows, err := term.GetSize(int(t.out.Fd()))
	if err != nil || cols < 1 || rows < 1 {
		return 80, 24
	}
	return cols, rows
}

func (t *tty) restore() error {
	t.once.Do(func() {
		t.stop()
		t.modes()
		t.err = errors.Join(term.Restore(int(t.in.Fd()), t.old), t.reader.Close())
	})
	return t.err
}
