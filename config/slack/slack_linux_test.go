package slack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if os.Getenv("SLACK_TEST") == "" {
		os.Exit(m.Run())
	}
	Widen()
	_, marked := os.LookupEnv(again)
	fmt.Println(os.Getpid(), os.Args[1:], marked)
	// A thread that the runtime made has what the first one had.
	done := make(chan int)
	go func() {
		now, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		done <- now
	}()
	fmt.Println(<-done)
	os.Exit(0)
}

// TestWiden: the program goes on under its process number, with its arguments
// and with a wide slack.
func TestWiden(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "one", "two words")
	cmd.Env = append(os.Environ(), "SLACK_TEST=1")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d [one two words] false\n", cmd.Process.Pid)
	if !bytes.HasPrefix(out.Bytes(), []byte(want)) || !bytes.HasSuffix(out.Bytes(), []byte("500000\n")) {
		t.Errorf("it says %q, want %q first and a slack of 500000 ns last", out.String(), want)
	}
}

// TestWidenWithoutSlack: threads of real-time scheduling have none, and must not
// start over for ever.
func TestWidenWithoutSlack(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	chrt, err := exec.LookPath("chrt")
	if err != nil {
		if os.Getenv("SIGHTLINE_CI") == "1" {
			t.Fatal("chrt (util-linux) is not installed")
		}
		t.Skip("chrt (util-linux) is not installed")
	}
	if exec.Command(chrt, "-r", "1", "true").Run() != nil {
		t.Skip("no right to real-time scheduling")
	}
	cmd := exec.Command(chrt, "-r", "1", self)
	cmd.Env = append(os.Environ(), "SLACK_TEST=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" [] false\n")) {
		t.Errorf("it says %q, %v", out, err)
	}
}
