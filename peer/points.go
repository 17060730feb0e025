package peer

import (
	"image"
	"slices"
	"sync"
	"time"

	"sightline/peer/wire"
	"sightline/screen"
)

// Where several viewers watch, each sees where the others point. A viewer whose hands
// act tells its host anyway (input channel); any other does by Point messages. The
// host hands on who moved since the last time. Nobody tells that a pointer rests:
// who is not heard of for pointFor points nowhere, so any of these messages may be
// lost. Where one viewer watches alone there are none.
const (
	pointEach = 100 * time.Millisecond // between two messages, 64 bytes of plaintext each
	pointFor  = 4 * time.Second
)

// Colour of a viewer's pointer. Of the viewers of a host no two have the same.
type Colour uint8

// palette is made to be told apart on any picture and on a dark or light terminal,
// the first ones best: few have more viewers than three.
var palette = [wire.Colours]uint32{
	0xff8c1a, 0x3aa0ff, 0x2fbf4f, 0xe64bd2, 0xe8c81e, 0xe8413c, 0x8f6bff, 0x1fbfb0,
	0xa8703a, 0xff8fb3, 0x9aa82a, 0x4a66d8, 0x7fdca0, 0xb04070, 0x7f93a8, 0xd9b382,
}

// RGB is the colour as 0x00RRGGBB.
func (c Colour) RGB() uint32 { return palette[c%wire.Colours] }

// freeColourLocked is the first that no seat has.
func (h *Host) freeColourLocked() Colour {
	var taken [wire.Colours]bool
	for _, st := range h.seats {
		taken[st.colour] = true
	}
	return Colour(max(slices.Index(taken[:], false), 0))
}

// ration lets something be said at most once in pointEach: at once if it was not for
// so long, else when that time is over, and then the newest.
type ration struct {
	mu    sync.Mutex
	said  time.Time
	timer *time.Timer // runs while something waits to be said; else nil
}

func (r *ration) ask(say func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil {
		r.timer = time.AfterFunc(pointEach-time.Since(r.said), func() {
			r.mu.Lock()
			r.said, r.timer = time.Now(), nil
			r.mu.Unlock()
			say()
		})
	}
}

// pointing is the host's side.
type pointing struct {
	ration ration
	mu     sync.Mutex
	moved  map[SeatID]wire.Point // since it was told last
}

// pointed notes where a viewer points. What is not to be seen says nothing of where
// it stands either.
func (st *seat) pointed(p wire.Point) {
	h := st.host
	if h.alone() || !st.rights().Has(wire.View) || h.withheld() || !h.canvasHas(p) {
		return
	}
	h.points.mu.Lock()
	if h.points.moved == nil {
		h.points.moved = map[SeatID]wire.Point{}
	}
	h.points.moved[st.id] = p
	h.points.mu.Unlock()
	h.points.ration.ask(h.tellPoints)
}

// alone tells whether nobody but one viewer is here.
func (h *Host) alone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.seats) < 2
}

func (h *Host) canvasHas(p wire.Point) bool {
	pic, ok := h.canvas.Layout().Find(screen.PictureID(p.Picture))
	return ok && int(p.X) < pic.Rect.Dx() && int(p.Y) < pic.Rect.Dy()
}

// tellPoints tells every viewer where the others have moved to.
func (h *Host) tellPoints() {
	h.points.mu.Lock()
	moved := h.points.moved
	h.points.moved = nil
	h.points.mu.Unlock()
	if h.withheld() {
		return
	}
	in := h.inside()
	for _, st := range in {
		if !st.rights().Has(wire.View) {
			continue
		}
		var list wire.Points
		for _, other := range in {
			if p, ok := moved[other.id]; ok && other != st {
				list = append(list, wire.SeatPoint{Seat: uint32(other.id), Point: p})
			}
		}
		if len(list) > 0 {
			st.control.Say(wire.TypePoints, list.Append(nil))
		}
	}
}

// company is the viewer's side: where it points, and where the others do.
type company struct {
	ration ration

	// Guarded by View.mu.
	own    wire.Point
	marks  map[SeatID]companion
	expiry *time.Timer // of the marks; nil: there are none
}

type companion struct {
	at    wire.Point
	until time.Time
}

// point tells the others where the pointer of this viewer is, whose hands do not act.
func (v *View) point(p screen.Pointer) {
	v.mu.Lock()
	v.company.own = wire.Point{Picture: uint8(p.Picture), X: clamp16(p.At.X), Y: clamp16(p.At.Y)}
	alone := len(v.roster) < 2
	v.mu.Unlock()
	if !alone {
		v.company.ration.ask(v.sayPoint)
	}
}

func (v *View) sayPoint() {
	v.mu.Lock()
	own := v.company.own
	v.mu.Unlock()
	v.control.Say(wire.TypePoint, own.Append(nil))
}

// hearPoints notes where others have moved to.
func (v *View) hearPoints(body []byte) error {
	m, err := wire.ParsePoints(body)
	if err != nil {
		return err
	}
	v.mu.Lock()
	if v.company.marks == nil {
		v.company.marks = map[SeatID]companion{}
	}
	for _, p := range m {
		v.company.marks[SeatID(p.Seat)] = companion{p.Point, time.Now().Add(pointFor)}
	}
	v.mu.Unlock()
	v.showMarks()
	return nil
}

// showMarks shows where those point who are there, and not for too long at the same
// place. It is called again when the next of them is to go.
func (v *View) showMarks() {
	v.markings.Lock() // one after the other, so that the newest is shown last
	defer v.markings.Unlock()
	v.glass.mark(v.marksNow())
}

func (v *View) marksNow() []screen.Mark {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &v.company
	marks, now, next := []screen.Mark{}, time.Now(), time.Duration(0)
	for id, m := range c.marks {
		i := slices.IndexFunc(v.roster, func(w Watching) bool { return w.Seat == id && !w.You && !w.Away })
		if i < 0 || !now.Before(m.until) {
			delete(c.marks, id)
			continue
		}
		w := v.roster[i]
		marks = append(marks, screen.Mark{
			Picture: screen.PictureID(m.at.Picture), At: image.Pt(int(m.at.X), int(m.at.Y)), Colour: w.Colour.RGB(), Name: orElse(w.Name, "viewer"),
		})
		next = sooner(next, m.until.Sub(now))
	}
	if c.expiry != nil {
		c.expiry.Stop()
		c.expiry = nil
	}
	if next > 0 {
		c.expiry = time.AfterFunc(next, v.showMarks)
	}
	slices.SortFunc(marks, func(a, b screen.Mark) int { return int(a.Colour) - int(b.Colour) })
	return marks
}

// noMarks ends the showing of marks, for the session is over.
func (v *View) noMarks() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.company.expiry != nil {
		v.company.expiry.Stop()
	}
}

// mark shows marks in a window that can.
func (g *glass) mark(list []screen.Mark) {
	w, ok := g.w.(screen.Marker)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(list) == 0 && len(g.marks) == 0 {
		return
	}
	g.marks = list
	w.Marks(list)
}
