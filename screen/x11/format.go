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
	return f, nil
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
	for i := 0; i < n; i++ {
		var p uint32
		if f.bytes == 4 {
			p = f.order.Uint32(src[4*i:])
		} else {
			p = uint32(f.order.Uint16(src[2*i:]))
		}
		d := dst[4*i : 4*i+4]
		d[0], d[1], d[2], d[3] = f.b.to8(p), f.g.to8(p), f.r.to8(p), 0
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
	for i := 0; i < n; i++ {
		s := src[4*i : 4*i+3]
		p := f.pixel(s[0], s[1], s[2])
		if f.bytes == 4 {
			f.order.PutUint32(dst[4*i:], p)
		} else {
			f.order.PutUint16(dst[2*i:], uint16(p))
		}
	}
}
