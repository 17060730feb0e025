package clips

import (
	"image"

	"sightline/screen"
)

// Looks are the number of different kinds of photo.
const Looks = 6

// rgb is a colour while it is computed; the channels may leave 0 … 255.
type rgb struct{ r, g, b int }

// blend is a at t = 0, b at t = 256.
func blend(a, b rgb, t int) rgb {
	return rgb{a.r + (b.r-a.r)*t>>8, a.g + (b.g-a.g)*t>>8, a.b + (b.b-a.b)*t>>8}
}

// scale makes a colour darker or lighter: 256 leaves it as it is.
func (c rgb) scale(t int) rgb { return rgb{c.r * t >> 8, c.g * t >> 8, c.b * t >> 8} }

func (c rgb) add(v int) rgb { return rgb{c.r + v, c.g + v, c.b + v} }

// unit is what looks measure in: a picture is 1080 units high, whatever its pixels.
const unit = 1080

// scene is one picture as a function of place, in units.
type scene func(x, y int) rgb

// Photo paints a photo-like picture into f: look picks the kind, seed the
// picture. Soft edges and fine grain are those of a camera.
func Photo(f *screen.Frame, look int, seed uint32) {
	s := newScene(look, seed, f.Rect.Dx()*unit/f.Rect.Dy())
	soft := softener{w: f.Rect.Dx()}
	g := newGrain(seed)
	rows := f.Rect.Dy()
	for y := -1; y <= rows; y++ {
		soft.push(func(x int) rgb { return s(x*unit/rows, y*unit/rows) })
		if y >= 1 {
			soft.emit(f.Row(f.Rect.Min.Y+y-1, f.Rect.Min.X, f.Rect.Max.X), g, y)
		}
	}
}

// softener blurs with 1 2 1 in both directions, as a lens does, row by row.
type softener struct {
	w    int
	rows [3][]rgb // sums along x, times 4
	line []rgb
}

func (s *softener) push(at func(x int) rgb) {
	if s.line == nil {
		s.line = make([]rgb, s.w+2)
		for i := range s.rows {
			s.rows[i] = make([]rgb, s.w)
		}
	}
	for i := range s.line {
		s.line[i] = at(i - 1)
	}
	s.rows[0], s.rows[1], s.rows[2] = s.rows[1], s.rows[2], s.rows[0]
	for i := range s.rows[2] {
		a, b, c := s.line[i], s.line[i+1], s.line[i+2]
		s.rows[2][i] = rgb{a.r + 2*b.r + c.r, a.g + 2*b.g + c.g, a.b + 2*b.b + c.b}
	}
}

// emit writes the middle of the three rows, with grain of deviation 1.
func (s *softener) emit(row []byte, g *grain, y int) {
	for i := range s.w {
		a, b, c := s.rows[0][i], s.rows[1][i], s.rows[2][i]
		n := int(g[(y*7919+i*13)&(len(g)-1)]) + 8
		row[4*i] = clamp8((a.b + 2*b.b + c.b + n) >> 4)
		row[4*i+1] = clamp8((a.g + 2*b.g + c.g + n) >> 4)
		row[4*i+2] = clamp8((a.r + 2*b.r + c.r + n) >> 4)
		row[4*i+3] = 0
	}
}

// newScene makes a scene that is width units wide.
func newScene(look int, seed uint32, width int) scene {
	f, d := newField(seed), &dice{seed: seed}
	return [Looks]func(*field, *dice, int) scene{hills, city, garden, water, night, portrait}[look%Looks](f, d, width)
}

// hills: sky with clouds, three ridges, grass in front.
func hills(f *field, d *dice, width int) scene {
	base := d.between(300, 460)
	sky, haze := rgb{90, 140, 215}, rgb{225, 228, 226}
	ridges := [3]rgb{{110, 130, 150}, {70, 96, 74}, {64, 98, 34}}
	return func(x, y int) rgb {
		c := blend(sky, haze, min(256, max(0, y*256/base)))
		if w := f.cloud(x, y*2, 6) - 31000; w > 0 {
			c = blend(c, rgb{250, 249, 246}, min(256, w>>5))
		}
		for i, ground := range ridges {
			top := base + i*150 - (f.cloud(x/(3-i)+i*7777, i*3000, 5)-32768)*(90+i*40)>>15
			if y > top {
				texture := (f.cloud(x*(4+3*i), y*(6+3*i), 4) - 32768) * (14 + 22*i) >> 15
				c = ground.add(texture + (y-top)>>4)
				c.r += texture >> 1
			}
		}
		return c
	}
}

// city: houses with rows of windows before a sky.
func city(f *field, d *dice, width int) scene {
	type house struct {
		x0, x1, top, pitch int
		wall               rgb
	}
	var houses []house
	for x := -40; x < width; {
		w := d.between(90, 260)
		v := d.between(70, 190)
		houses = append(houses, house{x, x + w, d.between(180, 700), d.between(22, 44), rgb{v + d.roll(40), v + d.roll(20), v}})
		x += w
	}
	return func(x, y int) rgb {
		c := blend(rgb{70, 110, 180}, rgb{235, 205, 175}, min(256, y*256/800))
		c = c.add((f.cloud(x/2, y, 5) - 32768) >> 10)
		for _, h := range houses {
			if x < h.x0 || x >= h.x1 || y < h.top {
				continue
			}
			c = h.wall.add((f.cloud(x*8, y*8, 3) - 32768) >> 11).scale(256 - (y-h.top)>>3)
			if u, v := (x-h.x0)%h.pitch, (y-h.top)%h.pitch; u > h.pitch/3 && v > h.pitch/3 && x < h.x1-8 {
				lit := mix(uint32((x-h.x0)/h.pitch), uint32((y-h.top)/h.pitch), uint32(h.x0))
				if lit&3 == 0 {
					return rgb{236, 214, 140}
				}
				return rgb{38, 48, 64}.add(int(lit >> 4 & 31))
			}
		}
		return c
	}
}

// garden: leaves and petals, fine and saturated.
func garden(f *field, d *dice, width int) scene {
	type flower struct{ x, y, r, hue int }
	var flowers []flower
	for range 46 {
		flowers = append(flowers, flower{d.roll(width), d.roll(unit), d.between(16, 70), d.roll(4)})
	}
	petals := [4]rgb{{214, 38, 52}, {240, 196, 40}, {200, 90, 190}, {245, 240, 235}}
	return func(x, y int) rgb {
		bend := (f.at(x*2, y*2) - 32768) >> 9
		leaf := f.cloud((x+bend)*10, (y-bend)*4, 5)
		c := blend(rgb{14, 36, 10}, rgb{134, 176, 58}, max(0, min(256, (leaf-12000)>>7)))
		for _, p := range flowers {
			dx, dy := x-p.x+bend>>3, y-p.y
			q := dx*dx + dy*dy
			if r := p.r; q < r*r {
				shade := 256 - q*110/(r*r) + (leaf-32768)>>9
				c = petals[p.hue].scale(shade)
				if q < r*r/10 {
					c = rgb{120, 90, 20}.scale(shade)
				}
			}
		}
		return c
	}
}

// water: ripples under a low sun, little contrast.
func water(f *field, d *dice, width int) scene {
	horizon := d.between(260, 380)
	sun := d.between(width/4, width*3/4)
	return func(x, y int) rgb {
		if y < horizon {
			c := blend(rgb{88, 104, 150}, rgb{246, 176, 110}, y*256/horizon)
			dx, dy := x-sun, y-horizon+90
			if q := dx*dx + dy*dy; q < 90000 {
				c = blend(rgb{255, 246, 214}, c, min(256, q*256/90000))
			}
			return c.add((f.cloud(x/2, y*3, 5) - 32768) >> 11)
		}
		depth := y - horizon + 8
		wave := f.cloud((x-sun)*900/(depth+200), depth*5120/(depth+96), 5)
		c := blend(rgb{22, 46, 72}, rgb{150, 140, 128}, max(0, min(256, (wave-20000)>>7)))
		if off := max(x-sun, sun-x); off < 60+depth/3 && wave > 34000 {
			c = blend(c, rgb{255, 214, 150}, min(256, (wave-34000)>>6))
		}
		return c
	}
}

// night: dark, points of light and their glow.
func night(f *field, d *dice, width int) scene {
	type lamp struct {
		x, y, r int
		c       rgb
	}
	var lamps []lamp
	for range 60 {
		c := [3]rgb{{255, 220, 150}, {150, 190, 255}, {255, 90, 60}}[d.roll(3)]
		lamps = append(lamps, lamp{d.roll(width), d.between(300, unit), d.between(6, 60), c})
	}
	return func(x, y int) rgb {
		c := blend(rgb{8, 12, 26}, rgb{34, 30, 38}, y*256/unit)
		if y > 420+(f.cloud(x, 77, 4)-32768)>>8 {
			c = rgb{12, 12, 14}.add(f.cloud(x*6, y*6, 4) >> 12)
		}
		for _, l := range lamps {
			dx, dy := x-l.x, y-l.y
			if q := dx*dx + dy*dy; q < l.r*l.r {
				t := 256 - q*256/(l.r*l.r)
				t = t * t >> 8
				c.r += l.c.r * t >> 8
				c.g += l.c.g * t >> 8
				c.b += l.c.b * t >> 8
			}
		}
		return c
	}
}

// portrait: someone sharp before discs of blurred light.
func portrait(f *field, d *dice, width int) scene {
	type disc struct {
		x, y, r int
		c       rgb
	}
	var discs []disc
	for range 30 {
		discs = append(discs, disc{d.roll(width), d.roll(unit), d.between(30, 130), rgb{d.between(40, 200), d.between(50, 170), d.between(30, 120)}})
	}
	head := image.Pt(d.between(width*2/5, width*3/5), 470)
	return func(x, y int) rgb {
		c := blend(rgb{38, 52, 44}, rgb{96, 84, 60}, f.at(x/3, y/3)>>8)
		for _, o := range discs {
			dx, dy := x-o.x, y-o.y
			if q, r := dx*dx+dy*dy, o.r*o.r; q < r {
				c = blend(c, o.c, min(110, (r-q)*900/r))
			}
		}
		dx, dy := x-head.X, y-head.Y
		if y > 760 && dx*dx < (y-640)*(y-640)*2 {
			weave := (x&7)*3 + (y&7)*2
			return rgb{52, 66, 110}.add(weave + (f.cloud(x, y, 4)-32768)>>11)
		}
		face, hair := dx*dx*16/9+dy*dy, dx*dx*5/4+(dy+70)*(dy+70)
		switch {
		case hair < 270*270 && (dy < -110 || face >= 250*250):
			return rgb{52, 34, 22}.add((f.cloud(x*20, y*2, 4) - 30000) >> 10)
		case face < 250*250:
			c = rgb{214, 164, 136}.scale(256 - (dx+60)*(dx+60)/700).add((f.cloud(x*12, y*12, 3) - 32768) >> 12)
			for _, eye := range [2]int{-75, 75} {
				ex, ey := dx-eye, (dy+20)*2
				if q := ex*ex + ey*ey; q < 40*40 {
					c = rgb{235, 232, 228}
					if q < 18*18 {
						c = rgb{40, 60, 70}
					}
				}
			}
			if q := dx*dx/4 + (dy-120)*(dy-120); q < 20*20 {
				c = rgb{170, 80, 80}
			}
		}
		return c
	}
}
