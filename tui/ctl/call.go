package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"sightline/peer"
)

// Call puts one request to a running role. id is an Instance.ID, its process
// number or its role, whichever fits one alone; "" is the only one there is.
//
// Errors are *peer.Error with the class to exit with: nobody runs (9), several
// run and id is needed (2), a bad request (2), no answer (4), and what the role
// itself answered.
func Call(ctx context.Context, dir, id string, r Request) (Response, error) {
	if err := r.check(); err != nil {
		return Response{}, &peer.Error{Class: peer.ClassUsage, Err: err}
	}
	running, err := List(dir)
	if err != nil {
		return Response{}, err
	}
	i, err := pick(running, id)
	if err != nil {
		return Response{}, err
	}
	answer, err := i.ask(ctx, r)
	if err != nil {
		return Response{}, &peer.Error{Class: peer.ClassTimedOut, Msg: i.ID + " gives no answer", Err: err}
	}
	if !answer.OK {
		return answer, fail(classOfCode(answer.Code), answer.Hint, "%s", answer.Error)
	}
	return answer, nil
}

// pick finds the one instance that is meant.
func pick(running []Instance, id string) (Instance, error) {
	fit, names := []Instance{}, []string{}
	for _, i := range running {
		names = append(names, i.ID)
		if id == "" || id == i.ID || id == i.Role || id == strconv.Itoa(i.PID) {
			fit = append(fit, i)
		}
	}
	all := strings.Join(names, ", ")
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(running) == 0:
		return Instance{}, fail(peer.ClassNoSession, "start one, `sightline host` for example; a role of another user is not seen", "no sightline of yours runs here")
	case len(fit) == 0:
		return Instance{}, fail(peer.ClassNoSession, "running: "+all, "no sightline called %s runs here", id)
	}
	return Instance{}, fail(peer.ClassUsage, "say which: --id "+fit[0].ID, "several run: %s", all)
}

// ask has the conversation.
func (i Instance) ask(ctx context.Context, r Request) (Response, error) {
	c, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "unix", i.path)
	if err != nil {
		return Response{}, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * patience))
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	line, err := json.Marshal(r)
	if err != nil {
		return Response{}, err
	}
	if _, err := c.Write(append(line, '\n')); err != nil {
		return Response{}, err
	}
	line, err = readLine(c, maxResponse)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Response{}, fmt.Errorf("read the answer: %w", err)
	}
	return parseResponse(line)
}
