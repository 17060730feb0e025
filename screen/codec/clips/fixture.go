package clips

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// A recorded clip is a file. All numbers are little endian.
//
//	magic     8 bytes  "SLCLIP1\n"
//	width     u16      px
//	height    u16      px
//	frames    u16
//	fps       u8
//	look      u8       of the photo on the desktop (Photo); 255: none
//	seed      u32      of the photo
//	about     u8 length, text
//	then one zstd stream of frames, each:
//	    moves u8       copies within the frame before, done in order
//	    each: to x u16, y u16, w u16, h u16, from x u16, y u16
//	    count u16      of rectangles
//	    each: x u16, y u16, w u16, h u16, then w*h pixels B G R M by rows
//
// M is 0 for a pixel that is as it says and 255 for one that shows the photo
// (its B G R are 0): the photo is painted, not stored, which saves a megabyte
// per clip. What no rectangle covers is as in the frame before; the first
// frame's are whole.
const magic = "SLCLIP1\n"

const (
	noPhoto     = 255
	showsPhoto  = 255
	headerBytes = len(magic) + 2 + 2 + 2 + 1 + 1 + 4 + 1
	maxFPS      = 240
)

var errFixture = errors.New("not a recorded clip")

//go:embed testdata/*.clip
var fixtures embed.FS

// recorded lists the files. A file that cannot be read is listed, too, and
// says so when it is played: a clip that disappears would go unnoticed.
func recorded() []*Clip {
	files, err := fixtures.ReadDir("testdata")
	if err != nil {
		return nil
	}
	var list []*Clip
	for _, file := range files {
		name := path.Join("testdata", file.Name())
		data, err := fixtures.ReadFile(name)
		c := new(Clip)
		if err == nil {
			c, err = ReadFixture(data)
		}
		if err != nil {
			c = &Clip{FPS: 1, Frames: 1, Size: image.Pt(1, 1), About: err.Error(), fixed: true,
				open: func(*Clip) (painter, error) { return nil, err }}
		}
		c.Name = strings.TrimSuffix(file.Name(), path.Ext(file.Name()))
		list = append(list, c)
	}
	return list
}

// ReadFixture makes a clip, still without a name, of a file's bytes, which it
// keeps. Errors of what follows the header come when the clip is played.
func ReadFixture(data []byte) (*Clip, error) {
	if len(data) < headerBytes || string(data[:len(magic)]) != magic {
		return nil, errFixture
	}
	h := data[len(magic):]
	le := binary.LittleEndian
	c := &Clip{
		Size:   image.Pt(int(le.Uint16(h)), int(le.Uint16(h[2:]))),
		Frames: int(le.Uint16(h[4:])),
		FPS:    int(h[6]),
		fixed:  true,
	}
	look, seed, about := h[7], le.Uint32(h[8:]), int(h[12])
	if err := screen.CheckSize(c.Size.X, c.Size.Y); err != nil {
		return nil, fmt.Errorf("%w: %w", errFixture, err)
	}
	if len(h) < 13+about || c.Frames == 0 || c.FPS == 0 || c.FPS > maxFPS || look != noPhoto && look >= Looks {
		return nil, fmt.Errorf("%w: header out of range", errFixture)
	}
	c.About = string(h[13 : 13+about])
	c.open = func(c *Clip) (painter, error) { return openFixture(c, h[13+about:], look, seed) }
	return c, nil
}

// film paints the frames of a file.
type film struct {
	in    *bufio.Reader
	z     *zstd.Decoder
	photo *screen.Frame // nil: none
}

func openFixture(c *Clip, data []byte, look byte, seed uint32) (painter, error) {
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	p := &film{in: bufio.NewReaderSize(z, 1<<16), z: z}
	if look != noPhoto {
		p.photo = screen.NewFrame(image.Rectangle{Max: c.Size})
		Photo(p.photo, int(look), seed)
	}
	return p, nil
}

// Close gives the decoder's memory back.
func (p *film) Close() error {
	p.z.Close()
	return nil
}

func (p *film) paint(f *screen.Frame, n int) error {
	err := p.moves(f)
	if err == nil {
		err = p.rectangles(f)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errFixture, err)
	}
	return nil
}

func (p *film) moves(f *screen.Frame) error {
	n, err := p.in.ReadByte()
	if err != nil {
		return err
	}
	for range n {
		to, err := p.rectangle(f)
		if err != nil {
			return err
		}
		x, err := p.number()
		if err != nil {
			return err
		}
		y, err := p.number()
		if err != nil {
			return err
		}
		m := screen.Move{From: image.Pt(x, y), To: to}
		if from := to.Sub(to.Min).Add(m.From); !from.In(f.Rect) {
			return fmt.Errorf("move from %v outside the picture", from)
		}
		f.Shift(m)
	}
	return nil
}

func (p *film) number() (int, error) {
	var b [2]byte
	_, err := io.ReadFull(p.in, b[:])
	return int(binary.LittleEndian.Uint16(b[:])), err
}

func (p *film) rectangle(f *screen.Frame) (image.Rectangle, error) {
	var v [4]int
	for i := range v {
		var err error
		if v[i], err = p.number(); err != nil {
			return image.Rectangle{}, err
		}
	}
	r := image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3])
	if r.Empty() || !r.In(f.Rect) {
		return r, fmt.Errorf("rectangle %v outside the picture", r)
	}
	return r, nil
}

func (p *film) rectangles(f *screen.Frame) error {
	n, err := p.number()
	if err != nil {
		return err
	}
	for range n {
		r, err := p.rectangle(f)
		if err != nil {
			return err
		}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			if err := p.row(f, y, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *film) row(f *screen.Frame, y int, r image.Rectangle) error {
	row := f.Row(y, r.Min.X, r.Max.X)
	if _, err := io.ReadFull(p.in, row); err != nil {
		return err
	}
	var photo []byte
	if p.photo != nil {
		photo = p.photo.Row(y, r.Min.X, r.Max.X)
	}
	for i := 0; i < len(row); i += 4 {
		if m := row[i+3]; m == showsPhoto && photo != nil {
			copy(row[i:i+4], photo[i:i+4])
		} else if m != 0 {
			return fmt.Errorf("a pixel of kind %d", m)
		}
	}
	return nil
}
