package peer

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"sync"
	"time"

	"sightline/peer/secure"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/codec"
)

// glass is the window and what is on it. The window is called by one goroutine
// at a time.
type glass struct {
	mu     sync.Mutex
	w      screen.Window
	state  screen.State
	layout screen.Layout
	dec    decoder
	lender *lender // the window, if it lends its memory; else nil
	frames map[screen.PictureID]*screen.Frame
	marks  []screen.Mark
	asked  bool      // a reset was asked for and has not come
	mended time.Time // when that was last done for a message that made no sense

	stats  Stats
	began  time.Time
	shown  int
	decode time.Duration
	exact  bool
	sharp  bool        // an exact picture was told
	timer  *time.Timer // of the next Stats; nil: nothing moves
}

// decoder is a codec.Decoder that can forget pictures.
type decoder interface {
	codec.Decoder
	Keep(*screen.Layout) // drops those that the layout does not name
}

func newGlass(w screen.Window, s screen.State) *glass {
	g := &glass{w: w, state: s, frames: map[screen.PictureID]*screen.Frame{}}
	if maker, ok := w.(screen.FrameMaker); ok {
		g.lender = &lender{FrameMaker: maker}
		g.dec = codec.NewLentDecoder(g.lender)
	} else {
		g.dec = codec.NewDecoder()
	}
	g.dec.Keep(&screen.Layout{}) // nothing, until the host has said what there is
	return g
}

// lender is a window that lends its memory. The decoder asks it to wait for the
// frame before only once it has pixels to write.
type lender struct {
	screen.FrameMaker
	waited time.Duration // in all
}

func (l *lender) Begin() error {
	began := time.Now()
	defer func() { l.waited += time.Since(began) }()
	if err := l.FrameMaker.Begin(); err != nil {
		return fmt.Errorf("%w: %w", errWindow, err)
	}
	return nil
}

// dim says since when the picture is old; zero: it is live.
func (g *glass) dim(since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.state.DimmedSince.Equal(since) {
		g.state.DimmedSince = since
		g.w.State(g.state)
	}
}

func (g *glass) title(title string, viewOnly, shared, clips bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.state
	s.Title, s.ViewOnly, s.Shared, s.Clips = title, viewOnly, shared, clips
	if s != g.state {
		g.state = s
		g.w.State(s)
	}
}

func (g *glass) status() (picture string, dimmed time.Time, s Stats) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.layout.Pictures) > 0 {
		size := g.layout.Pictures[0].Lasting().Size()
		picture = fmt.Sprintf("%dx%d", size.X, size.Y)
	}
	return picture, g.state.DimmedSince, g.stats
}

// Picture copies one picture as the viewer has it; nil if there is none.
func (v *View) Picture(id screen.PictureID) *screen.Frame {
	v.glass.mu.Lock()
	defer v.glass.mu.Unlock()
	f := v.glass.frames[id]
	if f == nil {
		return nil
	}
	c := screen.NewFrame(f.Rect)
	c.Copy(f, f.Rect)
	return c
}

// paint reads screen streams one after the other: the next one goes on where
// the one before was handed over.
func (v *View) paint(ctx context.Context) {
	defer v.stopTelling()
	for {
		select {
		case st := <-v.screens:
			err := v.watch(st.s)
			close(st.done)
			if errors.Is(err, wire.ErrMalformed) || errors.Is(err, codec.ErrMalformed) {
				v.finish(&Error{Class: ClassFault, Msg: "the host broke the protocol", Err: err})
			} else if errors.Is(err, errWindow) && errors.Is(err, net.ErrClosed) {
				v.End() // the person closed the window
			} else if errors.Is(err, errWindow) {
				v.finish(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// errWindow marks what the local window answered.
var errWindow = errors.New("the window failed")

// watch shows what comes on one stream until it ends.
func (v *View) watch(s *secure.Sealed) error {
	defer s.Close()
	out := newScreenOut(s)
	defer out.end()
	v.mu.Lock()
	v.showing = out
	hidden := v.hidden
	v.mu.Unlock()
	if hidden {
		out.hide(true)
	}
	r := wire.NewReader(s, wire.Screen)
	for {
		t, _, body, err := r.Next()
		if err != nil {
			return err
		}
		a, err := v.glass.take(t, body)
		if err == errMoveOver {
			return nil
		}
		if t == wire.TypeLayout {
			v.sizeSoon(func(f *frame) { f.shows = true })
		}
		if err == nil {
			err = out.answer(a)
		}
		if err != nil {
			return err
		}
		v.noteFrame()
		v.tell()
	}
}

// take shows one message and says what the host should hear about it.
func (g *glass) take(t wire.Type, body []byte) (answer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch t {
	case wire.TypeFrame:
		return g.frameLocked(body)
	case wire.TypeCursor:
		return answer{}, g.cursorLocked(body)
	case wire.TypeLayout:
		return answer{}, g.layoutLocked(body)
	case wire.TypeMoved:
		return answer{}, errMoveOver
	}
	return answer{}, wire.ErrMalformed
}

// mendEach is how often a message that makes no sense is forgiven: a decoder that
// has come out of step may find out so. A host that sends such on purpose is left.
const mendEach = 10 * time.Second

// outOfStep tells whether an error of the decoder is mended by a reset.
func (g *glass) outOfStep(err error) bool {
	if errors.Is(err, codec.ErrDesync) {
		return true
	}
	if !errors.Is(err, codec.ErrMalformed) || time.Since(g.mended) < mendEach {
		return false
	}
	g.mended, g.asked = time.Now(), false
	return true
}

// frameLocked decodes and draws. A picture out of step is asked for afresh,
// once; until it comes, frames are read and dropped.
func (g *glass) frameLocked(body []byte) (answer, error) {
	head, msg, err := wire.ParseFrame(body)
	if err != nil {
		return answer{}, err
	}
	began, waited := time.Now(), g.waited()
	id, f, region, err := g.dec.Decode(msg)
	if err != nil {
		clear(g.frames) // of which some may have been given back
	}
	switch {
	case err == nil:
	case !g.outOfStep(err):
		return answer{}, err
	case g.asked:
		return answer{}, nil
	default:
		g.asked = true
		return answer{kind: wire.TypeReset}, nil
	}
	if pic, ok := g.layout.Find(id); !ok || pic.Bounds() != f.Rect { // started under an older layout
		return answer{}, fmt.Errorf("%w: a picture that no layout names", wire.ErrMalformed)
	}
	g.asked = false
	decoded := time.Now()
	g.frames[id] = f
	if err := g.w.Draw(id, f, region); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errWindow, err)
	}
	g.shown++
	waited = g.waited() - waited // for the frame before
	g.decode += decoded.Sub(began) - waited
	g.exact = head.Exact
	return answer{wire.TypeShown, head, time.Since(began) - waited}, nil
}

func (g *glass) waited() time.Duration {
	if g.lender == nil {
		return 0
	}
	return g.lender.waited
}

func (g *glass) cursorLocked(body []byte) error {
	m, err := wire.ParseCursor(body)
	if err != nil {
		return err
	}
	c := screen.Cursor{Picture: screen.PictureID(m.Picture), At: image.Pt(int(m.X), int(m.Y)), Hidden: m.Hidden}
	if len(m.Shape) > 0 {
		if c.Shape, err = codec.ParseCursor(m.Shape); err != nil {
			return err
		}
	}
	return g.w.Cursor(&c)
}

func (g *glass) layoutLocked(body []byte) error {
	infos, err := wire.ParseLayout(body)
	if err != nil {
		return err
	}
	var l screen.Layout
	total := 0
	for _, q := range infos {
		if err := screen.CheckSize(int(q.W), int(q.H)); err != nil {
			return fmt.Errorf("%w: %w", wire.ErrMalformed, err)
		}
		if total += int(q.W) * int(q.H); total > screen.MaxPixels {
			return fmt.Errorf("%w: pictures of more than %d px", wire.ErrMalformed, screen.MaxPixels)
		}
		at := image.Pt(int(q.X), int(q.Y))
		l.Pictures = append(l.Pictures, screen.Picture{
			ID: screen.PictureID(q.ID), Name: q.Name, Rect: image.Rectangle{Min: at, Max: at.Add(image.Pt(int(q.W), int(q.H)))},
			Main: rectOf(q.Main), Over: rectOf(q.Over),
		})
	}
	g.layout = l
	g.dec.Keep(&l)
	for id := range g.frames {
		if _, ok := l.Find(id); !ok {
			delete(g.frames, id)
		}
	}
	return g.w.Layout(&l)
}

// tell sees to it that Stats follow what was shown: in a second, the last frames
// before it grows quiet too, and at once when the first exact picture stands.
func (v *View) tell() {
	g := v.glass
	g.mu.Lock()
	if g.shown > 0 && g.timer == nil {
		g.began = time.Now()
		g.timer = time.AfterFunc(tellEach, v.tellMore)
	}
	first := g.shown > 0 && g.exact && !g.sharp
	g.mu.Unlock()
	if first {
		v.emitStats()
		signal(v.settled)
	}
}

// tellMore goes on for as long as frames come.
func (v *View) tellMore() {
	g := v.glass
	g.mu.Lock()
	stopped, quiet := g.timer == nil, g.shown == 0
	if quiet {
		g.timer = nil
	} else if !stopped {
		g.timer.Reset(tellEach)
	}
	g.mu.Unlock()
	if !stopped && !quiet {
		v.emitStats()
	}
}

func (v *View) stopTelling() {
	g := v.glass
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}

func (v *View) emitStats() {
	v.mu.Lock()
	rtt := time.Duration(0)
	if n := len(v.lags); n > 0 {
		rtt = v.lags[n-1]
	}
	v.mu.Unlock()
	g := v.glass
	g.mu.Lock()
	s := Stats{BytesOut: v.traffic.out.Load(), BytesIn: v.traffic.in.Load(), Refined: g.exact, RTT: rtt}
	s.Frame = g.decode / time.Duration(max(g.shown, 1))
	s.FPS = float64(g.shown) / max(time.Since(g.began), tellEach).Seconds()
	g.shown, g.decode, g.began = 0, 0, time.Now()
	g.stats, g.sharp = s, g.sharp || s.Refined
	g.mu.Unlock()
	v.o.Events(s)
}
