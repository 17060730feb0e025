package peer

import (
	"context"
	"errors"
	"time"

	"sightline/peer/link"
	"sightline/peer/secure"
)

// comeBack dials the same host again and resumes, for as long as the host
// keeps the seat. The picture says since when it is old.
func (v *View) comeBack(ctx context.Context) (*secure.Session, link.Conn, error) {
	v.mu.Lock()
	v.state, v.path = "reconnecting", Path{}
	session, key, keep, since := v.session, v.key, v.keep, v.heard
	id := v.host.ID
	v.mu.Unlock()
	v.glass.dim(since)
	v.o.Events(Waiting{For: "the host to come back"})
	ctx, done := v.untilEnd(ctx)
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, keep, ErrHostGone)
	defer cancel()
	if time.Since(v.resumed) > livedFor {
		v.pause = 0
	}
	for {
		if err := sleep(ctx, v.pause); err != nil {
			return nil, nil, err
		}
		v.pause = min(max(2*v.pause, pauseFirst), pauseMost)
		s, conn, err := v.resumeOnce(ctx, id, session, key)
		if err == nil {
			v.resumed = time.Now()
			v.glass.dim(time.Time{})
			return s, conn, nil
		}
		v.log.Debug("resume", "err", err)
		if errors.Is(err, secure.ErrClosed) || errors.Is(err, secure.ErrModeOff) {
			return nil, nil, ErrHostGone // it has forgotten us: the session is over
		}
	}
}

// The first try to come back is made at once, the next after a pause that
// doubles. It starts anew only after a connection that lived for a while:
// somebody who strikes each one just after its opening is not to have us, and
// the host, prove the code ten times a second.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 3 * time.Second
	livedFor   = 5 * time.Second
)

func (v *View) resumeOnce(ctx context.Context, id string, session uint64, key [32]byte) (*secure.Session, link.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	host, err := decodeID(id)
	if err != nil {
		return nil, nil, err
	}
	conn, err := v.o.Dialer.Redial(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	raw, err := conn.Knock(ctx)
	if err == nil {
		var s *secure.Session
		if s, err = secure.Join(ctx, v.traffic.count(raw), v.me, host, secure.WithResume(session, key)); err == nil {
			if err = v.await(ctx, s, conn, nil, true); err == nil {
				return s, conn, nil
			}
			s.Close()
		}
	}
	conn.Close()
	return nil, nil, err
}
