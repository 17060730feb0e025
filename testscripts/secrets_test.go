//go:build linux

package testscripts

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// forms are the spellings in which a code's secret part could turn up.
func forms(code string) []string {
	d := digitsOf(code)
	secret := d[len(d)-8:]
	return []string{secret, secret[:4] + "-" + secret[4:], secret[:4] + " " + secret[4:], secret[:7]}
}

func contains(text []byte, words []string) string {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return w
		}
	}
	return ""
}

// A code that comes by standard input or from a file is visible nowhere: not in
// what others can see of the processes, not in a log, not on disk. The host
// prints it on its own terminal only.
func TestSecretsNotVisible(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	for _, way := range []string{"standard input", "file", "variable"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := newCrew(t)
			relay, join := c.relay()
			debug := []string{"SIGHTLINE_DEBUG=1", "SIGHTLINE_RELAYS=" + join}
			host := c.start("host", debug, "host", "--json", "--accept", "--source", "pattern", "--allow", "view,control")
			code := c.await(host, "code").text("code")
			viewer := c.startWith("viewer", func(cmd *exec.Cmd) {
				cmd.Env = append(cmd.Env, debug...)
				give(t, cmd, way, code)
			}, "view", "--json", "--window", "none")
			c.await(viewer, "stats", "refined=true")
			for _, a := range []*actor{relay, host, viewer} {
				if way == "variable" && a == viewer {
					continue // its own environment is what the user chose to use
				}
				lookAround(t, a, forms(code))
			}
			if w := contains([]byte(viewer.told()), forms(code)); w != "" {
				t.Errorf("the viewer said %s", w)
			}
		})
	}
}

// give hands the code to a viewer.
func give(t *testing.T, cmd *exec.Cmd, way, code string) {
	t.Helper()
	switch way {
	case "standard input":
		cmd.Args = append(cmd.Args, "-")
		cmd.Stdin = strings.NewReader(code + "\n")
	case "file":
		path := filepath.Join(t.TempDir(), "code")
		if err := os.WriteFile(path, []byte(code+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd.Args = append(cmd.Args, "--code-file", path)
	case "variable":
		cmd.Env = append(cmd.Env, "SIGHTLINE_CODE="+code)
	}
}

// lookAround reads what is to be seen of a running actor: its command line and
// environment and those of its children, its words on stderr, its files.
func lookAround(t *testing.T, a *actor, words []string) {
	t.Helper()
	for _, pid := range family(a.cmd.Process.Pid) {
		for _, what := range []string{"cmdline", "environ", "comm"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, what))
			if w := contains(text, words); err == nil && w != "" {
				t.Errorf("%s is in /proc/PID/%s of %s", w, what, a.name)
			}
		}
	}
	a.mu.Lock()
	log := bytes.Clone(a.stderr.Bytes())
	a.mu.Unlock()
	if len(log) == 0 && a.name == "relay" { // the others may have had nothing to say
		t.Errorf("%s wrote no log, so it was not looked at", a.name)
	}
	if w := contains(log, words); w != "" {
		t.Errorf("%s is in the log of %s", w, a.name)
	}
	home := homeOf(a)
	filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			if w := contains(text, words); w != "" {
				t.Errorf("%s is in %s", w, path)
			}
		}
		return nil
	})
}

func homeOf(a *actor) string {
	for _, kv := range a.cmd.Env {
		if home, ok := strings.CutPrefix(kv, "HOME="); ok {
			return home
		}
	}
	return ""
}

// family is a process and its children.
func family(pid int) []int {
	list := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, f := range strings.Fields(string(text)) {
			var child int
			fmt.Sscan(f, &child)
			list = append(list, child)
		}
	}
	return list
}

// The relay carries every byte of a session and its memory holds nothing of it:
// neither the code's secret part nor the names that the two sides told each other.
func TestRelayBlind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	c := newCrew(t)
	relay, join := c.relay()
	env := []string{"SIGHTLINE_RELAYS=" + join, "SIGHTLINE_DEBUG=1"}
	const hostName, viewerName = "hostname-not-for-relays", "viewername-not-for-relays"
	host := c.start("host", env, "host", "--json", "--accept", "--source", "pattern", "--no-direct", "--name", hostName)
	code := c.await(host, "code").text("code")
	viewer := c.start("viewer", env, "view", "--json", "--window", "none", "--no-direct", "--name", viewerName, code)
	c.await(viewer, "path", "kind=relayed")
	c.await(viewer, "stats", "refined=true")
	words := append(forms(code), hostName, viewerName)
	if found := inMemory(t, host, words); len(found) == 0 {
		t.Fatal("this test finds nothing even in the host, which knows the code")
	}
	if found := inMemory(t, relay, words); len(found) > 0 {
		t.Errorf("the relay's memory holds %q", found)
	}
	lookAround(t, relay, words)
}

// inMemory searches the writable memory of a process.
func inMemory(t *testing.T, a *actor, words []string) (found []string) {
	t.Helper()
	pid := a.cmd.Process.Pid
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		skip(t, "the memory of a child cannot be read here: "+err.Error())
	}
	defer mem.Close()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	const most = 64 << 20 // bytes read of one mapping at a time
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		for ; from < to; from += most {
			piece := make([]byte, min(to-from, most))
			n, _ := mem.ReadAt(piece, from) // pages that nobody touched give an error
			for _, w := range words {
				if bytes.Contains(piece[:max(n, 0)], []byte(w)) {
					found = append(found, w)
				}
			}
		}
	}
	return found
}
