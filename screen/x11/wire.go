package x11

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xfixes"
)

// Numbers that extension events and errors have on every connection of this
// process. A server chooses its own (64..127 and 128..255) when it starts; xgb
// keeps one global, unguarded table of them, which two servers, or one more
// connection being opened, would fight over. wire renumbers, so the table is
// filled once and never again.
const (
	damageEvents = 64
	fixesEvents  = 66
	randrEvents  = 68
	shmEvents    = 70
	xkbEvents    = 71
	foreignEvent = 127 // known to nobody; xgb drops it
	extErrors    = 254
)

// eventBase is where an extension's events go, and how many it has.
var eventBase = map[string]struct{ base, count byte }{
	"DAMAGE":  {damageEvents, 1},
	"XFIXES":  {fixesEvents, 2},
	"RANDR":   {randrEvents, 2},
	"MIT-SHM": {shmEvents, 1},
	xkbName:   {xkbEvents, 1},
}

// prepare fills xgb's tables, before the first connection reads them, and
// silences its logger, which would write into a terminal interface.
var prepare = sync.OnceFunc(func() {
	xgb.Logger = log.New(io.Discard, "", 0)
	xgb.NewEventFuncs[damageEvents] = damage.NotifyEventNew
	xgb.NewEventFuncs[fixesEvents] = xfixes.SelectionNotifyEventNew
	xgb.NewEventFuncs[fixesEvents+1] = xfixes.CursorNotifyEventNew
	xgb.NewEventFuncs[randrEvents] = randr.ScreenChangeNotifyEventNew
	xgb.NewEventFuncs[randrEvents+1] = randr.NotifyEventNew
	xgb.NewEventFuncs[shmEvents] = shm.CompletionEventNew
	xgb.NewEventFuncs[xkbEvents] = newXKBEvent
	xgb.NewErrorFuncs[extErrors] = newExtError
})

// extError is an error of an extension. Without it xgb would drop errors that
// it has no number for, and whoever waits for that reply would wait for ever.
type extError struct {
	seq          uint16
	major, minor byte
	bad          uint32
}

func newExtError(b []byte) xgb.Error {
	return &extError{
		seq: binary.LittleEndian.Uint16(b[2:]), bad: binary.LittleEndian.Uint32(b[4:]),
		minor: b[8], major: b[10],
	}
}

func (e *extError) SequenceId() uint16 { return e.seq }
func (e *extError) BadId() uint32      { return e.bad }
func (e *extError) Error() string {
	return fmt.Sprintf("X error of extension request %d.%d, resource %#x", e.major, e.minor, e.bad)
}

// events is where one extension's events begin on this server.
type events struct{ theirs, ours, count byte }

// maxReply bounds what is allocated for a reply, in bytes. The longest that is
// asked for is a strip of pixels, stripBytes or one row of 16384.
const maxReply = 16 << 20

// wire stands between xgb and the socket. It plays the server's answer to the
// set-up, which was made before, and renumbers what the server sends:
//
//	error   0  code  seq u16 ...         32 bytes
//	reply   1  -     seq u16 words u32   32 bytes + 4*words
//	event   n  -     seq u16 ...         32 bytes (35, generic: + 4*words)
type wire struct {
	net.Conn
	r     *bufio.Reader
	table atomic.Pointer[[]events]

	setupSent bool // owned by the writer (xgb.NewConnNet, before there is another)

	mu      sync.Mutex // guards holding and held
	holding bool
	held    []byte // requests that wait

	head [32]byte // owned by the reader: what is left of a message's first 32 bytes
	left []byte   //   part of head, or of the set-up
	body uint64   //   bytes of a reply still to come
}

func newWire(c net.Conn, setup []byte) *wire {
	w := &wire{Conn: c, r: bufio.NewReaderSize(c, 64<<10), left: setup}
	w.table.Store(&[]events{})
	return w
}

// Write swallows xgb's own set-up request; ours was sent by handshake.
func (w *wire) Write(b []byte) (int, error) {
	if !w.setupSent {
		w.setupSent = true
		return len(b), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.holding {
		return w.Conn.Write(b)
	}
	w.held = append(w.held, b...)
	if b[0] == opGetInputFocus { // xgb's own question, for which it waits itself
		return len(b), w.flushLocked()
	}
	return len(b), nil
}

// hold gathers the requests that follow, until the returned function sends them in one
// piece: a server that is woken once does them at once, one after another. Nobody may
// wait for an answer to one of them before that. One goroutine holds at a time.
func (w *wire) hold() (send func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holding = true
	return w.send
}

func (w *wire) send() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holding = false
	if w.flushLocked() != nil {
		w.Conn.Close() // as xgb does it: whoever waits hears of it
	}
}

func (w *wire) flushLocked() error {
	if len(w.held) == 0 {
		return nil
	}
	_, err := w.Conn.Write(w.held)
	w.held = w.held[:0]
	return err
}

func (w *wire) Read(b []byte) (int, error) {
	if len(w.left) == 0 && w.body == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	if len(w.left) > 0 {
		n := copy(b, w.left)
		w.left = w.left[n:]
		return n, nil
	}
	if uint64(len(b)) > w.body {
		b = b[:w.body]
	}
	n, err := w.r.Read(b)
	w.body -= uint64(n)
	return n, err
}

// next reads the first 32 bytes of a message and translates them.
func (w *wire) next() error {
	for {
		if _, err := io.ReadFull(w.r, w.head[:]); err != nil {
			return err
		}
		extra := 4 * int64(binary.LittleEndian.Uint32(w.head[4:]))
		if long := w.head[0] == 1 || w.head[0]&0x7f == 35; long && extra > maxReply {
			return fmt.Errorf("the X server announces a reply of %d bytes", extra)
		}
		switch kind := w.head[0] & 0x7f; {
		case w.head[0] == 0:
			if w.head[1] >= 128 {
				w.head[1] = extErrors
			}
		case w.head[0] == 1:
			w.body = uint64(extra)
		case kind == 35: // xgb would take its tail for messages; we select none
			if _, err := io.CopyN(io.Discard, w.r, extra); err != nil {
				return err
			}
			continue
		case kind >= 64:
			w.head[0] = w.head[0]&0x80 | w.renumber(kind)
		}
		w.left = w.head[:]
		return nil
	}
}

func (w *wire) renumber(kind byte) byte {
	for _, e := range *w.table.Load() {
		if kind >= e.theirs && kind-e.theirs < e.count {
			return e.ours + kind - e.theirs
		}
	}
	return foreignEvent
}

// learn notes where an extension's events begin. Called by one goroutine.
func (w *wire) learn(name string, first byte) {
	base, ok := eventBase[name]
	if !ok {
		return
	}
	t := append([]events(nil), *w.table.Load()...)
	t = append(t, events{first, base.base, base.count})
	w.table.Store(&t)
}
