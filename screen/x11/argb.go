package x11

import (
	"errors"
	"image"

	"github.com/jezek/xgb/render"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// argbFormat finds RENDER's format of 8 bits each of alpha, red, green and
// blue, which every server has, and that of a visual.
func (c *client) pictFormats(visual xproto.Visualid) (argb, ofVisual render.Pictformat, err error) {
	if _, err := render.QueryVersion(c.Conn, 0, 11).Reply(); err != nil {
		return 0, 0, err
	}
	r, err := render.QueryPictFormats(c.Conn).Reply()
	if err != nil {
		return 0, 0, err
	}
	for _, f := range r.Formats {
		d := f.Direct
		if f.Depth == 32 && d.AlphaMask == 0xff && d.AlphaShift == 24 && d.RedShift == 16 && d.GreenShift == 8 && d.BlueShift == 0 {
			argb = f.Id
			break
		}
	}
	for _, s := range r.Screens {
		for _, d := range s.Depths {
			for _, v := range d.Visuals {
				if v.Visual == visual {
					ofVisual = v.Format
				}
			}
		}
	}
	if argb == 0 {
		return 0, 0, errors.New("the X server has no format with alpha")
	}
	return argb, ofVisual, nil
}

// argbPicture makes a RENDER picture of B G R A pixels.
func (c *client) argbPicture(size image.Point, pix []byte) (render.Picture, error) {
	argb, _, err := c.pictFormats(0)
	if err != nil {
		return 0, err
	}
	pixmap, err := xproto.NewPixmapId(c.Conn)
	if err != nil {
		return 0, err
	}
	gc, err := xproto.NewGcontextId(c.Conn)
	if err != nil {
		return 0, err
	}
	pic, err := render.NewPictureId(c.Conn)
	if err != nil {
		return 0, err
	}
	xproto.CreatePixmap(c.Conn, 32, pixmap, xproto.Drawable(c.root), uint16(size.X), uint16(size.Y))
	xproto.CreateGC(c.Conn, gc, xproto.Drawable(pixmap), 0, nil)
	rows := max(1, maxRequest/(4*size.X))
	for y := 0; y < size.Y; y += rows {
		n := min(rows, size.Y-y)
		xproto.PutImage(c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(pixmap), gc, uint16(size.X), uint16(n),
			0, int16(y), 0, 32, c.ordered(pix[4*size.X*y:4*size.X*(y+n)]))
	}
	err = render.CreatePictureChecked(c.Conn, pic, xproto.Drawable(pixmap), argb, 0, nil).Check()
	xproto.FreeGC(c.Conn, gc)
	xproto.FreePixmap(c.Conn, pixmap) // lives on in the picture
	return pic, err
}

// ordered turns B G R A into the server's order of bytes.
func (c *client) ordered(pix []byte) []byte {
	if c.setup.ImageByteOrder == xproto.ImageOrderLSBFirst {
		return pix
	}
	out := make([]byte, len(pix))
	for i := 0; i+3 < len(pix); i += 4 {
		out[i], out[i+1], out[i+2], out[i+3] = pix[i+3], pix[i+2], pix[i+1], pix[i]
	}
	return out
}

// newCursor makes a cursor of a shape; an empty one shows nothing.
func (c *client) newCursor(s *screen.CursorShape) (xproto.Cursor, error) {
	size, hot, pix := s.Size, s.Hot, s.Pix
	if size.X < 1 || size.Y < 1 || size.X > screen.MaxCursor || size.Y > screen.MaxCursor || len(pix) < 4*size.X*size.Y {
		size, hot, pix = image.Pt(1, 1), image.Point{}, make([]byte, 4)
	}
	hot.X, hot.Y = min(max(hot.X, 0), size.X-1), min(max(hot.Y, 0), size.Y-1)
	pic, err := c.argbPicture(size, pix)
	if err != nil {
		return 0, err
	}
	id, err := xproto.NewCursorId(c.Conn)
	if err != nil {
		return 0, err
	}
	err = render.CreateCursorChecked(c.Conn, id, pic, uint16(hot.X), uint16(hot.Y)).Check()
	render.FreePicture(c.Conn, pic)
	return id, err
}

// maxRequest is how much data a request may carry without BIG-REQUESTS: 65,535
// words less the longest header used here, in whole words.
const maxRequest = 65535*4 - 64
