package x11

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
)

// A server that resets itself hangs up a few times; one that never stops doing
// so is told of.
func TestServerThatResets(t *testing.T) {
	for _, c := range []struct {
		name       string
		hangsUp    int
		wantAnswer bool
	}{
		{"at once", 0, true},
		{"resets", 2, true},
		{"for ever", 1000, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x:0")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for n := 0; ; n++ {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					if n >= c.hangsUp {
						conn.Read(make([]byte, 64))
						conn.Write([]byte{0, 4, 11, 0, 0, 0, 1, 0, 'n', 'o', 'p', 'e'})
					}
					conn.Close()
				}
			}()
			_, _, err = openAt(path, "")
			var refused *errRefused
			if got := errors.As(err, &refused); got != c.wantAnswer {
				t.Errorf("answered %v: %v", got, err)
			}
			if !c.wantAnswer && !errors.Is(err, errHungUp) {
				t.Error(err)
			}
		})
	}
}
