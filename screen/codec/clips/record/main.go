// Command record films real programs for package clips, and shows what the
// package has:
//
//	go run ./screen/codec/clips/record                      film all recorded clips anew
//	go run ./screen/codec/clips/record -only typing         one of them
//	go run ./screen/codec/clips/record -atlas               draw the glyphs of generated clips
//	go run ./screen/codec/clips/record -list                name them
//	go run ./screen/codec/clips/record -play camera > raw   frames as B G R 0
//	go run ./screen/codec/clips/record -png camera -frame 9 > picture.png
//
// Filming needs Xvfb, openbox, xterm and less; it starts them on a display of
// its own with a cookie of its own, and ends them.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"sightline/screen/codec/clips"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		names  = flag.Bool("list", false, "name the clips")
		toPlay = flag.String("play", "", "write this clip's frames to stdout")
		toShow = flag.String("png", "", "write one frame of this clip to stdout")
		frame  = flag.Int("frame", 0, "which frame, from 0")
		frames = flag.Int("frames", 0, "how many frames to play; 0: as the clip says")
		glyphs = flag.Bool("atlas", false, "draw the glyphs anew, film nothing")
		only   = flag.String("only", "", "film this clip only")
		out    = flag.String("out", "screen/codec/clips/testdata", "folder for what is filmed")
	)
	flag.Parse()
	switch {
	case *names:
		list(os.Stdout)
		return nil
	case *toPlay != "":
		c, err := clips.Load(*toPlay)
		if err != nil {
			return err
		}
		if *frames > 0 {
			c = c.Long(*frames)
		}
		return play(os.Stdout, c)
	case *toShow != "":
		c, err := clips.Load(*toShow)
		if err != nil {
			return err
		}
		return picture(os.Stdout, c.Long(max(c.Frames, *frame+1)), *frame)
	}
	if *glyphs {
		return atlas(filepath.Join(*out, "glyphs.atlas"))
	}
	return filmAll(ctx, *out, *only)
}

// filmAll films the scenes, or one of them, into a folder.
func filmAll(ctx context.Context, folder, only string) error {
	found := false
	for _, sc := range scenes() {
		if only != "" && only != sc.name {
			continue
		}
		found = true
		if err := film(ctx, sc, filepath.Join(folder, sc.name+".clip")); err != nil {
			return fmt.Errorf("film %s: %w", sc.name, err)
		}
	}
	if !found {
		return fmt.Errorf("no scene is called %q", only)
	}
	return nil
}

// film plays one scene on a stage of its own and keeps it if it is complete.
func film(ctx context.Context, sc scene, name string) (err error) {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var file bytes.Buffer
	w, err := clips.NewFixtureWriter(&file, sc.Fixture)
	if err != nil {
		return err
	}
	s := &stage{ctx: ctx, dir: dir, size: sc.Size, clip: w, calm: calm}
	defer s.strike()
	if err := s.build(); err != nil {
		return err
	}
	if sc.Photo {
		if err := s.hang(sc.Look, sc.Seed); err != nil {
			return err
		}
	}
	if s.bare, err = s.settle(nil); err != nil {
		return err
	}
	if err := sc.play(s); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d frames, %d bytes\n", sc.name, sc.Frames, file.Len())
	return os.WriteFile(name, file.Bytes(), 0o644)
}
