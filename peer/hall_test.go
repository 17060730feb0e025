package peer

import (
	"context"
	"crypto/rand"
	"image"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"

	"sightline/peer/invite"
	"sightline/peer/link"
	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/screentest"
)

// A hall is a host whose guests come through pipes: real handshakes, real seats,
// simulated time. What is cut can be counted to the byte.
type hall struct {
	t      *testing.T
	ctx    context.Context
	host   *Host
	hands  *screentest.Hands
	panic  chan struct{}
	knocks chan *link.Knock
	denied sync.Map // p2p.ID of whoever may not knock again

	code     invite.Code
	verifier secure.Verifier
	w        []byte // what Argon2id made of the code
	number   uint64
}

// scribbler is a source whose picture changes 50 times a second.
type scribbler struct {
	f *screen.Frame
	n int
}

func (s *scribbler) Next(ctx context.Context, c *screen.Change) error {
	if s.n++; s.n == 1 {
		c.Layout, c.Frame, c.Damage = &screen.Layout{Pictures: []screen.Picture{{Rect: s.f.Rect}}}, s.f, screen.Region{s.f.Rect}
		return nil
	}
	if err := sleep(ctx, 20*time.Millisecond); err != nil {
		return err
	}
	r := image.Rect(0, 0, 8, 8).Add(image.Pt(s.n%16*8, s.n/16%16*8))
	s.f.Fill(r, uint32(s.n)*0x9e3779)
	c.Frame, c.Damage = s.f, screen.Region{r}
	return nil
}
func (*scribbler) Close() error { return nil }

// alarmed has the panic key.
type alarmed struct {
	*screentest.Hands
	key chan struct{}
}

func (a alarmed) Panic() <-chan struct{} { return a.key }

func (h *hall) Accept(ctx context.Context) (*link.Knock, error) {
	select {
	case k := <-h.knocks:
		return k, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
func (h *hall) Deny(id p2p.ID) { h.denied.Store(id, true) }

// newHall starts all of a host but its codes, which cost too much memory to be
// made a thousand times: open puts the one code on show again.
func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, hands: screentest.NewHands(), panic: make(chan struct{}, 1), knocks: make(chan *link.Knock)}
	var stop context.CancelFunc
	h.ctx, stop = context.WithCancel(t.Context())
	var err error
	h.code, err = invite.New("48291", rand.Reader)
	must(t, err)
	h.verifier, err = secure.NewVerifier(h.code.Secret, rand.Reader)
	must(t, err)
	h.w = secure.Stretch(h.code.Secret, h.verifier.Salt)
	h.host, err = NewHost(HostOptions{
		Key: newKey(t), Node: h, Source: &scribbler{f: screen.NewFrame(image.Rect(0, 0, 128, 128))},
		Injector: alarmed{h.hands, h.panic}, Directory: paper{}, Events: func(Event) {}, Allow: looks | acts, Accept: true,
	})
	must(t, err)
	var wg sync.WaitGroup
	for _, part := range []func(context.Context) error{h.host.capture, h.host.accept, h.host.panicKey} {
		wg.Go(func() { part(h.ctx) })
	}
	t.Cleanup(func() { stop(); wg.Wait() })
	return h
}

// open shows the code for so many guests. It is the same one with another number.
func (h *hall) open(guests int) {
	h.number++
	door := invite.NewDoor(h.number, invite.DoorOptions{Uses: guests})
	h.host.mu.Lock()
	defer h.host.mu.Unlock()
	h.host.door = &openCode{CodeDoor: &secure.CodeDoor{Door: door, Verifier: h.verifier}}
}

// guest is a viewer that keeps to the handshake and to nothing after it.
type guest struct {
	mallory
	host *end // the host's end: counts what leaves it
	seat SeatID
	me   secure.Identity
	id   p2p.ID

	frames atomic.Int64 // seen by looks
}

// knock proves the code of this number.
func (h *hall) knock(number uint64) (*guest, error) {
	key := newKey(h.t)
	me, err := secure.NewIdentity(key)
	must(h.t, err)
	id, err := p2p.IDFromPrivateKey(key)
	must(h.t, err)
	return h.visit(me, id, secure.WithStretched(number, append([]byte(nil), h.w...)))
}

// visit comes with any credential.
func (h *hall) visit(me secure.Identity, id p2p.ID, c secure.Credential) (*guest, error) {
	near, far := newEnds(h.host.me.ID(), id)
	ours, theirs := tubes(near, far)
	h.knocks <- &link.Knock{Conn: far, Stream: theirs}
	g := &guest{mallory: mallory{t: h.t, ctx: h.ctx, conn: near}, host: far, me: me, id: id}
	var err error
	g.s, err = secure.Join(h.ctx, ours, me, near.remote, c)
	return g, err
}

// enter lets a guest in.
func (h *hall) enter() *guest {
	h.t.Helper()
	g, err := h.knock(h.number)
	must(h.t, err)
	g.control = wire.NewReader(g.s.Control(), wire.Control)
	g.say(wire.TypeHello, 0, wire.Hello{Wants: looks | acts, Name: "guest"}.Append(nil))
	kind, _, body, err := g.control.Next()
	if err != nil || kind != wire.TypeAccept {
		h.t.Fatalf("type %d instead of ACCEPT: %v", kind, err)
	}
	g.accept, err = wire.ParseAccept(body)
	must(h.t, err)
	h.host.mu.Lock()
	g.seat = h.host.nextSeat
	h.host.mu.Unlock()
	return g
}

// hears reads what the host says until it hangs up, and gives its last word.
func (g *guest) hears() (last wire.Farewell) {
	for {
		t, _, body, err := g.control.Next()
		if err != nil {
			return last
		}
		if t == wire.TypeBye {
			last, _ = wire.ParseFarewell(body)
		}
	}
}

// hands opens the input channel and reads the acknowledgements.
func (g *guest) hands() *secure.Sealed {
	s := g.open(wire.Input)
	go io.Copy(io.Discard, s)
	return s
}

// looks opens the screen channel and looks at every frame until it ends.
func (g *guest) looks() *eye {
	e := g.watch()
	go func() {
		for {
			frame, _, err := e.next()
			if err != nil {
				return
			}
			if frame {
				g.frames.Add(1)
			}
		}
	}()
	return e
}

// left is how many bytes the host has written to the n-th stream that this
// guest opened.
func (g *guest) left(n int) int64 {
	g.host.mu.Lock()
	defer g.host.mu.Unlock()
	return g.host.all[n].sent.Load()
}

// end is one side of a link made of pipes.
type end struct {
	remote  p2p.ID
	other   *end
	arrives chan link.Stream
	dead    chan struct{}
	once    *sync.Once   // of both sides
	sent    atomic.Int64 // bytes that left this side
	tap     atomic.Pointer[func([]byte)]

	mu  sync.Mutex
	all []*tube
}

func newEnds(host, viewer p2p.ID) (near, far *end) {
	dead, once := make(chan struct{}), &sync.Once{}
	near = &end{remote: host, arrives: make(chan link.Stream, 16), dead: dead, once: once}
	far = &end{remote: viewer, arrives: make(chan link.Stream, 16), dead: dead, once: once, other: near}
	near.other = far
	return near, far
}

func tubes(a, b *end) (link.Stream, link.Stream) {
	x, y := net.Pipe()
	s, t := &tube{Conn: x, end: a}, &tube{Conn: y, end: b}
	for _, u := range []*tube{s, t} {
		u.end.mu.Lock()
		u.end.all = append(u.end.all, u)
		u.end.mu.Unlock()
	}
	return s, t
}

func (e *end) Open(context.Context) (link.Stream, error) {
	s, t := tubes(e, e.other)
	e.other.arrives <- t
	return s, nil
}
func (e *end) Knock(ctx context.Context) (link.Stream, error) { return e.Open(ctx) }
func (e *end) Accept(ctx context.Context) (link.Stream, error) {
	select {
	case s := <-e.arrives:
		return s, nil
	case <-e.dead:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
func (e *end) Remote() p2p.ID           { return e.remote }
func (e *end) Path() Path               { return Path{Kind: link.LAN, Transport: "quic"} }
func (e *end) Paths() <-chan Path       { return nil }
func (e *end) Offer() link.Offer        { return link.Offer{} }
func (e *end) Offers() <-chan struct{}  { return nil }
func (e *end) Upgrade(link.Offer) error { return nil }
func (e *end) Dead() <-chan struct{}    { return e.dead }

// Close ends both sides, as the loss of the only path does.
func (e *end) Close() error {
	e.once.Do(func() { close(e.dead) })
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.all {
		s.Close()
	}
	return nil
}

// record has f see what leaves this side from now on.
func (e *end) record(f func([]byte)) { e.tap.Store(&f) }

// tube is a stream.
type tube struct {
	net.Conn
	end  *end
	sent atomic.Int64
}

func (s *tube) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.sent.Add(int64(n))
	s.end.sent.Add(int64(n))
	if tap := s.end.tap.Load(); tap != nil {
		(*tap)(p[:n])
	}
	return n, err
}
func (s *tube) CloseWrite() error { return nil }
func (s *tube) CloseRead() error  { return nil }
func (s *tube) Reset() error      { return s.Close() }
func (s *tube) Path() link.Path   { return s.end.Path() }
