package x11

import (
	"errors"
	"fmt"
	"testing"

	"sightline/screen"
)

// TestNotFoundIsShort: the sockets that dead servers leave behind are named in
// one breath, the server that says no with its reason.
func TestNotFoundIsShort(t *testing.T) {
	gone := func(display string) Attempt {
		return Attempt{Display: display, How: "its socket", Err: fmt.Errorf("%w: %s: %w", screen.ErrNoDisplay, display, errGone)}
	}
	refused := Attempt{Display: ":7", How: "process 12", Err: fmt.Errorf("%w: :7: the X server refused: no cookie", screen.ErrNoDisplay)}
	for _, row := range []struct {
		name  string
		tried []Attempt
		want  string
	}{
		{"one", []Attempt{gone(":0")}, "no display: :0: its X server is gone (the socket is left over) (from its socket)"},
		{"many", []Attempt{gone(":0"), refused, gone(":1"), gone(":2")},
			"no display: :7: the X server refused: no cookie (from process 12); the X servers of :0, :1, :2 are gone (their sockets are left over)"},
	} {
		err := error(&NotFound{Tried: row.tried})
		if !errors.Is(err, screen.ErrNoDisplay) || err.Error() != row.want {
			t.Errorf("%s: %q", row.name, err)
		}
	}
}
