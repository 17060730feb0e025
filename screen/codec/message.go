package codec

import (
	"encoding/binary"
	"image"
	"iter"
	"slices"
	"time"

	"sightline/screen"
	"sightline/screen/codec/grid"
	"sightline/screen/codec/pict"
)

// message is one update in the making.
type message struct {
	e    *TilesEncoder
	v    *view
	src  *screen.Frame
	b    Budget
	now  time.Duration // since the encoder's birth,
	beat time.Duration // and less what encoding took beyond workMost
	set  *tileSets

	msg    []byte
	start  int  // of the message in msg
	open   int  // where the last section begins; 0: there is none
	coding bool // a body is with the range coder
	max    int  // bytes
	until  time.Time
	late   bool          // until has passed
	begun  bool          // something was looked at
	from   int           // row of tiles that is looked at and sorted first
	unseen screen.Region // what there was no time to look at
	tick   int           // calls of spent since the clock was looked at
	asked  int           // tiles of films that were looked at again,
	left   int           // and those of them that are none any more
}

// mostBytes leaves room for the tile that goes over the limit.
const mostBytes = MaxMessage - 64<<10

// begin writes the header.
func (m *message) begin(e *TilesEncoder, v *view, c *screen.Change, b Budget, dst []byte) {
	*m = message{e: e, v: v, src: c.Frame, b: b, now: e.now(), set: &e.tiles, unseen: m.unseen[:0], msg: dst, start: len(dst), max: mostBytes}
	if b.Bytes > 0 {
		m.max = min(b.Bytes, mostBytes)
	}
	if b.CPU > 0 {
		m.until = time.Now().Add(b.CPU)
	}
	m.beat = m.now - e.over
	m.set.size(c.Frame.Rect.Size())
	flags := byte(0)
	if v.fresh {
		flags |= flagFresh
	}
	if e.forget {
		flags |= flagForget
	}
	m.msg = append(m.msg, flags, byte(c.Picture), v.seq)
	if v.fresh {
		m.msg = append(m.msg, version)
		m.msg = binary.LittleEndian.AppendUint16(m.msg, uint16(m.src.Rect.Dx()))
		m.msg = binary.LittleEndian.AppendUint16(m.msg, uint16(m.src.Rect.Dy()))
	}
}

// section begins one; the one before gets its size.
func (m *message) section(kind byte) {
	if m.open > 0 {
		var size [binary.MaxVarintLen32]byte
		n := binary.PutUvarint(size[:], uint64(len(m.msg)-m.open-1))
		m.msg[m.open] &^= lastKind
		m.msg = slices.Insert(m.msg, m.open+1, size[:n]...)
	}
	m.open = len(m.msg)
	m.msg = append(m.msg, kind|lastKind)
}

// quiet tells whether there is nothing to say yet.
func (m *message) quiet() bool { return m.open == 0 && !m.v.fresh }

// size of the message so far.
func (m *message) size() int {
	n := len(m.msg) - m.start
	if m.coding {
		n += m.e.rc.Len()
	}
	return n
}

// spent tells whether the message has reached limit bytes, or its time is up.
// The clock is looked at with every 16th call.
func (m *message) spent(limit int) bool {
	if m.size() >= limit {
		return true
	}
	if m.until.IsZero() || m.late {
		return m.late
	}
	if m.tick++; m.tick%16 == 1 {
		m.late = !time.Now().Before(m.until)
	}
	return m.late
}

// tired tells whether the time of the message is up. The clock is looked at with
// each call; the first one is always free.
func (m *message) tired() bool {
	if !m.begun || m.until.IsZero() || m.late {
		m.begun = true
		return m.late
	}
	m.late = !time.Now().Before(m.until)
	return m.late
}

// look finds the tiles that differ. If that takes all the time of the message, the
// next one begins with what this one has not come to.
func (m *message) look(c *screen.Change) {
	damage := c.Damage
	if m.v.fresh {
		m.e.whole[0] = m.src.Rect
		damage = m.e.whole[:]
	}
	m.tighten(c)
	m.from, m.v.next = m.v.next, 0
	upper, lower := m.src.Rect, m.src.Rect
	upper.Max.Y = min(m.from*grid.Side, m.src.Rect.Max.Y)
	lower.Min.Y = upper.Max.Y
	for _, part := range [...]image.Rectangle{lower, upper} {
		for _, r := range damage {
			m.lookAt(r.Intersect(part))
		}
		for _, mv := range c.Moves {
			m.lookAt(mv.To.Intersect(part))
		}
	}
}

// lookAt compares the tiles that r touches with what the viewer was given.
func (m *message) lookAt(r image.Rectangle) {
	t := m.set.dirty.Touch(r)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		if m.tired() {
			if len(m.unseen) == 0 {
				m.v.next = y
			}
			r.Min.Y = max(r.Min.Y, y*grid.Side)
			m.unseen = append(m.unseen, r)
			return
		}
		for x := t.Min.X; x < t.Max.X; x++ {
			m.lookAtTile(x, y, false)
		}
	}
}

// lookAtTile compares a tile, unless it is known to be equal.
func (m *message) lookAtTile(x, y int, equal bool) {
	dirty := &m.set.dirty
	if !equal && !same(m.src, m.v.meant, dirty.Tile(x, y)) {
		dirty.Add(x, y)
		return
	}
	dirty.Del(x, y)
	if m.v.rough.Has(x, y) {
		m.set.again.Add(x, y)
	}
}

// manyTiles that differ are worth a search for what has only moved.
const manyTiles = 40

// follow finds what has moved, in what the source tells or by searching.
func (m *message) follow(told []screen.Move) {
	if m.v.fresh {
		return
	}
	e := m.e
	e.moves = e.moves[:0]
	room := mostMoved(m.src.Rect)
	for _, mv := range told {
		if len(e.moves) < maxMoves && possible(mv, m.src.Rect) && area(mv.To) <= room {
			room -= area(mv.To)
			e.moves = append(e.moves, mv)
			m.move(mv)
			m.lookAt(mv.To)
		}
	}
	if !m.late && m.restless(manyTiles) {
		found := len(e.moves)
		e.moves = m.v.finder.Find(e.moves, m.src, m.v.meant, &m.set.dirty)
		e.moves = e.moves[:min(len(e.moves), maxMoves)]
		for i, mv := range e.moves[found:] {
			if room -= area(mv.To); room < 0 {
				e.moves = e.moves[:found+i]
				break
			}
			m.move(mv)
		}
		m.lookAfter(e.moves[found:])
	}
	if len(e.moves) > 0 {
		m.v.moved = m.now
		m.section(kindMoves)
		m.msg = appendMoves(m.msg, e.moves)
	}
}

// restless tells whether more tiles differ than n, those of films aside: what
// moves in a film is the film coder's to find.
func (m *message) restless(n int) bool {
	s := m.set
	if s.dirty.Len() <= n {
		return false
	}
	for y := range s.dirty.Rows {
		for x := s.dirty.Next(0, y); x < s.dirty.Cols; x = s.dirty.Next(x+1, y) {
			if !m.v.history(x, y).moving() {
				if n--; n < 0 {
					return true
				}
			}
		}
	}
	return false
}

// lookAfter compares the tiles that moves have changed, but for those of which
// the finder knows that they are equal now.
func (m *message) lookAfter(moves []screen.Move) {
	s := m.set
	s.done.Copy(&s.dirty)
	for _, mv := range moves {
		t := s.dirty.Touch(mv.To)
		for y := t.Min.Y; y < t.Max.Y; y++ {
			for x := t.Min.X; x < t.Max.X; x++ {
				m.lookAtTile(x, y, s.done.Has(x, y) && m.v.finder.Mended(moves, x, y))
			}
		}
	}
}

// move carries out one move on what the viewer has.
func (m *message) move(mv screen.Move) {
	v := m.v
	v.light(mv.To)
	v.light(mv.To.Sub(mv.To.Min).Add(mv.From))
	v.shown.Shift(mv)
	if v.meant != v.shown {
		v.meant.Shift(mv)
	}
	m.touched(mv.To)
	if v.lossy.Len() == 0 {
		return
	}
	t := v.lossy.Touch(mv.To)
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for x := t.Min.X; x < t.Max.X; x++ {
			m.mark(x, y)
			h := v.history(x, y)
			h.changed, h.beaten = m.now, m.beat
		}
	}
}

// mark notes whether a tile is shown as it is meant. What was rough is only
// lossy where it was moved to.
func (m *message) mark(x, y int) {
	v := m.v
	v.rough.Del(x, y)
	if same(v.shown, v.meant, v.lossy.Tile(x, y)) {
		v.lossy.Del(x, y)
	} else {
		v.lossy.Add(x, y)
	}
}

// touched tells the film coder of pixels that are not its own.
func (m *message) touched(r image.Rectangle) {
	if m.v.film != nil {
		m.v.film.Touched(r)
	}
}

// least is what a message may always cost in bytes, so that each one gets on.
const least = 400

// send codes what differs: text before pictures, and of the text first what
// the budget asks for.
func (m *message) send() {
	s := m.set
	limit := max(m.max, least)
	if s.films.Len()+s.small.Len() > 0 {
		limit = max(m.max*3/4, least) // pictures must not starve beside text
	}
	m.text(m.b.First, limit)
	m.exact(m.b.First, limit, false)
	m.text(m.src.Rect, limit)
	m.exact(m.src.Rect, max(m.max, least), false)
	m.film(max(m.max-m.size(), least))
}

// text codes the words within area, as long as the limit lets it.
func (m *message) text(area image.Rectangle, limit int) {
	words := &m.set.words
	t := words.Touch(area)
	if !anyIn(words, t) || m.open > 0 && m.spent(limit) {
		return
	}
	m.section(kindText)
	m.tiles(&m.v.textTiles, textChunk, words, t, limit, func(r image.Rectangle) {
		m.v.light(r)
		m.e.text.Encode(&m.e.rc, m.src, m.v.shown, r)
	})
}

// exact codes the photographs of s.small within area without loss.
func (m *message) exact(area image.Rectangle, limit int, lossy bool) {
	small := &m.set.small
	t := small.Touch(area)
	if !anyIn(small, t) || m.open > 0 && m.spent(limit) {
		return
	}
	m.section(kindExact)
	m.tiles(&m.v.exactTiles, 1, small, t, limit, func(r image.Rectangle) {
		m.v.light(r)
		m.e.rc.Raw(uint32(b2i(lossy)), 1)
		m.e.exact.Encode(&m.e.rc, m.src, m.v.shown, r, lossy)
	})
}

// anyIn tells whether a tile of s lies in t (columns and rows).
func anyIn(s *grid.Set, t image.Rectangle) bool {
	for y := t.Min.Y; y < t.Max.Y; y++ {
		if s.Next(t.Min.X, y) < t.Max.X {
			return true
		}
	}
	return false
}

// textChunk is how many tiles of a row are told apart before the runs among
// them are coded as one each: what text lies beside each other is cheaper
// together, by bytes and by time, and the budget is looked at once per chunk.
const textChunk = 16

// tiles codes the tiles of want that lie in t (columns and rows) and takes them
// out of want: for each chunk of so many columns of a row which they are, then
// by encode each run of them. At least one chunk is coded, then as many as the
// limit lets it.
func (m *message) tiles(coder *grid.Coder, chunk int, want *grid.Set, t image.Rectangle, limit int, encode func(r image.Rectangle)) {
	e, done := m.e, &m.set.done
	done.Clear()
	e.rc.Reset(m.msg)
	m.coding = true
	coder.Begin(done)
	for y := range want.Rows {
		next := want.Cols
		if y >= t.Min.Y && y < t.Max.Y && (done.Len() == 0 || !m.spent(limit)) {
			next = want.Next(t.Min.X, y)
		}
		if !coder.PutRow(&e.rc, y, next < t.Max.X) {
			continue
		}
		for x := 0; x < want.Cols; x += chunk {
			end := min(x+chunk, want.Cols)
			more := done.Len() == 0 || !m.spent(limit)
			for x := x; x < end; x++ {
				coder.PutTile(&e.rc, done, x, y, more && x >= t.Min.X && x < t.Max.X && want.Has(x, y))
			}
			for run := range runs(done, x, end, y) {
				r := done.Tile(run.Min.X, y).Union(done.Tile(run.Max.X-1, y))
				before := e.rc.Len()
				encode(r)
				m.settle(want, run, r, (e.rc.Len()-before)/run.Dx())
			}
		}
	}
	coder.End(done)
	m.msg, m.coding = e.rc.Finish(), false
}

// runs are the tiles of a set between two columns of a row that touch each
// other, as columns and row.
func runs(s *grid.Set, from, to, y int) iter.Seq[image.Rectangle] {
	return func(yield func(image.Rectangle) bool) {
		for x := s.Next(from, y); x < to; x = s.Next(x, y) {
			first := x
			for x < to && s.Has(x, y) {
				x++
			}
			if !yield(image.Rect(first, y, x, y+1)) {
				return
			}
		}
	}
}

// settle notes that a run of tiles, r in px, was coded without loss, for so many
// bytes each.
func (m *message) settle(want *grid.Set, run, r image.Rectangle, cost int) {
	m.touched(r)
	if m.v.meant != m.v.shown {
		m.v.meant.Copy(m.src, r)
	}
	for x := run.Min.X; x < run.Max.X; x++ {
		want.Del(x, run.Min.Y)
		m.v.lossy.Del(x, run.Min.Y)
		m.v.loose.Del(x, run.Min.Y)
		m.v.rough.Del(x, run.Min.Y)
		m.v.history(x, run.Min.Y).cost = uint16(min(cost, 1<<16-1))
	}
}

// filmTime is what the film coder gets even if the words took all the time: half
// a film is worth less than a late one.
const filmTime = 60 * time.Millisecond

// film codes pictures with loss in about so many bytes.
func (m *message) film(bytes int) {
	s, v := m.set, m.v
	if s.films.Len() == 0 || m.open > 0 && m.size() >= max(m.max, least) {
		return
	}
	if v.film == nil {
		v.film = pict.NewEncoder(m.src.Rect.Dx(), m.src.Rect.Dy())
	}
	v.part()
	m.section(kindFilm)
	p := pict.Params{QP: filmQP, MaxQP: coarsestQP}
	if !m.until.IsZero() {
		p.Until = later(m.until, time.Now().Add(filmTime))
	}
	if m.max < mostBytes {
		p.Bytes = bytes
	}
	s.done.Copy(&s.films)
	if !m.until.IsZero() {
		v.filmRow = first(&s.done, v.filmRow, mostFilm)
	}
	loose := m.loosing(&s.done)
	p.Hide = loose
	m.msg = v.film.Encode(m.msg, m.src, v.shown, &s.done, p)
	m.filmed(&s.done, loose, v.film.Stats().MeanQP > roughQP)
}

// mostFilm is how many tiles of a film one message codes where time matters: a
// screen of 3840 x 2160 px. To begin with all of the largest picture takes seconds.
const mostFilm = 32 << 10

// first keeps the first n tiles of a set, in whole rows from row y on, and tells
// where those begin that come next.
func first(s *grid.Set, y, n int) (next int) {
	if s.Len() <= n {
		return 0
	}
	if y >= s.Rows {
		y = 0
	}
	from := y
	for left := n; y < s.Rows && left > 0; y++ {
		for x := s.Next(0, y); x < s.Cols; x = s.Next(x+1, y) {
			left--
		}
	}
	for row := range s.Rows {
		for x := s.Next(0, row); x < s.Cols && (row < from || row >= y); x = s.Next(x+1, row) {
			s.Del(x, row)
		}
	}
	return y % s.Rows
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// end closes the message; without a section there is none, unless the viewer
// does not know the picture yet. What is left to do becomes e.rest.
func (m *message) end() []byte {
	e, v, s := m.e, m.v, m.set
	e.rest = e.rest[:0]
	e.rest = append(e.rest, m.unseen...)
	for _, set := range [...]*grid.Set{&s.words, &s.films, &s.small, &s.later, &v.rough} {
		if set.Len() > 0 {
			e.rest = set.AppendRegion(e.rest)
		}
	}
	v.unite()
	if m.quiet() {
		return m.msg[:m.start]
	}
	if v.band.due(v.seq) {
		m.section(kindCheck)
		m.msg = v.appendCheck(m.msg)
	}
	v.summed = 0
	return m.close()
}

// close counts the message, which will be sent.
func (m *message) close() []byte {
	m.v.fresh, m.e.forget = false, false
	m.v.seq++
	return m.msg
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
