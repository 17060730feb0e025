package main

import (
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sightline/screen"
	"sightline/screen/codec/clips"
)

// scene is one clip to film.
type scene struct {
	name string
	clips.Fixture
	play func(s *stage) error
}

const prose = "The quick brown fox jumps over 13 lazy dogs.\nIt types (as people do)"

// smooth and bitmap are xterm's two ways of drawing text.
var (
	smooth = []string{"-fa", "DejaVu Sans Mono", "-fs", "11"}
	bitmap = []string{"-fn", "fixed"}
)

func scenes() []scene {
	hd, full := image.Pt(1280, 720), image.Pt(1920, 1080)
	film := func(name string, size image.Point, frames int, about string, play func(*stage) error) scene {
		return scene{name, clips.Fixture{Size: size, Frames: frames, FPS: 30, About: about}, play}
	}
	onPhoto := func(s scene, look int) scene {
		s.Photo, s.Look, s.Seed = true, look, 41
		return s
	}
	return []scene{
		film("typing", hd, 1+3*(len(prose)+8), "typing at ten characters a second, antialiased", typing(smooth)),
		film("typing-bitmap", hd, 1+3*(len(prose)+8), "typing at ten characters a second, bitmap font", typing(bitmap)),
		film("scroll", full, 61, "source code scrolls through a terminal, antialiased", scroll("190x56+60+20", smooth)),
		film("scroll-bitmap", hd, 61, "source code scrolls through a terminal, bitmap font, dark", scroll("180x48+40+20", append(bitmap, "-bg", "black", "-fg", "grey85"))),
		film("pager", full, 1+len(pagerKeys)*5, "pages of source code in less, searching", pager),
		onPhoto(film("drag", full, 61, "a terminal is dragged over a photo", drag), 0),
		onPhoto(film("windows", hd, 1+8*4, "terminals open and close over a photo", windows), 2),
		film("selection", hd, 61, "text is selected with the mouse", selection),
	}
}

// terminal opens an xterm that runs a command.
func (s *stage) terminal(geometry string, look []string, command ...string) error {
	args := append([]string{"-geometry", geometry, "-title", "terminal"}, look...)
	return s.run("xterm", append(append(args, "-e"), command...)...)
}

// first films the scene before anything moves, when the first window is there.
func (s *stage) first() error {
	s.calm = 50 // half a second: programs draw themselves in several goes
	f, err := s.settle(s.bare)
	s.calm = calm
	if err != nil {
		return err
	}
	return s.add(f, 0)
}

func typing(look []string) func(*stage) error {
	return func(s *stage) error {
		if err := s.terminal("100x30+60+40", look, "cat"); err != nil {
			return err
		}
		if err := s.first(); err != nil {
			return err
		}
		for _, c := range prose + "\b\b\b\bze!\n" {
			if err := s.shoot(2, func() error { return s.key(c) }); err != nil {
				return err
			}
		}
		return nil
	}
}

// source is a text that is the same for long: a file of Go's library.
func (s *stage) source() ([]string, error) {
	root, err := exec.CommandContext(s.ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask go for its library: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src", "bufio", "bufio.go"))
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.ReplaceAll(string(text), "\t", "    "), "\n"), nil
}

// paper is a file that grows and a terminal that shows it.
func (s *stage) paper(geometry string, look []string, begin []string) (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "paper")
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(strings.Join(begin, "\n") + "\n"); err != nil {
		return nil, err
	}
	return f, s.terminal(geometry, look, "tail", "-n", "+1", "-f", f.Name())
}

func scroll(geometry string, look []string) func(*stage) error {
	return func(s *stage) error {
		lines, err := s.source()
		if err != nil {
			return err
		}
		paper, err := s.paper(geometry, look, lines[:70])
		if err != nil {
			return err
		}
		defer paper.Close()
		if err := s.first(); err != nil {
			return err
		}
		lines = lines[70:]
		for i := range 60 {
			n := [...]int{1, 1, 2, 1, 3, 1, 1, 4, 2, 1, 12}[i%11]
			err := s.shoot(0, func() error {
				_, err := fmt.Fprintln(paper, strings.Join(lines[:n], "\n"))
				return err
			})
			if err != nil {
				return err
			}
			lines = lines[n:]
		}
		return nil
	}
}

// pagerKeys turn pages, go back, search and jump.
var pagerKeys = []string{" ", " ", " ", "b", " ", " ", "/Buffered\n", "n", "n", "jjj", "G", "g"}

func pager(s *stage) error {
	lines, err := s.source()
	if err != nil {
		return err
	}
	name := filepath.Join(s.dir, "bufio.go")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return err
	}
	if err := s.terminal("150x56+300+20", smooth, "less", "-S", name); err != nil {
		return err
	}
	if err := s.first(); err != nil {
		return err
	}
	for _, keys := range pagerKeys {
		err := s.shoot(4, func() error {
			for _, c := range keys {
				if err := s.key(c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func drag(s *stage) error {
	lines, err := s.source()
	if err != nil {
		return err
	}
	paper, err := s.paper("90x30+200+150", smooth, lines[100:126])
	if err != nil {
		return err
	}
	defer paper.Close()
	s.calm = 50
	if _, err := s.settle(s.bare); err != nil {
		return err
	}
	at := image.Pt(420, 158) // on the title bar
	s.warp(at)
	s.button(true)
	for range 4 { // farther than openbox' threshold: from now on the window follows
		if _, err := s.rest(); err != nil {
			return err
		}
		at.X += 5
		s.warp(at)
	}
	if err := s.first(); err != nil {
		return err
	}
	for i := range 60 {
		step := [...]image.Point{{14, 6}, {17, 3}, {9, 11}, {21, -4}, {12, 0}, {3, 13}}[i/3%6]
		if i >= 40 {
			step = image.Pt(-step.X-4, -step.Y/2)
		}
		at = at.Add(step)
		if err := s.shoot(0, func() error { s.warp(at); return nil }); err != nil {
			return err
		}
	}
	s.button(false)
	return nil
}

func windows(s *stage) error {
	lines, err := s.source()
	if err != nil {
		return err
	}
	if err := s.add(s.bare, 0); err != nil {
		return err
	}
	s.calm = 50
	places := []string{"80x24+40+40", "70x20+420+200", "60x30+700+60", "90x12+200+420"}
	looks := [][]string{smooth, bitmap, append([]string{"-bg", "black", "-fg", "green"}, smooth...), append([]string{"-bg", "#fdf6e3", "-fg", "#586e75"}, smooth...)}
	for i, place := range places {
		err := s.shoot(3, func() error {
			paper, err := s.paper(place, looks[i], lines[i*100:i*100+20])
			if err == nil {
				paper.Close()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for range places {
		if err := s.shoot(3, s.closeLast); err != nil {
			return err
		}
	}
	return nil
}

// closeLast ends the program that was started last.
func (s *stage) closeLast() error {
	last := len(s.running) - 1
	cmd := s.running[last]
	s.running = s.running[:last]
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	cmd.Wait() // killed: it cannot but fail
	return nil
}

func selection(s *stage) error {
	lines, err := s.source()
	if err != nil {
		return err
	}
	paper, err := s.paper("120x36+40+30", smooth, lines[180:215])
	if err != nil {
		return err
	}
	defer paper.Close()
	if err := s.first(); err != nil {
		return err
	}
	at := image.Pt(80, 110)
	s.warp(at)
	s.button(true)
	for i := range 60 {
		at = at.Add([...]image.Point{{27, 0}, {36, 2}, {11, 17}, {-40, 18}}[i/5%4])
		s.warp(at)
		f, err := s.rest()
		if err != nil {
			return err
		}
		if err := s.add(f, 0); err != nil {
			return err
		}
	}
	s.button(false)
	return nil
}

// rest is settle for what may change nothing at all.
func (s *stage) rest() (*screen.Frame, error) {
	s.calm = 25
	defer func() { s.calm = calm }()
	return s.settle(nil)
}
