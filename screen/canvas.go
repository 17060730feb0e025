package screen

import (
	"context"
	"image"
	"sync"
)

// Canvas holds the latest pictures. One goroutine writes (Update); any number
// of Taps read, each at its own pace. There is no queue of frames anywhere: a
// Tap adds up which pixels its viewer has not been sent, so a slow viewer skips
// states and never delays capture. The zero value is ready.
//
// The lock is held for copying rows only; encoding and sending happen outside.
type Canvas struct {
	mu     sync.Mutex
	layout *Layout
	pics   map[PictureID]*Frame
	cursor Cursor
	behind map[PictureID]*behind // by picture; none where its frame is complete
	taps   map[*Tap]struct{}
	gone   map[PictureID]bool // forgotten, and the source's layouts may still name them
	err    error              // why there will be no more
}

// behind is what a picture's frame lacks since a Tap took the one with the newest pixels
// for its own: those of where, which stand in from until that Tap looks again.
type behind struct {
	from  *Frame
	where Region
}

// Tap is what one viewer has not been sent yet. Its methods are for one
// goroutine, except Close and those of the Canvas.
type Tap struct {
	c    *Canvas
	wake chan struct{}

	// Guarded by c.mu.
	dirty  map[PictureID]Region
	moves  map[PictureID][]Move // valid only if dirty was empty before them
	cursor Cursor               // place; Shape is the newest that was not taken yet
	moved  bool                 // cursor is new
	layout *Layout
	closed bool
}

// Pictures is the memory into which a Tap copies. It belongs to the caller of
// Take and is used again by the next Take; the zero value is ready.
type Pictures struct {
	frames  map[PictureID]*Frame
	changes []Change
	cursor  Cursor
}

// Clone copies the pictures, with their pixels.
func (p *Pictures) Clone() Pictures {
	n := Pictures{frames: make(map[PictureID]*Frame, len(p.frames)), cursor: p.cursor}
	for id, f := range p.frames {
		g := NewFrame(f.Rect)
		g.Copy(f, f.Rect)
		g.At = f.At
		n.frames[id] = g
	}
	return n
}

// Frame is the copy of one picture as of the last Take, nil if there is none.
// What the tap still owes is not in it.
func (p *Pictures) Frame(id PictureID) *Frame { return p.frames[id] }

// Changes is what a Take found: first the layout, then pixels, then the cursor.
// Frames and regions belong to the Pictures that were passed in.
type Changes struct {
	Layout *Layout
	Frames []Change // one for each damaged picture
	Cursor *Cursor
}

// Update takes over one change of the source. The frame's damaged rows are
// copied; c may be used again at once.
func (c *Canvas) Update(ch *Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.Layout != nil {
		c.setLayoutLocked(ch.Layout)
	}
	if ch.Frame != nil {
		c.paintLocked(ch)
	}
	if ch.Cursor != nil {
		c.pointLocked(ch.Cursor)
	}
	for t := range c.taps {
		t.wakeUp()
	}
}

// Fail ends the canvas: every Take returns err from now on.
func (c *Canvas) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for t := range c.taps {
		t.wakeUp()
	}
}

// Forget drops a picture at once, and whatever a change that is on its way still
// tells of it, until a layout comes that does not name it.
func (c *Canvas) Forget(id PictureID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.layout == nil {
		return
	}
	if c.gone == nil {
		c.gone = map[PictureID]bool{}
	}
	c.gone[id] = true
	c.setLayoutLocked(c.layout)
	for t := range c.taps {
		t.wakeUp()
	}
}

// Forgetting tells whether a picture was forgotten that the source's layouts may still name.
func (c *Canvas) Forgetting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.gone) > 0
}

// withoutLocked is a layout without what was forgotten.
func (c *Canvas) withoutLocked(l *Layout) *Layout {
	if len(c.gone) == 0 {
		return l
	}
	left := &Layout{}
	named := map[PictureID]bool{}
	for _, p := range l.Pictures {
		named[p.ID] = true
		if !c.gone[p.ID] {
			left.Pictures = append(left.Pictures, p)
		}
	}
	for id := range c.gone {
		if !named[id] {
			delete(c.gone, id)
		}
	}
	return left
}

// Layout is the current list of pictures, nil before the first.
func (c *Canvas) Layout() *Layout {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.layout
}

// Snapshot copies one picture as it is now; nil if there is none.
func (c *Canvas) Snapshot(id PictureID) *Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.settledLocked(id)
	if f == nil {
		return nil
	}
	s := NewFrame(f.Rect)
	s.Copy(f, f.Rect)
	return s
}

// settledLocked gives a picture's frame with all its pixels, nil if there is none.
func (c *Canvas) settledLocked(id PictureID) *Frame {
	f := c.pics[id]
	if b := c.behind[id]; b != nil {
		for _, r := range b.where {
			f.Copy(b.from, r)
		}
		b.from, b.where = nil, b.where[:0]
	}
	return f
}

// setLayoutLocked keeps the pixels of pictures whose size stays.
func (c *Canvas) setLayoutLocked(l *Layout) {
	l = c.withoutLocked(l)
	pics := make(map[PictureID]*Frame, len(l.Pictures))
	for _, p := range l.Pictures {
		old := c.pics[p.ID]
		if old != nil && old.Rect == p.Bounds() {
			pics[p.ID] = old
			continue
		}
		pics[p.ID] = NewFrame(p.Bounds())
		delete(c.behind, p.ID)
		for t := range c.taps {
			delete(t.moves, p.ID)
			t.dirty[p.ID] = append(t.dirty[p.ID][:0], p.Bounds())
		}
	}
	for t := range c.taps {
		t.layout = l
		for id := range t.dirty {
			if pics[id] == nil {
				delete(t.dirty, id)
				delete(t.moves, id)
			}
		}
	}
	for id := range c.behind {
		if pics[id] == nil {
			delete(c.behind, id)
		}
	}
	c.layout, c.pics = l, pics
}

func (c *Canvas) paintLocked(ch *Change) {
	f := c.pics[ch.Picture]
	if f == nil {
		return // the source speaks of a picture that its layout does not name
	}
	if len(ch.Moves) > 0 {
		c.settledLocked(ch.Picture)
	}
	for _, m := range ch.Moves {
		f.Shift(m)
	}
	b := c.behind[ch.Picture]
	for _, r := range ch.Damage {
		f.Copy(ch.Frame, r)
		if b != nil {
			b.where = b.where.Cut(r.Intersect(ch.Frame.Rect))
		}
	}
	f.At = ch.Frame.At
	for t := range c.taps {
		t.damageLocked(ch, f.Rect)
	}
}

// damageLocked adds a change to what a tap owes. Copies can be handed on only
// if the viewer's picture is up to date before them; else they are damage.
func (t *Tap) damageLocked(ch *Change, within image.Rectangle) {
	d := t.dirty[ch.Picture]
	if len(ch.Moves) > 0 && d.Empty() && len(t.moves[ch.Picture]) == 0 {
		t.moves[ch.Picture] = append(t.moves[ch.Picture][:0], ch.Moves...)
	} else {
		for _, m := range t.moves[ch.Picture] {
			d = d.Add(m.To.Intersect(within))
		}
		delete(t.moves, ch.Picture)
		for _, m := range ch.Moves {
			d = d.Add(m.To.Intersect(within))
		}
	}
	for _, r := range ch.Damage {
		d = d.Add(r.Intersect(within))
	}
	t.dirty[ch.Picture] = d
}

func (c *Canvas) pointLocked(cur *Cursor) {
	shape := c.cursor.Shape
	c.cursor = *cur
	if cur.Shape == nil {
		c.cursor.Shape = shape
	}
	for t := range c.taps {
		shape := t.cursor.Shape
		t.cursor, t.moved = *cur, true
		if cur.Shape == nil {
			t.cursor.Shape = shape
		}
	}
}

// Tap opens a tap that owes everything there is now.
func (c *Canvas) Tap() *Tap {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &Tap{c: c, wake: make(chan struct{}, 1), dirty: map[PictureID]Region{}, moves: map[PictureID][]Move{}}
	if c.taps == nil {
		c.taps = map[*Tap]struct{}{}
	}
	c.taps[t] = struct{}{}
	t.oweAllLocked()
	return t
}

// OweAll makes the tap owe everything again: the viewer's picture was lost.
func (t *Tap) OweAll() {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.oweAllLocked()
}

func (t *Tap) oweAllLocked() {
	c := t.c
	if c.layout == nil {
		return
	}
	t.layout = c.layout
	for id, f := range c.pics {
		delete(t.moves, id)
		t.dirty[id] = append(t.dirty[id][:0], f.Rect)
	}
	t.cursor, t.moved = c.cursor, true
	t.wakeUp()
}

// Owe adds damage back that could not be sent with what Take returned, because
// the frame's budget was spent.
func (t *Tap) Owe(id PictureID, rest Region) {
	if rest.Empty() {
		return
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	f := t.c.pics[id]
	if f == nil {
		return
	}
	d := t.dirty[id]
	for _, m := range t.moves[id] {
		d = d.Add(m.To.Intersect(f.Rect))
	}
	delete(t.moves, id)
	for _, r := range rest {
		d = d.Add(r.Intersect(f.Rect))
	}
	t.dirty[id] = d
	t.wakeUp()
}

// Owes tells whether a Take would return at once with pixels.
func (t *Tap) Owes() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.owesLocked()
}

func (t *Tap) owesLocked() bool {
	for id := range t.dirty {
		if !t.dirty[id].Empty() || len(t.moves[id]) > 0 {
			return true
		}
	}
	return len(t.moves) > 0
}

// Take waits until something is owed, copies the damaged rows into the
// caller's memory and marks them as sent. It returns the canvas' error after
// Fail, the cause of ctx when that ends, and costs nothing while
// nothing changes.
func (t *Tap) Take(ctx context.Context, into *Pictures) (Changes, error) {
	for {
		got, ok, err := t.Poll(into)
		if ok || err != nil {
			return got, err
		}
		select {
		case <-t.wake:
		case <-ctx.Done():
			return Changes{}, context.Cause(ctx)
		}
	}
}

// Wake receives once after news for this tap: for a caller that waits for
// other things, too, and then asks Poll. It may come for nothing.
func (t *Tap) Wake() <-chan struct{} { return t.wake }

// Poll is Take without waiting; ok tells whether anything was owed.
func (t *Tap) Poll(into *Pictures) (got Changes, ok bool, err error) {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return got, false, c.err
	}
	if t.closed {
		return got, false, context.Canceled
	}
	got.Layout, t.layout = t.layout, nil
	if got.Layout != nil {
		into.keep(got.Layout)
	}
	if t.moved {
		into.cursor = t.cursor
		got.Cursor = &into.cursor
		t.cursor.Shape, t.moved = nil, false
	}
	got.Frames = t.copyLocked(into)
	return got, got.Layout != nil || got.Cursor != nil || len(got.Frames) > 0, nil
}

// copyLocked copies what is owed, picture by picture in the layout's order.
func (t *Tap) copyLocked(into *Pictures) []Change {
	if t.c.layout == nil {
		return nil
	}
	if into.frames == nil {
		into.frames = map[PictureID]*Frame{}
	}
	into.changes = into.changes[:0]
	for _, p := range t.c.layout.Pictures {
		dirty, moves := t.dirty[p.ID], t.moves[p.ID]
		if dirty.Empty() && len(moves) == 0 {
			continue
		}
		src, dst := t.c.settledLocked(p.ID), into.frames[p.ID]
		if dst == nil || dst.Rect != src.Rect {
			dst = NewFrame(src.Rect)
			into.frames[p.ID] = dst
			dirty = append(dirty[:0], src.Rect)
			moves = nil
		}
		if at := src.At; len(moves) == 0 && 2*dirty.Area() > src.Rect.Dx()*src.Rect.Dy() {
			dst = t.c.swapLocked(p.ID, dst, dirty)
			into.frames[p.ID] = dst
			dst.At = at
		} else {
			for _, m := range moves {
				dst.Shift(m)
			}
			for _, r := range dirty {
				dst.Copy(src, r)
			}
			dst.At = at
		}
		ch := into.next()
		ch.Picture, ch.Frame = p.ID, dst
		ch.Moves = append(ch.Moves, moves...)
		ch.Damage = append(ch.Damage, dirty...)
		t.dirty[p.ID] = dirty[:0]
		delete(t.moves, p.ID)
	}
	return into.changes
}

// swapLocked gives away a picture's frame, for f, which lacks where. Most of a picture that
// changes so much is written over by the next change: then nothing was copied.
func (c *Canvas) swapLocked(id PictureID, f *Frame, where Region) *Frame {
	newest := c.pics[id]
	c.pics[id] = f
	b := c.behind[id]
	if b == nil {
		b = new(behind)
		if c.behind == nil {
			c.behind = map[PictureID]*behind{}
		}
		c.behind[id] = b
	}
	b.from, b.where = newest, append(b.where[:0], where...)
	return newest
}

// keep drops the memory of pictures that are gone: windows come and go for
// hours, and each frame may be as large as a screen.
func (p *Pictures) keep(l *Layout) {
	for id := range p.frames {
		if _, ok := l.Find(id); !ok {
			delete(p.frames, id)
		}
	}
}

// next gives an empty Change whose slices are those of an earlier Take.
func (p *Pictures) next() *Change {
	n := len(p.changes)
	if n < cap(p.changes) {
		p.changes = p.changes[:n+1]
	} else {
		p.changes = append(p.changes, Change{})
	}
	p.changes[n].Reset()
	return &p.changes[n]
}

// wakeUp never blocks: one wake-up that was not seen yet is enough.
func (t *Tap) wakeUp() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Settled tells whether nothing is owed: no pixels, no layout, no cursor.
func (t *Tap) Settled() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.layout == nil && !t.moved && !t.owesLocked()
}

// OwesBeside tells whether anything but pixels is owed.
func (t *Tap) OwesBeside() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.layout != nil || t.moved
}

// Clone opens a tap that owes what this one does.
func (t *Tap) Clone() *Tap {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	n := &Tap{
		c: t.c, wake: make(chan struct{}, 1), dirty: map[PictureID]Region{}, moves: map[PictureID][]Move{},
		cursor: t.cursor, moved: t.moved, layout: t.layout, closed: t.closed,
	}
	for id, d := range t.dirty {
		n.dirty[id] = append(Region(nil), d...)
	}
	for id, m := range t.moves {
		n.moves[id] = append([]Move(nil), m...)
	}
	if !n.closed {
		t.c.taps[n] = struct{}{}
	}
	n.wakeUp()
	return n
}

// Close ends the tap; a Take that waits returns.
func (t *Tap) Close() {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.closed = true
	delete(t.c.taps, t)
	t.wakeUp()
}
