package x11

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/jezek/xgb/xproto"
)

// channel says where a colour lies in a pixel and how many bits it has.
type channel struct{ shift, width uint }

func channelOf(mask uint32) channel {
	return channel{uint(bits.TrailingZeros32(mask)), uint(bits.OnesCount32(mask))}
}

// to8 takes the colour out of a pixel and makes 8 bits of it: more bits are
// cut, fewer repeated from the top, so that white stays white.
func (c channel) to8(p uint32) byte {
	v := p >> c.shift & (1<<c.width - 1)
	if c.width >= 8 {
		return byte(v >> (c.width - 8))
	}
	v <<= 8 - c.width
	return byte(v | v>>c.width | v>>(2*c.width))
}

// pixelFormat is how the server lays out the pixels of a window.
type pixelFormat struct {
	depth    byte
	bytes    int // per pixel: 4 or 2
	rowPad   int // rows end at multiples of so many bytes
	order    binary.ByteOrder
	r, g, b  channel
	straight bool // B G R x in memory, as screen.Frame has it

	steps *[3][256]uint32  // what 8 bits of blue, green and red are in a pixel
	words *[1 << 16]uint32 // pixels of 2 bytes as B G R 0; nil: they have 4
	cut   [3]uint          // where the upper 8 bits of blue, green and red begin; for colours of 8 bits or more
	deep  bool             // cut can be used
}

// formatOf finds the format of a visual of the default screen.
func (c *client) formatOf(depth byte, visual xproto.Visualid) (pixelFormat, error) {
	f := pixelFormat{depth: depth, order: binary.LittleEndian}
	if c.setup.ImageByteOrder == xproto.ImageOrderMSBFirst {
		f.order = binary.BigEndian
	}
	for _, p := range c.setup.PixmapFormats {
		if p.Depth == depth {
			f.bytes, f.rowPad = int(p.BitsPerPixel)/8, int(p.ScanlinePad)/8
		}
	}
	v, ok := c.visual(visual)
	trueColour := v.Class == xproto.VisualClassTrueColor || v.Class == xproto.VisualClassDirectColor
	if !ok || !trueColour || f.bytes != 4 && f.bytes != 2 || f.rowPad == 0 {
		return f, fmt.Errorf("screens of %d colour bits without direct colours are not supported", depth)
	}
	f.r, f.g, f.b = channelOf(v.RedMask), channelOf(v.GreenMask), channelOf(v.BlueMask)
	f.straight = f.bytes == 4 && f.order == binary.LittleEndian &&
		v.RedMask == 0xff0000 && v.GreenMask == 0xff00 && v.BlueMask == 0xff
	if !f.straight {
		f.tabulate()
	}
	return f, nil
}

// tabulate makes what convert and put look up.
func (f *pixelFormat) tabulate() {
	f.steps = new([3][256]uint32)
	f.deep = f.bytes == 4
	for i, c := range [3]channel{f.b, f.g, f.r} {
		for v := range 256 {
			f.steps[i][v] = c.from8(byte(v))
		}
		f.deep = f.deep && c.width >= 8
		f.cut[i] = c.shift + c.width - min(c.width, 8)
	}
	if f.bytes == 2 {
		f.words = new([1 << 16]uint32)
		for p := range f.words {
			f.words[p] = f.colour(uint32(p))
		}
	}
}

// colour is a pixel as a word 0 R G B, which in memory is B G R 0.
func (f *pixelFormat) colour(p uint32) uint32 {
	return uint32(f.b.to8(p)) | uint32(f.g.to8(p))<<8 | uint32(f.r.to8(p))<<16
}

func (c *client) visual(id xproto.Visualid) (xproto.VisualInfo, bool) {
	for _, d := range c.screen.AllowedDepths {
		for _, v := range d.Visuals {
			if v.VisualId == id {
				return v, true
			}
		}
	}
	return xproto.VisualInfo{}, false
}

// stride is the length of a row of w pixels, in bytes.
func (f *pixelFormat) stride(w int) int {
	return (w*f.bytes + f.rowPad - 1) / f.rowPad * f.rowPad
}

// convert makes n pixels B G R 0 of a row of the server's.
func (f *pixelFormat) convert(dst, src []byte, n int) {
	le := binary.LittleEndian
	dst, src = dst[:4*n], src[:f.bytes*n]
	swapped := f.order != binary.ByteOrder(le)
	switch {
	case f.words != nil:
		for ; len(src) >= 2 && len(dst) >= 4; dst, src = dst[4:], src[2:] {
			p := le.Uint16(src)
			if swapped {
				p = p>>8 | p<<8
			}
			le.PutUint32(dst, f.words[p])
		}
	case f.deep && !swapped:
		b, g, r := f.cut[0]&31, f.cut[1]&31, f.cut[2]&31
		for ; len(src) >= 4 && len(dst) >= 4; dst, src = dst[4:], src[4:] {
			p := le.Uint32(src)
			le.PutUint32(dst, p>>b&0xff|p>>g&0xff<<8|p>>r&0xff<<16)
		}
	default: // seen on no server that is around
		for ; len(src) >= 4 && len(dst) >= 4; dst, src = dst[4:], src[4:] {
			le.PutUint32(dst, f.colour(f.order.Uint32(src)))
		}
	}
}

// from8 is the way back, for showing: one pixel of the server's.
func (f *pixelFormat) pixel(b, g, r byte) uint32 {
	return f.b.from8(b) | f.g.from8(g) | f.r.from8(r)
}

func (c channel) from8(v byte) uint32 {
	p := uint32(v)
	if c.width >= 8 {
		p = p<<(c.width-8) | p>>(16-c.width)
	} else {
		p >>= 8 - c.width
	}
	return p << c.shift
}

// put writes n pixels B G R x as a row of the server's.
func (f *pixelFormat) put(dst, src []byte, n int) {
	dst, src = dst[:f.bytes*n], src[:4*n]
	blue, green, red := &f.steps[0], &f.steps[1], &f.steps[2]
	swapped := f.order != binary.ByteOrder(binary.LittleEndian)
	for ; len(src) >= 4 && len(dst) >= f.bytes; dst, src = dst[f.bytes:], src[4:] {
		switch p := blue[src[0]] | green[src[1]] | red[src[2]]; {
		case swapped && f.bytes == 4:
			binary.BigEndian.PutUint32(dst, p)
		case swapped:
			binary.BigEndian.PutUint16(dst, uint16(p))
		case f.bytes == 4:
			binary.LittleEndian.PutUint32(dst, p)
		default:
			binary.LittleEndian.PutUint16(dst, uint16(p))
		}
	}
}
