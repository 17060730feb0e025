//go:build unix

package x11

import (
	"context"
	"errors"
	"image"
	"syscall"
	"testing"
	"time"

	"sightline/screen"
)

// A server that is stopped answers nothing and closes nothing. Whatever waits
// for it must end by Close.
func TestHungServer(t *testing.T) {
	x := startX(t, "320x200x24")
	p := x.painter(t)
	w := watch(t, Options{Display: x.display})
	w.next()
	s := show(t, x, WindowOptions{Size: image.Pt(100, 100)})
	s.lay(image.Pt(100, 100), noisy(1))
	i := inject(t, x, InjectorOptions{})
	i.dog.patience = 25 * time.Millisecond
	if err := x.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ends := make(chan error, 4)
	go func() {
		for {
			p.fill(image.Rect(0, 0, 5, 5), 1)
			if err := w.src.Next(context.Background(), &w.change); err != nil {
				ends <- err
				return
			}
		}
	}()
	go func() {
		for {
			if err := s.Draw(0, s.pic, []image.Rectangle{s.pic.Rect}); err != nil {
				ends <- nil
				return
			}
		}
	}()
	go func() {
		err := i.Key(screen.Key{Sym: 'a', Down: true})
		if !errors.Is(err, screen.ErrDisplayLost) {
			t.Errorf("a key on a stopped server: %v", err)
		}
		ends <- i.Close()
	}()
	go func() {
		w.src.Close()
		s.Close()
		ends <- nil
	}()
	for range 4 {
		select {
		case <-ends:
		case <-time.After(patience):
			t.Fatal("something waits for a stopped server")
		}
	}
}
