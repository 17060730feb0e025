package clips

import "sightline/screen"

var saturated = [8]uint32{0xffffff, 0xffff00, 0x00ffff, 0x00ff00, 0xff00ff, 0xff0000, 0x0000ff, 0x000000}

// openCard paints a test card: colour bars, a wheel that turns, a ramp that
// runs, a fine grid, a bouncing square and a counter.
func openCard(c *Clip) (painter, error) {
	w, h := c.Size.X, c.Size.Y
	return paintFunc(func(f *screen.Frame, n int) error {
		for y := range h {
			row := f.Row(y, 0, w)
			for x := range w {
				put(row[4*x:], card(x, y, w, h, n))
			}
		}
		square(f, n)
		return nil
	}), nil
}

// put writes a pixel.
func put(p []byte, rgb uint32) { p[0], p[1], p[2], p[3] = byte(rgb), byte(rgb>>8), byte(rgb>>16), 0 }

func card(x, y, w, h, n int) uint32 {
	switch {
	case y < h/2:
		dx, dy := x-w/2, y-h/4
		if q := dx*dx + dy*dy; q < h*h/25 {
			return wheel(dx, dy, n)
		}
		return saturated[(x*8/w)&7]
	case y < h*5/8:
		v := uint32(x*256/w+n*5) & 255 // a ramp that runs
		return v<<16 | v<<8 | 255 - v
	case y < h*3/4:
		if (x+n)/3&1^y/3&1 == 0 {
			return 0xff0000
		}
		return 0x0020ff
	}
	v := uint32(sine((x*x+y*y)*3+n*900)+32768) >> 8 // rings finer and finer
	return v<<16 | (255-v)<<8 | 0x40
}

// wheel is eight sectors that turn. The angle is found by octants, without a
// square root: exact circles do not matter here.
func wheel(dx, dy, n int) uint32 {
	c, s := sine(n*700+16384), sine(n*700)
	x, y := dx*c-dy*s, dx*s+dy*c
	sector := 0
	if y < 0 {
		sector, x, y = 4, -x, -y
	}
	if x < 0 {
		sector, x, y = sector+2, y, -x
	}
	if y > x {
		sector++
	}
	return saturated[sector] ^ 0x101010
}

// square bounces and shows the frame's number as bars.
func square(f *screen.Frame, n int) {
	w, h := f.Rect.Dx(), f.Rect.Dy()
	side := h / 6
	x, y := bounce(n*9*h/unit, w-side), bounce(n*7*h/unit, h-side)
	for i := range side {
		row := f.Row(y+i, x, x+side)
		for j := range side {
			colour := uint32(0x202020)
			if n>>(j*12/max(side, 1))&1 == 1 && i > side/4 && i < side*3/4 {
				colour = 0xffe000
			}
			put(row[4*j:], colour)
		}
	}
}

// bounce goes from 0 to most and back.
func bounce(v, most int) int {
	if most <= 0 {
		return 0
	}
	if v = mod(v, 2*most); v > most {
		return 2*most - v
	}
	return v
}

// openMandelbrot zooms in, 2.5 % a frame, with the colours of a rainbow that
// turn slowly.
func openMandelbrot(c *Clip) (painter, error) {
	var palette [256]uint32
	for i := range palette {
		r, g, b := sine(i*256*3)>>8+128, sine(i*256*3+21845)>>8+128, sine(i*256*3+43690)>>8+128
		palette[i] = uint32(clamp8(r))<<16 | uint32(clamp8(g))<<8 | uint32(clamp8(b))
	}
	w, h := c.Size.X, c.Size.Y
	step := 3 << 30 / h // 1/2^30 per px
	return paintFunc(func(f *screen.Frame, n int) error {
		for y := range h {
			row := f.Row(y, 0, w)
			for x := range w {
				k := escape(-1*(1<<30)*743643/1000000+(x-w/2)*step, (1<<30)*131825/1000000+(y-h/2)*step)
				put(row[4*x:], palette[(k*5+n)&255]&^(uint32(k>>7)*0xffffff))
			}
		}
		step -= step / 40
		return nil
	}), nil
}

// escape counts steps until the point leaves, 128 at most; 30 bits behind the point.
func escape(cx, cy int) int {
	x, y := cx, cy
	for k := range 128 {
		xx, yy := x*x>>30, y*y>>30
		if xx+yy > 4<<30 {
			return k
		}
		x, y = xx-yy+cx, x*y>>29+cy
	}
	return 128
}
