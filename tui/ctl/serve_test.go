//go:build !windows

package ctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sightline/peer"
)

// serve runs Serve and waits until it answers. The returned function ends it.
func serve(t *testing.T, o Options, h Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, o, h) }()
	deadline := time.Now().Add(20 * time.Second)
	for {
		running, err := List(o.Dir)
		if err == nil && strings.Contains(fmt.Sprint(running), o.Role+"-") {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("Serve: %v", err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the socket does not come up")
		}
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func echo(_ context.Context, r Request) Response {
	return Response{OK: true, Status: &Report{Role: r.Verb}}
}

func TestServeAndCall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Call(t.Context(), dir, "", Request{Verb: Status}); peer.ClassOf(err) != peer.ClassNoSession {
		t.Errorf("nobody runs: %v", err)
	}
	stop := serve(t, Options{Dir: dir, Role: "host"}, echo)
	r, err := Call(t.Context(), dir, "", Request{Verb: Kick, Seat: 1})
	if err != nil || r.Status.Role != Kick || r.Status.PID != os.Getpid() {
		t.Fatalf("%+v, %v", r, err)
	}
	checkModes(t, dir)
	if _, err := Call(t.Context(), dir, "", Request{Verb: "dance"}); peer.ClassOf(err) != peer.ClassUsage {
		t.Errorf("a bad verb: %v", err)
	}

	stopView := serve(t, Options{Dir: dir, Role: "view"}, echo)
	both := sprint("several run: host-%d, view-%[1]d", os.Getpid())
	if _, err := Call(t.Context(), dir, "", Request{Verb: Status}); peer.ClassOf(err) != peer.ClassUsage || err.Error() != both {
		t.Errorf("two run: %v, want %q", err, both)
	}
	for _, id := range []string{"host", sprint("host-%d", os.Getpid())} {
		if _, err := Call(t.Context(), dir, id, Request{Verb: Status}); err != nil {
			t.Errorf("--id %s: %v", id, err)
		}
	}
	if _, err := Call(t.Context(), dir, "relay", Request{Verb: Status}); peer.ClassOf(err) != peer.ClassNoSession {
		t.Errorf("--id relay: %v", err)
	}
	stopView()
	stop()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, sprint("host-%d.sock", os.Getpid())): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %o", path, info.Mode(), err, want)
		}
	}
}

func TestRoleErrorsReachTheCaller(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	serve(t, Options{Dir: dir, Role: "host"}, func(context.Context, Request) Response {
		return failure(fail(peer.ClassKicked, "ask for a new code", "thrown out"))
	})
	_, err := Call(t.Context(), dir, "", Request{Verb: Status})
	if peer.ClassOf(err) != peer.ClassKicked || err.Error() != "thrown out" {
		t.Errorf("%v of class %d", err, peer.ClassOf(err))
	}
	var known interface{ Hint() string }
	if !errors.As(err, &known) || known.Hint() != "ask for a new code" {
		t.Errorf("the hint of %v is lost", err)
	}
}

// What is written raw, and what comes back.
func TestGarbage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	called := make(chan Request, 10)
	serve(t, Options{Dir: dir, Role: "host"}, func(_ context.Context, r Request) Response {
		called <- r
		return Response{OK: true}
	})
	for _, c := range []struct{ name, send, want string }{
		{"garbage", "\x00\xff\x1b]0;\a\n", `"code":2`},
		{"HTTP", "POST /stop HTTP/1.1\r\n", `"code":2`},
		{"too long", strings.Repeat("x", 1<<16), `too long`},
		{"long and valid", `{"verb":"stop"` + strings.Repeat(" ", maxRequest) + "}\n", `too long`},
		{"half a line", `{"verb":"stop"}`, ""},
		{"nothing", "", ""},
		{"two lines, one answer", `{"verb":"status"}` + "\n" + `{"verb":"stop"}` + "\n", `{"ok":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, dir)
			conn.Write([]byte(c.send))
			conn.CloseWrite()
			line, _ := readLine(conn, maxResponse)
			if !strings.Contains(string(line), c.want) || c.want == "" && len(line) > 0 {
				t.Errorf("answer %q, want %q", line, c.want)
			}
		})
	}
	close(called)
	got := []Request{}
	for r := range called {
		got = append(got, r)
	}
	if len(got) != 1 || got[0].Verb != Status {
		t.Errorf("the role was told %v", got)
	}
}

func dial(t *testing.T, dir string) *net.UnixConn {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(dir, sprint("host-%d.sock", os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// Callers who say nothing hold up neither others nor the end of the role.
func TestSilentCallers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	stop := serve(t, Options{Dir: dir, Role: "host"}, echo)
	for range maxCallers - 1 {
		dial(t, dir)
	}
	if _, err := Call(t.Context(), dir, "", Request{Verb: Status}); err != nil {
		t.Errorf("beside silent callers: %v", err)
	}
	begun := time.Now()
	stop()
	if took := time.Since(begun); took >= patience {
		t.Errorf("the end waited %v for silent callers", took)
	}
}

func TestOtherUserIsTurnedAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	stranger := func(*net.UnixConn) (int, error) { return os.Geteuid() + 1, nil }
	serve(t, Options{Dir: dir, Role: "host", uid: stranger}, func(context.Context, Request) Response {
		t.Error("the role was told something by another user")
		return Response{}
	})
	if r, err := Call(t.Context(), dir, "", Request{Verb: Stop}); err == nil {
		t.Errorf("a stranger got %+v", r)
	}
}

// A second user for real: the kernel's word, with the file modes opened so that
// nothing but the credentials stands in the way.
func TestOtherUserForReal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatal("python3 is not installed")
		}
		t.Skip("python3 is not here")
	}
	dir, err := os.MkdirTemp("/tmp", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	serve(t, Options{Dir: dir, Role: "host"}, echo)
	sock := filepath.Join(dir, sprint("host-%d.sock", os.Getpid()))
	os.Chmod(dir, 0o755)
	os.Chmod(sock, 0o666)
	const ask = `import os,socket,sys
os.setgid(65534); os.setuid(65534)
s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
    s.sendall(b'{"verb":"status"}\n'); sys.stdout.write(s.recv(4096).decode())
except (BrokenPipeError, ConnectionResetError): pass`
	out, err := exec.Command(python, "-c", ask, sock).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("user 65534 got %q, %v", out, err)
	}
}

func TestDirectories(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	os.Mkdir(open, 0o700)
	os.Chmod(open, 0o755)
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(t.TempDir(), link)
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	for name, dir := range map[string]string{"entered by others": open, "a link": link, "a file": file} {
		t.Run(name, func(t *testing.T) {
			if err := Serve(t.Context(), Options{Dir: dir, Role: "host"}, echo); err == nil {
				t.Error("served there")
			}
			if _, err := Call(t.Context(), dir, "", Request{Verb: Status}); peer.ClassOf(err) != peer.ClassPermission {
				t.Errorf("Call: %v", err)
			}
		})
	}
	if os.Geteuid() == 0 {
		foreign := t.TempDir()
		os.Chmod(foreign, 0o700)
		os.Chown(foreign, 65534, 65534)
		if _, err := List(foreign); peer.ClassOf(err) != peer.ClassPermission {
			t.Errorf("a directory of another user: %v", err)
		}
	}
}

func TestLongDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 150))
	short, err := socketDir(dir)
	if err != nil || len(short) > 60 {
		t.Fatalf("%q, %v", short, err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	serve(t, Options{Dir: dir, Role: "relay"}, echo)
	if _, err := Call(t.Context(), dir, "relay", Request{Verb: Status}); err != nil {
		t.Error(err)
	}
	if other, _ := socketDir(dir + "e"); other == short {
		t.Error("two directories share one place")
	}
}

// A process that was killed leaves its socket; the next look removes it.
func TestStaleSockets(t *testing.T) {
	dir := t.TempDir()
	os.Chmod(dir, 0o700)
	leave := func(name string) string {
		path := filepath.Join(dir, name)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		return path
	}
	dead := leave("host-4194304999.sock") // above any pid_max
	old := leave(sprint("view-%d.sock", os.Getppid()))
	os.Chtimes(old, time.Now().Add(-time.Hour), time.Now().Add(-time.Hour))
	young := leave(sprint("relay-%d.sock", os.Getppid()))
	mine := leave(sprint("host-%d.sock", os.Getpid()))
	note := filepath.Join(dir, "notes.txt")
	os.WriteFile(note, nil, 0o600)

	running, err := List(dir)
	if err != nil || len(running) != 0 {
		t.Errorf("running: %v, %v", running, err)
	}
	for path, stays := range map[string]bool{dead: false, old: false, young: true, note: true, mine: true} {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) == stays {
			t.Errorf("%s stays: %t, want %t", filepath.Base(path), !stays, stays)
		}
	}
	serve(t, Options{Dir: dir, Role: "host"}, echo) // over the left socket of our own number
	if _, err := Call(t.Context(), dir, "host", Request{Verb: Status}); err != nil {
		t.Error(err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	begun, release := make(chan bool), make(chan bool)
	serve(t, Options{Dir: dir, Role: "host"}, func(ctx context.Context, _ Request) Response {
		close(begun)
		<-release
		return Response{OK: true}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if _, err := Call(ctx, dir, "", Request{Verb: Status}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(release)
}
