package peer

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A host is calm when there was little to do for a while, and busy before what is much is
// begun.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []bool
		l := &load{tell: func(busy bool) { told = append(told, busy) }}
		heard := func(what string, want ...bool) {
			t.Helper()
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			if !slices.Equal(told, want) {
				t.Errorf("%s: told %v, want %v", what, told, want)
			}
			told = nil
		}
		letter := func() { l.note(100, 0); l.note(0, 2*time.Millisecond); time.Sleep(100 * time.Millisecond) }
		for range 19 {
			letter()
		}
		heard("just begun")
		for range 2 {
			letter()
		}
		heard("letters", false)
		letter()
		l.note(muchArea+1, 0)
		heard("a page", true)
		for range 19 {
			letter()
		}
		l.note(0, muchTime+1)
		time.Sleep(calmAfter - 1)
		heard("now and then")
		time.Sleep(2 * time.Nanosecond)
		heard("rest", false)
		l.note(0, muchTime+1)
		heard("what took long", true)
		time.Sleep(2 * calmAfter)
		heard("rest again", false)
		for range 30 {
			l.note(muchArea/20, 0)
			time.Sleep(33 * time.Millisecond)
		}
		heard("a small film", true)
		time.Sleep(2 * calmAfter)
		heard("rest after it", false)
		l.end()
		heard("the end", true)
		l.note(muchArea+1, 0)
		l.end()
		heard("after it")

		var none *load
		none.note(muchArea+1, 0)
		(&load{}).note(0, muchTime+1) // nobody asks
	})
}
