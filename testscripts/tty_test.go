//go:build linux

package testscripts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A command asks the terminal nothing before it does its work (tui/hush): one that
// does not answer would hold up each for the seconds that a library waits.
func TestTerminalIsNotAsked(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"host", "--plain", "--accept", "--source", "pattern", "--expire", "nonsense"}} {
		master, slave := openPTY(t)
		cmd := exec.Command(program(t), args...)
		cmd.Env = append(cleanEnv(t.TempDir()), "TERM=xterm-256color")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true} // in the foreground: others are never asked
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		var out bytes.Buffer
		out.ReadFrom(master) // EIO when the last writer is gone
		cmd.Wait()
		if out.Len() == 0 || bytes.ContainsRune(out.Bytes(), 0x1b) {
			t.Errorf("%v writes %q", args, out.Bytes())
		}
	}
}

// readUntil adds what the terminal gets to out, until words are in what is new or
// the program has ended.
func readUntil(master *os.File, out *bytes.Buffer, words string) {
	from, buf := out.Len(), make([]byte, 4096)
	for !bytes.Contains(out.Bytes()[from:], []byte(words)) {
		n, err := master.Read(buf)
		if err != nil {
			return
		}
		out.Write(buf[:n])
	}
}

// openPTY gives both ends of a pseudo terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		skip(t, err.Error())
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		skip(t, err.Error())
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		skip(t, err.Error())
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		skip(t, err.Error())
	}
	return master, slave
}

// NO_COLOR takes the colours from a page and leaves the words.
func TestNoColor(t *testing.T) {
	for _, row := range []struct {
		env    string
		colour bool
	}{{"NO_COLOR=", true}, {"NO_COLOR=1", false}} {
		master, slave := openPTY(t)
		unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
		cmd := exec.Command(program(t))
		cmd.Env = append(cleanEnv(t.TempDir()), "TERM=xterm-256color", row.env)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		var out bytes.Buffer
		readUntil(master, &out, "leave")
		master.WriteString("c")
		readUntil(master, &out, "Connect")
		master.WriteString("48291-7304-4187")
		readUntil(master, &out, "connects")
		master.WriteString("\x03")
		out.ReadFrom(master)
		if cmd.Wait(); !late.Stop() {
			t.Fatalf("it did not end:\n%q", out.Bytes())
		}
		if green := bytes.Contains(out.Bytes(), []byte("\x1b[32m")); green != row.colour {
			t.Errorf("%s: green is %t in\n%q", row.env, green, out.Bytes())
		}
	}
}
