package virtual

import (
	"os/exec"
	"runtime"
	"time"
)

// child is a process that ends when this one does.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of Wait; written before done is closed
}

// begin starts a child from a thread that lives as long as it: the kernel ends
// it with the thread that started it, and Go ends idle threads. kindly: by SIGTERM,
// so that an X server takes its lock file away.
func begin(cmd *exec.Cmd, kindly bool) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{})}
	bind(cmd, kindly)
	cmd.WaitDelay = politely // what it started may hold its pipes
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// politely is how long a child may take to end by itself.
const politely = 2 * time.Second

// end asks the child's whole group to end, then makes it. It works on nil.
func (c *child) end() {
	if c == nil {
		return
	}
	select {
	case <-c.done:
		signalGroup(c.cmd, true) // what it started and left behind
		return
	default:
	}
	signalGroup(c.cmd, false)
	t := time.NewTimer(politely)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
	}
	signalGroup(c.cmd, true)
	<-c.done
}
