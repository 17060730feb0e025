// Command record films real programs for package clips, and shows what the
// package has:
//
//	go run ./screen/codec/clips/record                      film all recorded clips anew
//	go run ./screen/codec/clips/record -only typing         one of them
//	go run ./screen/codec/clips/record -list                name them
//	go run ./screen/codec/clips/record -play camera > raw   frames as B G R 0
//	go run ./screen/codec/clips/record -png camera -frame 9 > picture.png
//
// Filming needs Xvfb, openbox, xterm and less; it starts them on a display of
// its own with a cookie of its own, and ends them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

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
	return ctx.Err()
}
