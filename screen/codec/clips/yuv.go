package clips

import "sightline/screen"

// planes is a picture as players hold it: luma and, in half the size both
// ways, two colour differences; BT.709, 16 … 235.
type planes struct {
	w, h, cw, ch int
	y, u, v      []uint8
}

func newPlanes(w, h int) *planes {
	cw, ch := (w+1)/2, (h+1)/2
	return &planes{w: w, h: h, cw: cw, ch: ch, y: make([]uint8, w*h), u: make([]uint8, cw*ch), v: make([]uint8, cw*ch)}
}

// from takes a frame of the same size. Colours come from every second pixel:
// scenes are soft enough for that.
func (p *planes) from(f *screen.Frame) {
	for y := range p.h {
		row := f.Row(f.Rect.Min.Y+y, f.Rect.Min.X, f.Rect.Max.X)
		for x := range p.w {
			b, g, r := int(row[4*x]), int(row[4*x+1]), int(row[4*x+2])
			p.y[y*p.w+x] = uint8(16 + (47*r+157*g+16*b+128)>>8)
			if x&1 == 0 && y&1 == 0 {
				i := y/2*p.cw + x/2
				p.u[i] = clamp8(128 + (-26*r-87*g+112*b+128)>>8)
				p.v[i] = clamp8(128 + (112*r-102*g-10*b+128)>>8)
			}
		}
	}
}

// to shows the planes at x0,y0 of f, with colours interpolated as players do.
func (p *planes) to(f *screen.Frame, x0, y0 int) {
	u, v := make([]int, p.cw), make([]int, p.cw)
	for y := range p.h {
		near := y / 2 * p.cw
		far := near
		if y&1 == 0 && y > 0 {
			far -= p.cw
		} else if y&1 == 1 && y/2+1 < p.ch {
			far += p.cw
		}
		for i := range u {
			u[i] = 3*int(p.u[near+i]) + int(p.u[far+i]) - 512
			v[i] = 3*int(p.v[near+i]) + int(p.v[far+i]) - 512
		}
		p.row(f.Row(y0+y, x0, x0+p.w), p.y[y*p.w:(y+1)*p.w], u, v)
	}
}

// row converts one row; u and v are times 4 and centred.
func (p *planes) row(out []byte, luma []uint8, u, v []int) {
	for x, l := range luma {
		i := x / 2
		j := i
		if x&1 == 0 && i > 0 {
			j--
		} else if x&1 == 1 && i+1 < len(u) {
			j++
		}
		cu, cv := 3*u[i]+u[j], 3*v[i]+v[j] // times 16
		c := (int(l) - 16) * 298
		out[4*x] = clamp8((c + (541*cu)>>4 + 128) >> 8)
		out[4*x+1] = clamp8((c - (55*cu+136*cv)>>4 + 128) >> 8)
		out[4*x+2] = clamp8((c + (459*cv)>>4 + 128) >> 8)
		out[4*x+3] = 0
	}
}

// view looks at a larger picture: the place of its middle and the steps per
// pixel along and across, all in 1/65536 px of that picture.
type view struct{ x, y, dx, dy int }

// shoot fills p with what v sees of world, between pixels by interpolation.
func (p *planes) shoot(world *planes, v view) {
	sample(p.y, p.w, p.h, world.y, world.w, world.h, v)
	half := view{v.x / 2, v.y / 2, v.dx, v.dy}
	sample(p.u, p.cw, p.ch, world.u, world.cw, world.ch, half)
	sample(p.v, p.cw, p.ch, world.v, world.cw, world.ch, half)
}

func sample(dst []uint8, w, h int, src []uint8, sw, sh int, v view) {
	left, top := v.x-(v.dx*w-v.dy*h)/2, v.y-(v.dy*w+v.dx*h)/2
	mx, my := (sw-2)<<16, (sh-2)<<16
	for y := range h {
		sx, sy := left-v.dy*y, top+v.dx*y
		for x := range w {
			cx, cy := min(max(sx, 0), mx), min(max(sy, 0), my)
			i := cy>>16*sw + cx>>16
			fx, fy := cx>>8&255, cy>>8&255
			a, b := int(src[i]), int(src[i+1])
			c, d := int(src[i+sw]), int(src[i+sw+1])
			upper, lower := a<<8+(b-a)*fx, c<<8+(d-c)*fx
			dst[y*w+x] = uint8((upper<<8 + (lower-upper)*fy + 1<<15) >> 16)
			sx += v.dx
			sy += v.dy
		}
	}
}
