package codec

import (
	"encoding/binary"
	"image"
	"time"

	"sightline/screen"
	"sightline/screen/codec/text"
)

// What the film coder is asked for: filmQP where the line allows it, more
// coarsely down to coarsestQP where it does not. A picture that had to be coded
// more coarsely than roughQP is owed again, in the light of what is there
// already, before it is made exact.
const (
	filmQP     = 26
	roughQP    = 32
	coarsestQP = 46
)

// A tile is taken for a photograph if so many of 256 pixels are new to the
// text coder. Once it is one it stays one until clearly fewer are. One that
// changes all the time is a film with fewer: text that scrolls was learned, and a
// film that was coded before is smooth. A tile that changes sides costs
// both coders.
const (
	foreignEnters = 104
	foreignStays  = 48
	movingEnters  = 64
	movingStays   = 32
)

// filmOver is how long a tile must rest to be looked at without prejudice, and
// filmHalts is after how long it is looked at again at all: what comes then may be what was
// behind the film's window. At ten frames a second a film does not halt.
const (
	filmOver  = time.Second
	filmHalts = 150 * time.Millisecond
)

// Where so many tiles of films were asked, and of those that usually say they still are films one
// in surpriseOf does not, the film has ended as a whole, and all its tiles are asked in the same
// message: what comes after it is not left blurred. A film has smooth parts of its own, which
// say so each time (joinFilms brings them back); usual is the mean of some usualOf messages.
const fewAsked, surpriseOf, usualOf = 16, 3, 4

// askAgain is after how many messages a tile of a film is looked at again: the
// question costs more than the tile. Whole rows of tiles are asked in turn, for
// most of the cost is fetching the pixels, which rows side by side bring along. Of a
// large film, where nothing scrolls, it is one of askOf tiles side by side, and those to its
// left where it turns out to be no film any more.
const askAgain, askOf, largeFilm = 16, 4, 1024

// A few photographs, such as an icon that is drawn or a picture in a page that
// scrolls in, are coded without loss at once if they are likely to fit.
const (
	fewTiles  = 48
	exactTile = 420 // bytes, of a photograph without loss: 13 bits a pixel
)

// On a line so slow that the words of one message would take coarseFor
// messages, they are sent as a picture first: readable at once, exact soon. At
// 1 Mbit/s and more none is: a message there is 2.5 kB and more. What is flat
// costs next to nothing.
const (
	textTile  = 10 // bytes, of a tile of text that was not learned yet
	coarseFor = 12
)

// rest is how long a tile must have stood still before it is made exact: longer
// if it changed often, for another frame of a film may come. What nobody has seen change
// need not wait: a new viewer's first picture becomes exact at once.
func (t *history) rest() time.Duration {
	if t.once {
		return 0
	}
	return refineAfter + time.Duration(min(max(t.heat-1, 0), hot)*float32(refineHot))
}

const (
	refineAfter = 150 * time.Millisecond
	refineHot   = 80 * time.Millisecond // for each change of late but the last
)

// sort decides for each tile that differs how it will be coded.
func (m *message) sort() {
	s := m.set
	moving := m.tell()
	switch {
	case moving:
		m.joinFilms()
	case s.films.Len() > fewTiles:
		m.joinPhotographs()
	}
	m.few(moving)
	m.coarse()
	for y := range s.again.Rows {
		for x := s.again.Next(0, y); x < s.again.Cols; x = s.again.Next(x+1, y) {
			if !s.dirty.Has(x, y) {
				s.films.Add(x, y)
			}
		}
	}
}

// tell tells films and words apart, row by row from where the message before
// stopped, as long as there is time. moving: some of the films moves.
func (m *message) tell() (moving bool) {
	s, told := m.set, false
	for row := range s.dirty.Rows {
		y := (m.from + row) % s.dirty.Rows
		x := s.dirty.Next(0, y)
		if x == s.dirty.Cols {
			continue
		}
		if told && m.tired() {
			m.putOff(row)
			return moving
		}
		for told = true; x < s.dirty.Cols; x = s.dirty.Next(x+1, y) {
			moving = m.tellTile(x, y) || moving
		}
	}
	if m.ended() {
		moving = m.askAll()
	}
	return moving
}

// ended tells whether a film has ended, by those of its tiles that were asked.
func (m *message) ended() bool {
	if m.asked < fewAsked {
		return false
	}
	v, left := m.v, float32(m.left)/float32(m.asked)
	if !v.films {
		v.films, v.usual = true, left
	}
	surprise := left > v.usual+(1-v.usual)/surpriseOf
	v.usual += (left - v.usual) / usualOf
	return surprise
}

// askAll looks at every tile that was taken for one of a film, as it was one before.
func (m *message) askAll() (moving bool) {
	films := &m.set.films
	m.asked += films.Len()
	for y := range films.Rows {
		for x := films.Next(0, y); x < films.Cols; x = films.Next(x+1, y) {
			t := m.v.history(x, y)
			t.cost = 0
			if t.film = !t.moving() || m.photographic(x, y, t); t.film {
				moving = moving || t.heat > hot
				continue
			}
			films.Del(x, y)
			m.set.words.Add(x, y)
		}
	}
	return moving
}

// putOff leaves the tiles from a row on, counted from the first that was sorted, to
// the next message.
func (m *message) putOff(row int) {
	s := m.set
	m.v.next = (m.from + row) % s.dirty.Rows
	for ; row < s.dirty.Rows; row++ {
		y := (m.from + row) % s.dirty.Rows
		for x := s.dirty.Next(0, y); x < s.dirty.Cols; x = s.dirty.Next(x+1, y) {
			s.later.Add(x, y)
		}
	}
}

// tellTile does so for one tile, which is a film that moves, or is not.
func (m *message) tellTile(x, y int) (moving bool) {
	t := m.v.history(x, y)
	rested := m.beat - t.beaten
	if rested > filmHalts {
		t.cost = 0 // what it was dear for is past
	}
	if rested > filmOver {
		t.film = false
	}
	t.beat(m.now, m.beat)
	switch {
	case !t.moving():
		t.film = m.photographic(x, y, t)
	case rested > filmHalts || m.turn(x, y) || m.over(x+1, y):
		t.film = m.photographic(x, y, t)
		m.asked++
		m.left += b2i(!t.film)
	}
	if t.film {
		m.set.films.Add(x, y)
		return t.heat > hot
	}
	m.set.words.Add(x, y)
	return false
}

// turn tells that it is a tile's turn to be looked at although it is a film's.
func (m *message) turn(x, y int) bool {
	n := int(m.v.seq)
	return (y+n)%askAgain == 0 && (m.scrolls() || m.set.dirty.Len() < largeFilm || (x+n/askAgain)%askOf == 0)
}

// scrolls tells that of late something moved as a whole: what changes all the time need not
// be a film then.
func (m *message) scrolls() bool {
	return m.now-m.v.moved < filmOver
}

// over tells that a tile changes all the time and is no film, as of the message before
// if it is not told yet.
func (m *message) over(x, y int) bool {
	if x >= m.v.lossy.Cols {
		return false
	}
	t := m.v.history(x, y)
	return !t.film && t.heat > hot && m.beat-t.beaten <= filmOver
}

// patience is how foreign a tile may be without being a photograph.
func (t *history) patience() int {
	switch {
	case t.film && t.heat > hot:
		return movingStays
	case t.film:
		return foreignStays
	case t.heat > hot:
		return movingEnters
	}
	return foreignEnters
}

// photographic tells whether a tile is to be taken for a photograph. Most that
// rest tell by how many of their pixels are like their neighbours, which costs
// a tenth of asking the text coder.
func (m *message) photographic(x, y int, t *history) bool {
	r, moves := m.set.dirty.Tile(x, y), t.heat > hot
	n := flat(m.src, r)
	if n <= hardlyFlat || t.film && moves && n < littleFlat {
		return true
	}
	c := contrast(m.src, r)
	if t.film {
		t.cost -= t.cost / 4 // what it cost as text is past: it is tried again in a while
	}
	switch {
	case moves && t.cost > fading:
		return true
	case (c > strokes || !moves) && grounded(m.src, r):
		return false
	case c <= strokes && text.Colours(m.src, r, manyColours) > manyColours:
		return true
	case moves && n >= mostlyFlat:
		return t.cost > dearText && c <= strokes
	}
	return n < mostlyFlat && m.foreign(x, y) > t.patience()
}

// manyColours without strokes or ground are a smooth part of a photograph.
const manyColours = 8

// dearText is what a tile without strokes may cost in bytes if it changes all the
// time: a film without grain costs 30 to 60.
const dearText = 28

// fading is what a tile costs that is drawn anew in other colours each time.
const fading = 90

// Of 64 pixels, as flat counts them. Measured on the clips: text with
// antialiasing 30 to 64, photographs without grain up to 20, with grain 0 to 5.
const (
	mostlyFlat = 48
	littleFlat = 24
	hardlyFlat = 6
)

// flat is how many of 64 pixels of a tile equal the one to the left or the one
// above. Of a tile that is cut at the edge of the picture it looks at what
// there is.
func flat(f *screen.Frame, r image.Rectangle) (n int) {
	seen := 0
	for y := r.Min.Y + 1; y < r.Max.Y; y += 2 {
		above, row := f.Row(y-1, r.Min.X, r.Max.X), f.Row(y, r.Min.X, r.Max.X)
		for i := 4 * (1 + (y>>1)&1); i+4 <= len(row); i += 8 {
			p := binary.LittleEndian.Uint32(row[i:])
			if p == binary.LittleEndian.Uint32(row[i-4:]) || p == binary.LittleEndian.Uint32(above[i:]) {
				n++
			}
			seen++
		}
	}
	if seen == 0 {
		return 64
	}
	return n * 64 / seen
}

// foreign is how many of 256 pixels of a tile would be new to the text coder.
func (m *message) foreign(x, y int) int {
	return m.e.text.Foreign(m.src, m.set.dirty.Tile(x, y))
}

// joinFilms gives the film tiles that move and lie beside or amid it: its
// smooth parts cost more as text, and the film its references. Smooth is what
// has no strokes; whatever else joins has film around it and no ground.
func (m *message) joinFilms() { m.spread(m.joinFilm) }

// spread offers each tile of text to join, downwards and back up: what joins may
// make its neighbours join, whichever side they lie on.
func (m *message) spread(join func(x, y int)) {
	words := &m.set.words
	for y := range words.Rows {
		for x := words.Next(0, y); x < words.Cols; x = words.Next(x+1, y) {
			join(x, y)
		}
	}
	for y := words.Rows - 1; y >= 0; y-- {
		for x := words.Cols - 1; x >= 0; x-- {
			if words.Has(x, y) {
				join(x, y)
			}
		}
	}
}

func (m *message) joinFilm(x, y int) {
	s, t := m.set, m.v.history(x, y)
	if t.heat <= hot {
		return
	}
	around := 0
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			around += b2i(s.films.Has(x+dx, y+dy))
		}
	}
	if around == 0 {
		return
	}
	r := s.words.Tile(x, y)
	if contrast(m.src, r) > strokes && (around < 3 || grounded(m.src, r)) {
		return
	}
	s.words.Del(x, y)
	s.films.Add(x, y)
	t.film = true
}

// joinPhotographs gives photographs that just came what is soft beside or amid
// them, a sky or what is out of focus: it would cost as much as text as the
// rest of the photograph with loss, and be coded before it.
func (m *message) joinPhotographs() { m.spread(m.joinPhotograph) }

func (m *message) joinPhotograph(x, y int) {
	s := m.set
	if !s.films.Has(x-1, y) && !s.films.Has(x+1, y) && !s.films.Has(x, y-1) && !s.films.Has(x, y+1) {
		return
	}
	if r := s.words.Tile(x, y); soft(m.src, r) && text.Colours(m.src, r, plain+1) > plain {
		s.words.Del(x, y)
		s.films.Add(x, y)
		m.v.history(x, y).film = true
	}
}

// plain is how many colours are so few that they cost next to nothing as text.
const plain = 2

// softStep is how far the green of two pixels beside or below each other lies
// apart in what is soft, of 255, at most. The strokes of the palest text are
// above it.
const softStep = 14

// soft tells whether a tile is without edges.
func soft(f *screen.Frame, r image.Rectangle) bool {
	above := f.Row(r.Min.Y, r.Min.X, r.Max.X)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		left := int(row[1])
		for i := 1; i < len(row) && i < len(above); i += 4 {
			v := int(row[i])
			if d, e := v-left, v-int(above[i]); max(d, -d, e, -e) > softStep {
				return false
			}
			left = v
		}
		above = row
	}
	return true
}

// strokes is the contrast of text with its ground, of 255, at least.
const strokes = 72

// ground is how many of 64 pixels of a tile of text have the colour of what it
// stands on, at least. The densest antialiased text has twice as many, a
// photograph with strokes half as many.
const ground = 13

// grounded tells whether one colour is that common in a tile.
func grounded(f *screen.Frame, r image.Rectangle) bool {
	var colours [128]uint32
	var counts [128]uint8
	need, seen := ground, 0
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := 4 * (y >> 1 & 1); i+4 <= len(row); i += 8 {
			p := binary.LittleEndian.Uint32(row[i:]) | 1<<31 // never zero, which is an empty place
			h := p * 0x9e3779b1 >> 25
			for colours[h] != 0 && colours[h] != p {
				h = (h + 1) & 127
			}
			colours[h] = p
			counts[h]++
			if seen++; int(counts[h]) >= need {
				return true
			}
		}
	}
	return seen < need
}

// contrast is how far the green of a tile's pixels lies apart.
func contrast(f *screen.Frame, r image.Rectangle) int {
	lo, hi := byte(255), byte(0)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := 1; i < len(row); i += 4 {
			lo, hi = min(lo, row[i]), max(hi, row[i])
		}
	}
	return int(hi) - int(lo)
}

// few takes photographs out of the film if they may go without loss at once:
// all, if there are few, or those of the place that comes first.
func (m *message) few(moving bool) {
	s := m.set
	if moving || s.films.Len() == 0 {
		return
	}
	t := s.films.Touch(m.src.Rect)
	if m.tooMany(s.films.Len()) {
		t = s.films.Touch(m.b.First)
		if m.tooMany(t.Dx() * t.Dy()) {
			return
		}
	}
	for y := t.Min.Y; y < t.Max.Y; y++ {
		for x := s.films.Next(t.Min.X, y); x < t.Max.X; x = s.films.Next(x+1, y) {
			s.films.Del(x, y)
			s.small.Add(x, y)
		}
	}
}

func (m *message) tooMany(tiles int) bool { return tiles > fewTiles || tiles*exactTile > m.max/2 }

// coarse makes pictures of words where the line is slow.
func (m *message) coarse() {
	s := m.set
	if m.b.Bytes == 0 || s.words.Len()*textTile < coarseFor*m.max || m.written()*textTile < coarseFor*m.max {
		return
	}
	first := s.words.Touch(m.b.First)
	for y := range s.words.Rows {
		for x := s.words.Next(0, y); x < s.words.Cols; x = s.words.Next(x+1, y) {
			if !(x >= first.Min.X && x < first.Max.X && y >= first.Min.Y && y < first.Max.Y) {
				s.words.Del(x, y)
				s.films.Add(x, y)
			}
		}
	}
}

// written is how many tiles of the words are not flat.
func (m *message) written() (n int) {
	words := &m.set.words
	for y := range words.Rows {
		for x := words.Next(0, y); x < words.Cols; x = words.Next(x+1, y) {
			n += b2i(flat(m.src, words.Tile(x, y)) < 64)
		}
	}
	return n
}

// sliceTiles is how many tiles one message of refinement looks at: more than it
// has time for. To look at all that is owed each time cost a third of the time.
const sliceTiles = 384

// refine codes without loss what was coded with it and has stood still since.
func (m *message) refine() {
	m.pickRested()
	m.text(m.src.Rect, max(m.max, least))
	m.exact(m.src.Rect, max(m.max, least), true)
	// What is left is not owed: it is shown, if only with loss.
	m.set.words.Clear()
	m.set.small.Clear()
}

// pickRested chooses the first tiles that have stood still for long enough.
func (m *message) pickRested() {
	s, v := m.set, m.v
	picked := 0
	for y := range v.lossy.Rows {
		for x := v.lossy.Next(0, y); x < v.lossy.Cols; x = v.lossy.Next(x+1, y) {
			t := v.history(x, y)
			if m.now-t.changed < t.rest() || s.dirty.Has(x, y) {
				continue
			}
			if m.wordy(x, y, t) {
				s.words.Add(x, y)
			} else {
				s.small.Add(x, y)
			}
			if picked++; picked == sliceTiles {
				return
			}
		}
	}
}

// wordy tells whether a tile that was shown with loss is better made exact as text: words that
// went as a picture because the line is slow, and what is flat in a photograph.
func (m *message) wordy(x, y int, t *history) bool {
	if t.film && flat(m.src, m.v.lossy.Tile(x, y)) < mostlyFlat {
		return false // asking the text coder would cost an eighth of the time
	}
	return m.foreign(x, y) <= foreignStays
}
