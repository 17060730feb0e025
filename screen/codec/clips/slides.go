package clips

import (
	"image"

	"sightline/screen"
)

// openSlides shows another photo every 30 frames.
func openSlides(c *Clip) (painter, error) {
	return paintFunc(func(f *screen.Frame, n int) error {
		if n%30 == 0 {
			Photo(f, n/30, uint32(100+n/30))
		}
		return nil
	}), nil
}

// openVideoWindow plays a video of a third of the screen's size, on a 1920x1080
// screen 640x360, in a window on a desktop with a photo.
func openVideoWindow(c *Clip) (painter, error) {
	size := image.Pt(max(c.Size.X/3, 16), max(c.Size.Y/3, 16))
	s := handheld
	s.seed, s.look = 21, 5
	cam := newCamera(s, size)
	at := image.Pt(c.Size.X/4, c.Size.Y/4)
	return paintFunc(func(f *screen.Frame, n int) error {
		if n == 0 {
			Photo(f, 3, 5)
			f.Fill(image.Rect(at.X-4, at.Y-28, at.X+size.X+4, at.Y+size.Y+4), 0xd8d8d4)
			f.Fill(image.Rect(at.X, at.Y-24, at.X+size.X, at.Y-4), 0x3c5a82)
		}
		cam.shoot(n).to(f, at.X, at.Y)
		return nil
	}), nil
}
