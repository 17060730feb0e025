package peer

import (
	"image"
	"testing"
	"testing/synctest"
	"time"

	"sightline/screen"
)

// TestRefineBesideFilm: a photograph that comes beside a film is exact within
// seconds on a line that has room for it, and the film loses no frame by it.
func TestRefineBesideFilm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t.Context(), image.Pt(320, 200))
		defer th.end()
		line, leave := th.watch(400_000, 20*time.Millisecond)
		defer leave()
		film, photo := image.Rect(0, 0, 64, 48), image.Rect(128, 16, 288, 176)
		play := func(frames int) {
			for n := range frames {
				th.playFilm(film, n)
				time.Sleep(33 * time.Millisecond)
			}
		}
		time.Sleep(5 * time.Second)
		play(60)
		alone := line.films(film, func() { play(60) })
		th.playFilm(photo, 7)
		beside := line.films(film, func() { play(60) })
		line.mu.Lock()
		rough := 0
		for y := photo.Min.Y; y < photo.Max.Y; y++ {
			if string(line.frame.Row(y, photo.Min.X, photo.Max.X)) != string(th.f.Row(y, photo.Min.X, photo.Max.X)) {
				rough++
			}
		}
		line.mu.Unlock()
		if rough > 0 {
			t.Errorf("%d of %d rows of the photograph are not exact after 2 s", rough, photo.Dy())
		}
		if beside < alone*95/100 {
			t.Errorf("%d frames of the film beside the photograph, %d without", beside, alone)
		}
	})
}

// films counts the frames that changed something in r.
func (l *narrow) films(r image.Rectangle, during func()) int {
	l.mu.Lock()
	l.watched, l.filmed = r, 0
	l.mu.Unlock()
	during()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.filmed
}

// touches tells whether a region has something in r.
func touches(g screen.Region, r image.Rectangle) bool {
	for _, q := range g {
		if q.Overlaps(r) {
			return true
		}
	}
	return false
}
