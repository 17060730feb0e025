package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// patience is how long a caller may take to say its line, and to read ours.
	// It is on the same machine and needs microseconds.
	patience = 5 * time.Second
	// maxCallers at once. More wait in the kernel's queue.
	maxCallers = 8
)

// Options of Serve. Dir and Role are required.
type Options struct {
	Dir  string // made if absent, 0700
	Role string // "host", "view" or "relay": lower-case letters
	Log  *slog.Logger

	uid func(*net.UnixConn) (int, error) // nil: the kernel's word; tests play another user
}

// Serve answers on the socket of this role until ctx ends, then waits for its
// last answers, removes the socket and returns nil. Errors: the directory or
// the socket cannot be had; the role can go on without it.
func Serve(ctx context.Context, o Options, answer Handler) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.uid == nil {
		o.uid = callerUID
	}
	l, err := listen(ctx, o.Dir, o.Role)
	if err != nil {
		return err
	}
	var callers sync.WaitGroup
	defer callers.Wait()
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()

	free := make(chan struct{}, maxCallers)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := l.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case err != nil:
			return fmt.Errorf("wait at the control socket: %w", err)
		}
		callers.Go(func() {
			defer func() { <-free }()
			o.attend(ctx, c, answer)
		})
	}
}

// attend has one conversation.
func (o Options) attend(ctx context.Context, c *net.UnixConn, answer Handler) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })()
	if uid, err := o.uid(c); err != nil || uid != os.Geteuid() {
		o.Log.Warn("control socket: caller turned away", "uid", uid, "err", err)
		return
	}
	line, err := readLine(c, maxRequest)
	if err != nil {
		// Silence is List's knock, or somebody who hung up. Too much is answered.
		if !errors.Is(err, errLong) {
			return
		}
		o.reply(c, failure(fmt.Errorf("%w: %w", ErrRequest, err)))
		return
	}
	r, err := ParseRequest(line)
	if err != nil {
		o.reply(c, failure(err))
		return
	}
	o.Log.Debug("control socket", "verb", r.Verb, "seat", r.Seat)
	o.reply(c, answer(ctx, r))
}

// reply says our line. The command was carried out already, so a caller who
// does not listen changes nothing.
func (o Options) reply(c *net.UnixConn, r Response) {
	if r.Status != nil {
		with := *r.Status
		with.PID = os.Getpid()
		r.Status = &with
	}
	line, err := json.Marshal(r)
	if err != nil || len(line) >= maxResponse {
		line, _ = json.Marshal(failure(errors.New("the state is too long to tell")))
	}
	c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.Write(append(line, '\n')); err != nil {
		o.Log.Debug("control socket: answer not taken", "err", err)
	}
}

var errLong = errors.New("the line is too long")

// readLine reads up to a line feed, at most limit bytes with it, without asking
// for memory in advance. Errors: errLong, io.ErrUnexpectedEOF (no line feed),
// io.EOF (nothing at all), and those of r.
func readLine(r io.Reader, limit int) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, int64(limit))).ReadBytes('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case err == io.EOF && len(line) == limit:
		return nil, errLong
	case err == io.EOF && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	}
	return nil, err
}
