package desktop

import (
	"errors"
	"os"
	"strings"
	"testing"

	"sightline/screen"
)

func nothing(string) string { return "" }

func TestOpenHost(t *testing.T) {
	s, err := OpenHost(Options{Source: "pattern", Env: nothing})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Source.Close()
	defer s.Injector.Close()
	var c screen.Change
	if err := s.Source.Next(t.Context(), &c); err != nil || c.Layout == nil {
		t.Errorf("the pattern's first change: %+v, %v", c, err)
	}
	for _, bad := range []string{"window", "screen:", "Screen:x"} {
		if _, err := OpenHost(Options{Source: bad, Env: nothing}); err == nil || errors.Is(err, screen.ErrNoDisplay) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOpenWindow(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	w, kind, err := OpenWindow(WindowOptions{Kind: "none", In: null, Out: null})
	if err != nil || kind != "none" {
		t.Fatal(kind, err)
	}
	w.Close()
	over := func(name string) string { return map[string]string{"SSH_CONNECTION": "1 2 3 4"}[name] }
	for _, kind := range []string{"auto", "native", "terminal"} {
		_, _, err := OpenWindow(WindowOptions{Kind: kind, In: null, Out: null, Env: over})
		if !errors.Is(err, screen.ErrNoDisplay) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, _, err := OpenWindow(WindowOptions{Kind: "opengl", In: null, Out: null}); err == nil {
		t.Error("a kind that does not exist")
	}
}

func TestDescribe(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	all := Describe(WindowOptions{In: null, Out: null, Env: nothing})
	last := all[len(all)-1]
	if last.What != "terminal" || last.OK || !strings.Contains(last.Detail, "no terminal") {
		t.Errorf("%+v", last)
	}
	if len(all) < 2 {
		t.Errorf("nothing is said about displays: %+v", all)
	}
}
