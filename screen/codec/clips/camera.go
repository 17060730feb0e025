package clips

import (
	"image"

	"sightline/screen"
)

// shot is how a camera is held and what it is.
type shot struct {
	look          int
	seed          uint32
	pan, tilt     int // amplitude in 1/1000 of the picture's height
	period        int // of the pan, frames
	zoom          int // ± 1/1000
	roll          int // ± 1/1000 rad
	shake         int // 1/100 px, at random
	things        int // that move by themselves
	exposure      int // ± 1/256
	noise, colour int // deviation of luma and colour noise, in 1/4
}

var (
	handheld = shot{look: 0, seed: 11, pan: 210, tilt: 60, period: 170, zoom: 60, roll: 8, shake: 60, things: 3, exposure: 10, noise: 4, colour: 2}
	tripod   = shot{look: 1, seed: 12, period: 100, things: 5, exposure: 2, noise: 6, colour: 3}
	grainy   = shot{look: 4, seed: 13, pan: 120, tilt: 30, period: 140, shake: 30, things: 4, exposure: 4, noise: 16, colour: 8}
	detailed = shot{look: 2, seed: 15, pan: 190, tilt: 90, period: 150, zoom: 40, roll: 5, shake: 40, things: 4, exposure: 6, noise: 8, colour: 4}
	panned   = shot{look: 2, seed: 14, pan: 230, tilt: 120, period: 190, zoom: 120}
)

// camera films a photo that is half as large again as its own picture.
type camera struct {
	shot
	world, picture *planes
	sprites        []sprite
	grain          *grain
	h              int // of the picture, px
}

// sprite is one of the things that move.
type sprite struct {
	size           image.Point // px
	at, speed      image.Point // 1/256 px, per frame
	u, v           uint8
	bright, pitch  int
	breath, period int
}

func newCamera(s shot, size image.Point) *camera {
	c := &camera{shot: s, picture: newPlanes(size.X, size.Y), grain: newGrain(s.seed), h: size.Y}
	wide := screen.NewFrame(image.Rect(0, 0, size.X*3/2+4, size.Y*3/2+4))
	Photo(wide, s.look, s.seed)
	c.world = newPlanes(wide.Rect.Dx(), wide.Rect.Dy())
	c.world.from(wide)
	d := &dice{seed: s.seed + 1}
	for range s.things {
		w := size.Y * d.between(6, 22) / 100
		c.sprites = append(c.sprites, sprite{
			size:  image.Pt(max(w, 4), max(w*d.between(80, 220)/100, 4)),
			at:    image.Pt(d.roll(size.X)<<8, d.between(size.Y*2/5, size.Y)<<8),
			speed: image.Pt(size.Y*d.between(-300, 300)/256, size.Y*d.between(-40, 40)/256),
			u:     uint8(d.between(96, 160)), v: uint8(d.between(96, 170)),
			bright: d.between(50, 180), pitch: d.between(3, 17), breath: d.between(3, 9), period: d.between(14, 40),
		})
	}
	return c
}

func openCamera(s shot) func(*Clip) (painter, error) {
	return func(clip *Clip) (painter, error) {
		c := newCamera(s, clip.Size)
		return paintFunc(func(f *screen.Frame, n int) error {
			c.shoot(n).to(f, 0, 0)
			return nil
		}), nil
	}
}

// shoot takes picture n, which is good until the next.
func (c *camera) shoot(n int) *planes {
	c.picture.shoot(c.world, c.view(n))
	for _, s := range c.sprites {
		s.draw(c.picture, n)
	}
	if c.exposure+c.noise > 0 {
		c.develop(n)
	}
	return c.picture
}

// view is where the camera looks in frame n. The world is larger than the
// picture by a quarter on each side; the amplitudes stay within.
func (c *camera) view(n int) view {
	d := &dice{seed: c.seed ^ uint32(n)*977}
	jitter := func() int { return d.between(-c.shake, c.shake+1) << 16 / 100 * c.h / unit }
	scale := 1<<16 + swing(n+20, c.period*2/3, c.zoom*65536/1000)
	return view{
		x:  c.world.w<<15 + swing(n, c.period, c.pan*c.h*65536/1000) + jitter(),
		y:  c.world.h<<15 + swing(n+11, c.period*3/4, c.tilt*c.h*65536/1000) + jitter(),
		dx: scale,
		dy: swing(n, c.period/2, c.roll*65536/1000),
	}
}

// develop changes the light and adds the sensor's noise, new in each frame.
func (c *camera) develop(n int) {
	p, gain := c.picture, 256+swing(n, 77, c.exposure)
	for y := range p.h {
		noisy(p.y[y*p.w:(y+1)*p.w], c.grain.from(n, y, p.w), gain, 16, c.noise)
	}
	for y := range p.ch {
		noisy(p.u[y*p.cw:(y+1)*p.cw], c.grain.from(n, y+1<<16, p.cw), 256, 0, c.colour)
		noisy(p.v[y*p.cw:(y+1)*p.cw], c.grain.from(n, y+2<<16, p.cw), 256, 0, c.colour)
	}
}

func noisy(row []uint8, g []int8, gain, black, strength int) {
	for i, v := range row {
		row[i] = clamp8(black + ((int(v)-black)*gain+int(g[i])*strength<<2+128)>>8)
	}
}

// draw paints the thing with a soft edge, striped, so that its motion can be
// seen. It leaves on one side and comes back on the other.
func (s *sprite) draw(p *planes, n int) {
	room := image.Pt((p.w+2*s.size.X)<<8, (p.h+2*s.size.Y)<<8)
	x := mod(s.at.X+n*s.speed.X, room.X) - s.size.X<<8
	y := mod(s.at.Y+n*s.speed.Y, room.Y) - s.size.Y<<8
	rx, ry := s.size.X<<7, s.size.Y<<7+swing(n, s.period, s.breath<<8)
	for py := max(0, (y-ry)>>8); py < min(p.h, (y+ry)>>8+1); py++ {
		for px := max(0, (x-rx)>>8); px < min(p.w, (x+rx)>>8+1); px++ {
			dx, dy := px<<8-x, py<<8-y
			q := 256 - (dx*dx/(rx*rx>>8) + dy*dy/(ry*ry>>8)) // 256 in the middle, 0 at the edge
			if q <= 0 {
				continue
			}
			alpha := min(256, q*(s.size.X>>1)>>2)
			shade := s.bright + q>>3 + sine((dx*s.pitch+dy*3)*4)>>11
			i := py*p.w + px
			p.y[i] = clamp8((int(p.y[i])*(256-alpha) + shade*alpha) >> 8)
			if px&1 == 0 && py&1 == 0 {
				j := py/2*p.cw + px/2
				p.u[j] = uint8((int(p.u[j])*(256-alpha) + int(s.u)*alpha) >> 8)
				p.v[j] = uint8((int(p.v[j])*(256-alpha) + int(s.v)*alpha) >> 8)
			}
		}
	}
}

// mod is the remainder that is never negative.
func mod(a, m int) int { return (a%m + m) % m }
