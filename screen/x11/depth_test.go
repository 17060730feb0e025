package x11

import (
	"encoding/binary"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// depths are the screens that are not 8 bits a colour, with the rule by which
// their pixels become so, written here once more and in another way: the nearest
// of 256 steps that white and black keep for fewer bits, the upper 8 for more.
var depths = []struct {
	size   string
	depth  byte
	bytes  int
	colour func(pixel uint32) (b, g, r byte)
}{
	{"333x251x16", 16, 2, func(p uint32) (b, g, r byte) {
		return repeat(p&31, 5), repeat(p>>5&63, 6), repeat(p>>11, 5)
	}},
	{"333x251x30", 30, 4, func(p uint32) (b, g, r byte) {
		return byte(p & 1023 / 4), byte(p >> 10 & 1023 / 4), byte(p >> 20 & 1023 / 4)
	}},
}

// repeat writes a number of few bits over and over, and takes the first 8.
func repeat(v uint32, width int) byte {
	bits, n := uint32(0), 0
	for ; n < 8; n += width {
		bits = bits<<width | v
	}
	return byte(bits >> (n - 8))
}

// Every pixel of a deep or shallow screen comes as the rule has it, through
// shared memory and the socket, at odd places and widths, while it changes.
func TestSourceOfOtherDepths(t *testing.T) {
	for _, c := range depths {
		for _, noSHM := range []bool{false, true} {
			t.Run(c.size+map[bool]string{true: " by socket"}[noSHM], func(t *testing.T) {
				t.Parallel()
				x := startX(t, c.size)
				p := x.painter(t)
				if p.x.screen.RootDepth != c.depth {
					t.Fatalf("the server has %d bits", p.x.screen.RootDepth)
				}
				w := watch(t, Options{Display: x.display, NoSHM: noSHM})
				w.next()
				rng := rand.New(rand.NewPCG(uint64(c.depth), 1))
				want := screen.NewFrame(image.Rect(0, 0, 333, 251))
				for range 12 {
					at := image.Pt(rng.IntN(330), rng.IntN(250))
					r := image.Rectangle{Min: at, Max: at.Add(image.Pt(1+rng.IntN(120), 1+rng.IntN(60)))}.Intersect(want.Rect)
					p.native(r, c.depth, c.bytes, func(x, y int) uint32 {
						v := rng.Uint32() & (1<<c.depth - 1)
						o := want.Offset(x, y)
						want.Pix[o], want.Pix[o+1], want.Pix[o+2] = c.colour(v)
						return v
					})
					w.until("the colours by the rule", func() bool { return w.pic.Equal(want) })
				}
			})
		}
	}
}

// native draws pixels in the server's own form.
func (p *painter) native(r image.Rectangle, depth byte, bytes int, pixel func(x, y int) uint32) {
	stride := pad4(bytes * r.Dx())
	data := make([]byte, stride*r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			at := data[(y-r.Min.Y)*stride+(x-r.Min.X)*bytes:]
			if v := pixel(x, y); bytes == 2 {
				binary.LittleEndian.PutUint16(at, uint16(v))
			} else {
				binary.LittleEndian.PutUint32(at, v)
			}
		}
	}
	xproto.PutImage(p.x.Conn, xproto.ImageFormatZPixmap, p.on, p.gc, uint16(r.Dx()), uint16(r.Dy()), int16(r.Min.X), int16(r.Min.Y), 0, depth, data)
}

// A window on such a screen shows each colour as the nearest one that the screen
// has below it; going there and back changes nothing that the screen can show.
func TestWindowKeepsColoursOfDepth(t *testing.T) {
	for _, c := range depths {
		t.Run(c.size, func(t *testing.T) {
			t.Parallel()
			x := startX(t, c.size)
			s := show(t, x, WindowOptions{Size: image.Pt(256, 64)})
			s.lay(image.Pt(256, 64), func(f *screen.Frame) { // all 256 steps of each colour, and grey
				for y := range 64 {
					for v := range 256 {
						o := f.Offset(v, y)
						if y < 16 {
							f.Pix[o], f.Pix[o+1], f.Pix[o+2] = byte(v), byte(v), byte(v)
						} else {
							f.Pix[o+y/16-1] = byte(v)
						}
					}
				}
			})
			s.await("all steps of all colours", func() bool {
				raw := s.raw()
				for y := range 64 {
					for v := range 256 {
						at := raw[(y*256+v)*c.bytes:]
						pixel := uint32(at[0]) | uint32(at[1])<<8
						if c.bytes == 4 {
							pixel |= uint32(at[2])<<16 | uint32(at[3])<<24
						}
						b, g, r := c.colour(pixel)
						o := s.pic.Offset(v, y)
						for i, got := range []byte{b, g, r} {
							want := s.pic.Pix[o+i]
							if c.depth == 30 && got != want || c.depth == 16 && (got>>3 != want>>3 || i == 1 && got>>2 != want>>2) {
								return false
							}
						}
					}
				}
				return true
			})
		})
	}
}
