package secure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/flynn/noise"
	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
)

// Doors are the ways into a host. A nil function is a way that is switched
// off (the viewer reads status 3). The functions are called by many
// handshakes at the same time and must answer at once.
type Doors struct {
	// Code returns the open door with this session number, or nil. A door that
	// is shut counts as none; one whose guard waits makes the viewer wait.
	Code func(number uint64) *CodeDoor
	// Resume returns the key of a session that may go on, for this viewer only.
	Resume func(session uint64, viewer p2p.ID) (key [32]byte, ok bool)
	// Porch limits the handshakes under way on this host. Required.
	Porch *Porch
}

// Admit is the host's end of the handshake. viewer is the peer that libp2p
// authenticated on the connection of s. Errors:
//
//	ErrWrongCode     charged: a wrong confirmP, or the viewer left after M4
//	*WaitError       answered WAIT, not charged
//	ErrClosed, ErrModeOff, ErrBusy, ErrVersion   the viewer was told so in M2
//	ErrTampered, ErrProtocol, ErrWrongPeer       a fault or an attack
//	anything else    the stream broke, or ctx ended
//
// An attempt is charged to the door before M4 goes out and given back when M7
// has been verified, which also takes one use of the code. On an error s is
// closed, and so it is when ctx ends before Admit has returned. Afterwards
// ctx plays no part.
func Admit(ctx context.Context, s Stream, me Identity, viewer p2p.ID, d Doors) (*Session, error) {
	return admit(ctx, s, me, viewer, d, rand.Reader)
}

func admit(ctx context.Context, s Stream, me Identity, viewer p2p.ID, d Doors, rand io.Reader) (*Session, error) {
	if me.key == nil || d.Porch == nil {
		return nil, errors.Join(errors.New("secure: admit needs an Identity and a Porch"), s.Reset())
	}
	h := &host{talk: newTalk(s), me: me, viewer: viewer, doors: d, rand: rand}
	return guarded(ctx, s, h.run)
}

// host is one run of the host's end.
type host struct {
	*talk
	me     Identity
	viewer p2p.ID
	doors  Doors
	rand   io.Reader
	place  *place

	hello  m1
	m1, m2 []byte
}

func (h *host) run() (*Session, error) {
	if _, err := publicKey(h.viewer); err != nil {
		return nil, err
	}
	var ok bool
	if h.place, ok = h.doors.Porch.enter(h.viewer); !ok {
		h.end = time.Now().Add(firstRead) // those who got no place get no time either
		return nil, h.refuse(statusBusy, ErrBusy)
	}
	defer h.place.leave()
	if err := h.listen(); err != nil {
		return nil, err
	}
	switch h.hello.mode {
	case ModeCode:
		return h.byCode()
	case ModeResume:
		return h.byResume()
	case ModePass, ModeKey:
		return nil, h.refuse(statusModeOff, ErrModeOff)
	}
	return nil, fmt.Errorf("%w: unknown mode %d", ErrProtocol, h.hello.mode)
}

// listen reads M1 and judges what it can.
func (h *host) listen() (err error) {
	if h.m1, err = h.read(lenM1, firstRead); err != nil {
		return err
	}
	if h.hello, err = parseM1(h.m1); err != nil {
		return err
	}
	if h.hello.version != protocolVersion {
		return h.refuse(statusVersion, ErrVersion)
	}
	if h.hello.suite != suiteAESGCM && h.hello.suite != suiteChaChaPoly {
		return fmt.Errorf("%w: unknown suite %d", ErrProtocol, h.hello.suite)
	}
	return nil
}

// byCode is mode 1.
func (h *host) byCode() (*Session, error) {
	if h.doors.Code == nil {
		return nil, h.refuse(statusModeOff, ErrModeOff)
	}
	door := h.doors.Code(h.hello.number)
	if door == nil || door.Number() != h.hello.number || !door.Verifier.valid() {
		return nil, h.refuse(statusClosed, ErrClosed)
	}
	if err := door.Check(); err != nil {
		return nil, h.refuseDoor(err)
	}
	if err := h.answer(door.Verifier.Profile, door.Verifier.Salt); err != nil {
		return nil, err
	}
	shareP, err := h.read(lenM3, eachRead)
	if err != nil {
		return nil, err
	}
	// Refused before the charge: it does not depend on the secret whether a
	// share is a point. Everything after this line may.
	if _, err := parsePoint(shareP); err != nil {
		return nil, fmt.Errorf("%w: shareP: %w", ErrTampered, err)
	}
	if !h.place.advance() {
		return nil, fmt.Errorf("%w: %w", ErrAgain, ErrBusy)
	}
	attempt, err := door.Begin() // charged here, before M4
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAgain, err)
	}
	defer attempt.Fail()
	return h.verifyCode(door.Verifier, shareP, attempt)
}

// refuseDoor tells the viewer in M2 that the door waits or is shut.
func (h *host) refuseDoor(err error) error {
	var wait *WaitError
	if errors.As(err, &wait) {
		return h.send(m2{status: statusWait, wait: waitSeconds(wait.For)}, err)
	}
	return h.refuse(statusClosed, fmt.Errorf("%w: %w", ErrClosed, err))
}

// verifyCode is the rest of SPAKE2+ (M4 and confirmP), then Noise.
func (h *host) verifyCode(v Verifier, shareP []byte, attempt *invite.Attempt) (*Session, error) {
	keys, m4, err := h.replyTo(v, shareP)
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	if err := h.write(m4); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWrongCode, err)
	}
	m5, err := h.read(lenM5, eachRead)
	if err != nil {
		return nil, fmt.Errorf("%w: no proof: %w", ErrWrongCode, err)
	}
	confirmP, noise1 := m5[:macLen], m5[macLen:]
	if !equal(keys.confirmP[:], confirmP) {
		return nil, ErrWrongCode
	}
	th := handshakeHash(h.m1, h.m2, shareP, m4, confirmP)
	psk, err := pakePSK(keys.shared[:], th)
	if err != nil {
		return nil, err
	}
	defer clear(psk)
	return h.seal(th, psk, noise1, attempt.Success)
}

// replyTo computes the host's share and confirmation.
func (h *host) replyTo(v Verifier, shareP []byte) (keys *pakeKeys, m4 []byte, err error) {
	y, err := randomScalar(h.rand)
	if err != nil {
		return nil, nil, err
	}
	defer clear(y)
	shareV, err := verifierShare(y, v.W0)
	if err != nil {
		return nil, nil, fmt.Errorf("make shareV: %w", err)
	}
	z, vv, err := verifierPoints(y, v.W0, v.L, shareP)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: shareP: %w", ErrTampered, err)
	}
	defer clear(z)
	defer clear(vv)
	tt := transcript(pakeContext(h.m1, h.m2), []byte(h.viewer), []byte(h.me.id), shareP, shareV, z, vv, v.W0)
	defer clear(tt)
	if keys, err = schedule(tt, shareP, shareV); err != nil {
		return nil, nil, err
	}
	return keys, append(shareV, keys.confirmV[:]...), nil
}

// byResume is mode 4. There is nothing to guess in 256 bits, so no ledger.
func (h *host) byResume() (*Session, error) {
	if h.doors.Resume == nil {
		return nil, h.refuse(statusModeOff, ErrModeOff)
	}
	key, ok := h.doors.Resume(h.hello.number, h.viewer)
	defer clear(key[:])
	if !ok || key == ([32]byte{}) {
		return nil, h.refuse(statusClosed, ErrClosed)
	}
	if err := h.answer(profileNone, [saltLen]byte{}); err != nil {
		return nil, err
	}
	noise1, err := h.read(lenNoise1, eachRead)
	if err != nil {
		return nil, err
	}
	if !h.place.advance() {
		return nil, fmt.Errorf("%w: %w", ErrAgain, ErrBusy)
	}
	return h.seal(handshakeHash(h.m1, h.m2), key[:], noise1, func() error { return nil })
}

// seal is Noise: the end of M5, M6, M7. proven is called when M7 has been
// verified; only then is there a session.
func (h *host) seal(th, psk, noise1 []byte, proven func() error) (*Session, error) {
	hs, err := noiseConfig{me: h.me, viewer: h.viewer, host: h.me.id, mode: h.hello.mode, suite: h.hello.suite,
		th: th, psk: psk, rand: h.rand}.start()
	if err != nil {
		return nil, err
	}
	if _, _, _, err := hs.ReadMessage(nil, noise1); err != nil {
		return nil, fmt.Errorf("%w: noise 1", ErrTampered)
	}
	sH, err := h.writeNoise2(hs)
	if err != nil {
		return nil, err
	}
	defer clear(sH)
	m7, err := h.read(lenM7, eachRead)
	if err != nil {
		return nil, err
	}
	payload, receive, send, err := hs.ReadMessage(nil, m7)
	if err != nil {
		return nil, fmt.Errorf("%w: noise 3", ErrTampered)
	}
	sV, err := certified(payload, h.viewer, roleViewer, hs.PeerStatic())
	if err != nil {
		return nil, err
	}
	defer clear(sV)
	if err := proven(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return newSession(sessionParts{
		remote: h.viewer, mode: h.hello.mode, suite: h.hello.suite, stream: h.s,
		send: send, receive: receive, sV: sV, sH: sH, binding: hs.ChannelBinding(),
	})
}

func (h *host) writeNoise2(hs *noise.HandshakeState) (sH []byte, err error) {
	sH = make([]byte, shareLen)
	cert, err := h.me.certify(roleHost)
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(h.rand, sH); err != nil {
		return nil, fmt.Errorf("draw a key share: %w", err)
	}
	payload := append(cert, sH...)
	defer clear(payload)
	noise2, _, _, err := hs.WriteMessage(nil, payload)
	if err != nil {
		return nil, fmt.Errorf("noise 2: %w", err)
	}
	return sH, h.write(noise2)
}

// answer sends M2 with status 0.
func (h *host) answer(profile byte, salt [saltLen]byte) error {
	m := m2{status: statusGo, profile: profile, salt: salt}
	if _, err := io.ReadFull(h.rand, m.nonce[:]); err != nil {
		return fmt.Errorf("draw a nonce: %w", err)
	}
	return h.send(m, nil)
}

// refuse sends M2 with another status and returns why.
func (h *host) refuse(s status, why error) error { return h.send(m2{status: s}, why) }

func (h *host) send(m m2, why error) error {
	h.m2 = m.append(nil)
	if err := h.write(h.m2); err != nil {
		return errors.Join(why, err)
	}
	return why
}
