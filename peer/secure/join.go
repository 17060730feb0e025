package secure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/flynn/noise"
	p2p "github.com/libp2p/go-libp2p/core/peer"
)

// Join is the viewer's end of the handshake. host is the peer that libp2p
// authenticated on the connection of s. It makes one attempt and never tries
// again by itself; what it returns tells whether trying again is sensible:
//
//	*WaitError     not counted; may start again after For
//	ErrAgain       not counted; may start again
//	ErrWrongCode   counted; ask the person
//	ErrClosed, ErrModeOff, ErrBusy, ErrVersion   the host's first answer
//	ErrTampered, ErrProtocol, ErrWrongPeer       a fault or an attack
//
// On an error s is closed, and so it is when ctx ends before Join has returned.
// Afterwards ctx plays no part.
func Join(ctx context.Context, s Stream, me Identity, host p2p.ID, c Credential) (*Session, error) {
	return join(ctx, s, me, host, c, rand.Reader)
}

func join(ctx context.Context, s Stream, me Identity, host p2p.ID, c Credential, rand io.Reader) (*Session, error) {
	if me.key == nil {
		return nil, errors.Join(errors.New("secure: join with a zero Identity"), s.Reset())
	}
	v := &viewer{talk: newTalk(s), me: me, host: host, cred: c, rand: rand}
	return guarded(ctx, s, v.run)
}

// guarded runs one end of a handshake: ctx ends blocked reads, an error ends
// the stream, success lifts the deadline.
func guarded(ctx context.Context, s Stream, run func() (*Session, error)) (*Session, error) {
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	ses, err := run()
	if !stop() {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = s.SetDeadline(noDeadline)
	}
	if err != nil {
		if ses != nil {
			ses.Close()
		}
		hangUp(s, err)
		return nil, err
	}
	return ses, nil
}

// hangUp closes the stream. After a proper answer (a status in M2, a WAIT
// after M3) the bytes must still go out; otherwise there is nothing to say.
func hangUp(s Stream, err error) {
	var wait *WaitError
	for _, polite := range []error{ErrClosed, ErrModeOff, ErrBusy, ErrVersion, ErrAgain} {
		if errors.Is(err, polite) {
			s.Close()
			return
		}
	}
	if errors.As(err, &wait) {
		s.Close()
		return
	}
	s.Reset()
}

// viewer is one run of the viewer's end.
type viewer struct {
	*talk
	me   Identity
	host p2p.ID
	cred Credential
	rand io.Reader

	m1, m2 []byte
	suite  byte
}

func (v *viewer) run() (*Session, error) {
	defer clear(v.cred.resume[:])
	if _, err := publicKey(v.host); err != nil {
		return nil, err
	}
	answer, err := v.greet()
	if err != nil {
		return nil, err
	}
	switch v.cred.mode {
	case ModeCode:
		return v.proveCode(answer)
	case ModeResume:
		return v.seal(handshakeHash(v.m1, v.m2), v.cred.resume[:], nil)
	}
	return nil, ErrModeOff
}

// greet sends M1 and reads M2.
func (v *viewer) greet() (m2, error) {
	v.suite = v.cred.suite
	if v.suite == 0 {
		v.suite = preferredSuite()
	}
	hello := m1{version: protocolVersion, mode: v.cred.mode, suite: v.suite, number: v.cred.number}
	if _, err := io.ReadFull(v.rand, hello.nonce[:]); err != nil {
		return m2{}, fmt.Errorf("draw a nonce: %w", err)
	}
	v.m1 = hello.append(nil)
	// A host with no place left answers before it has read anything and hangs
	// up, so a failed write is not the end: its answer may be there.
	sent := v.write(v.m1)
	raw, err := v.read(lenM2, eachRead)
	if err != nil {
		return m2{}, errors.Join(err, sent)
	}
	v.m2 = raw
	answer, err := parseM2(raw)
	if err != nil {
		return m2{}, err
	}
	if err := answer.err(); err != nil {
		return m2{}, err
	}
	return answer, sent
}

// proveCode is SPAKE2+ (M3, M4 and confirmP), then Noise.
func (v *viewer) proveCode(answer m2) (*Session, error) {
	w0, w1, err := v.cred.scalars(answer.profile, answer.salt)
	if err != nil {
		return nil, err
	}
	defer clear(w0)
	defer clear(w1)
	x, err := randomScalar(v.rand)
	if err != nil {
		return nil, err
	}
	defer clear(x)
	shareP, err := proverShare(x, w0)
	if err != nil {
		return nil, fmt.Errorf("make shareP: %w", err)
	}
	m4, err := v.guess(shareP)
	if err != nil {
		return nil, err
	}
	keys, err := v.check(m4, shareP, x, w0, w1)
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	th := handshakeHash(v.m1, v.m2, shareP, m4, keys.confirmP[:])
	psk, err := pakePSK(keys.shared[:], th)
	if err != nil {
		return nil, err
	}
	defer clear(psk)
	return v.seal(th, psk, keys.confirmP[:])
}

// guess sends M3 and reads M4. Without an M4 the host has learnt nothing and
// told nothing, whatever the reason.
func (v *viewer) guess(shareP []byte) ([]byte, error) {
	if err := v.write(shareP); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAgain, err)
	}
	m4, err := v.read(lenM4, eachRead)
	if err != nil && !errors.Is(err, ErrProtocol) {
		return nil, fmt.Errorf("%w: %w", ErrAgain, err)
	}
	return m4, err
}

// check verifies confirmV before anything more that depends on the secret is
// sent. A host that does not know the verifier learns that this guess of its
// own was wrong, and nothing else.
func (v *viewer) check(m4, shareP, x, w0, w1 []byte) (*pakeKeys, error) {
	shareV, confirmV := m4[:pointLen], m4[pointLen:]
	z, vv, err := proverPoints(x, w0, w1, shareV)
	if err != nil {
		return nil, fmt.Errorf("%w: shareV: %w", ErrTampered, err)
	}
	defer clear(z)
	defer clear(vv)
	tt := transcript(pakeContext(v.m1, v.m2), []byte(v.me.id), []byte(v.host), shareP, shareV, z, vv, w0)
	defer clear(tt)
	keys, err := schedule(tt, shareP, shareV)
	if err != nil {
		return nil, err
	}
	if !equal(keys.confirmV[:], confirmV) {
		keys.wipe()
		return nil, ErrWrongCode
	}
	return keys, nil
}

// seal is Noise: M5 (behind confirmP, if there was a PAKE), M6, M7.
func (v *viewer) seal(th, psk, confirmP []byte) (*Session, error) {
	hs, err := noiseConfig{me: v.me, viewer: v.me.id, host: v.host, mode: v.cred.mode, suite: v.suite,
		th: th, psk: psk, initiator: true, rand: v.rand}.start()
	if err != nil {
		return nil, err
	}
	noise1, _, _, err := hs.WriteMessage(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("noise 1: %w", err)
	}
	if err := v.write(confirmP, noise1); err != nil {
		return nil, err
	}
	sH, err := v.readNoise2(hs)
	if err != nil {
		return nil, err
	}
	defer clear(sH)
	sV := make([]byte, shareLen)
	defer clear(sV)
	if _, err := io.ReadFull(v.rand, sV); err != nil {
		return nil, fmt.Errorf("draw a key share: %w", err)
	}
	send, receive, err := v.writeNoise3(hs, sV)
	if err != nil {
		return nil, err
	}
	return newSession(sessionParts{
		remote: v.host, mode: v.cred.mode, suite: v.suite, viewer: true, stream: v.s,
		send: send, receive: receive, sV: sV, sH: sH, binding: hs.ChannelBinding(),
	})
}

func (v *viewer) readNoise2(hs *noise.HandshakeState) (sH []byte, err error) {
	m6, err := v.read(lenM6, eachRead)
	if err != nil {
		return nil, err
	}
	payload, _, _, err := hs.ReadMessage(nil, m6)
	if err != nil {
		return nil, fmt.Errorf("%w: noise 2", ErrTampered)
	}
	return certified(payload, v.host, roleHost, hs.PeerStatic())
}

func (v *viewer) writeNoise3(hs *noise.HandshakeState, sV []byte) (send, receive *noise.CipherState, err error) {
	cert, err := v.me.certify(roleViewer)
	if err != nil {
		return nil, nil, err
	}
	payload := append(cert, sV...)
	defer clear(payload)
	noise3, send, receive, err := hs.WriteMessage(nil, payload)
	if err != nil {
		return nil, nil, fmt.Errorf("noise 3: %w", err)
	}
	return send, receive, v.write(noise3)
}
