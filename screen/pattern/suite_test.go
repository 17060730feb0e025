package pattern_test

import (
	"testing"

	"sightline/screen"
	"sightline/screen/keysym"
	"sightline/screen/pattern"
	"sightline/screen/screentest"
)

func TestSource(t *testing.T) {
	screentest.TestSource(t, func(t *testing.T) (screen.Source, func()) {
		d := pattern.New(pattern.Options{})
		in := d.Injector()
		return d.Source(), func() {
			for _, down := range []bool{true, false} {
				if err := in.Key(screen.Key{Sym: keysym.Sym('x'), Down: down}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestInjector(t *testing.T) {
	screentest.TestInjector(t, func(t *testing.T) screentest.Hand {
		d := pattern.New(pattern.Options{})
		return screentest.Hand{Injector: d.Injector(), Picture: pattern.ID, Bounds: d.Snapshot().Rect, Held: d.Held}
	})
}
