package clips

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// window is how far back zstd finds repetitions, in bytes: some frames of
// 1920x1080, so that a scrolled line costs next to nothing.
const window = 64 << 20

// windowFor is less for small pictures: zstd clears its tables each time.
func windowFor(size image.Point) int {
	n := 1 << 16
	for n < window && n < 20*screen.BytesPerPixel*size.X*size.Y {
		n <<= 1
	}
	return n
}

// Fixture is what a recorded clip says about itself.
type Fixture struct {
	Size   image.Point // px
	Frames int         // up to 65,535
	FPS    int         // up to 240
	About  string      // up to 255 bytes
	Photo  bool        // the desktop shows Photo(Look, Seed)
	Look   int
	Seed   uint32
}

// FixtureWriter writes a recorded clip: Add as many frames as announced, then Close.
type FixtureWriter struct {
	z      *zstd.Encoder
	differ *differ
	photo  *screen.Frame
	left   int
	buf    []byte
}

// NewFixtureWriter writes the header.
func NewFixtureWriter(w io.Writer, x Fixture) (*FixtureWriter, error) {
	if err := screen.CheckSize(x.Size.X, x.Size.Y); err != nil {
		return nil, err
	}
	if x.Frames < 1 || x.Frames > math.MaxUint16 || x.FPS < 1 || x.FPS > maxFPS || len(x.About) > math.MaxUint8 {
		return nil, fmt.Errorf("%d frames at %d/s, %d bytes of text: out of range", x.Frames, x.FPS, len(x.About))
	}
	le := binary.LittleEndian
	h := le.AppendUint16([]byte(magic), uint16(x.Size.X))
	h = le.AppendUint16(h, uint16(x.Size.Y))
	h = le.AppendUint16(h, uint16(x.Frames))
	h = append(h, byte(x.FPS))
	fw := &FixtureWriter{differ: newDiffer(x.Size), left: x.Frames}
	if x.Photo {
		fw.photo = screen.NewFrame(image.Rectangle{Max: x.Size})
		Photo(fw.photo, x.Look, x.Seed)
		h = append(h, byte(x.Look%Looks))
	} else {
		h = append(h, noPhoto)
	}
	h = le.AppendUint32(h, x.Seed)
	h = append(append(h, byte(len(x.About))), x.About...)
	if _, err := w.Write(h); err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(windowFor(x.Size)), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	fw.z = z
	return fw, nil
}

// Add writes the next frame, which must be of the clip's size.
func (w *FixtureWriter) Add(f *screen.Frame) error {
	if w.left == 0 || f.Rect != w.differ.old.Rect {
		return fmt.Errorf("frame %v: %d frames are left, of %v", f.Rect, w.left, w.differ.old.Rect)
	}
	w.left--
	w.buf = append(w.buf[:0], 0)
	if !w.differ.first {
		if m, ok := scrolled(w.differ.old, f, w.differ.find(f).Bounds()); ok {
			w.differ.old.Shift(m)
			w.buf[0] = 1
			w.rectangle(m.To)
			w.numbers(m.From.X, m.From.Y)
		}
	}
	damage := w.differ.changed(f)
	if b := damage.Bounds(); !b.Empty() && damage.Area() > b.Dx()*b.Dy()/2 {
		damage = append(damage[:0], b) // one rectangle repeats better than its tiles
	}
	w.numbers(len(damage))
	for _, r := range damage {
		w.rectangle(r)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			w.row(f, y, r)
		}
	}
	_, err := w.z.Write(w.buf)
	return err
}

func (w *FixtureWriter) numbers(list ...int) {
	for _, v := range list {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(v))
	}
}

func (w *FixtureWriter) rectangle(r image.Rectangle) {
	w.numbers(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
}

// scrolled finds out whether most rows of box moved up or down together. It
// looks at rows that are like no other row, so that empty lines have no vote.
func scrolled(old, f *screen.Frame, box image.Rectangle) (m screen.Move, ok bool) {
	before, votes := map[string]int{}, map[int]int{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := string(old.Row(y, box.Min.X, box.Max.X))
		if _, twice := before[row]; twice {
			before[row] = -1
		} else {
			before[row] = y
		}
	}
	best := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		from, seen := before[string(f.Row(y, box.Min.X, box.Max.X))]
		if !seen || from < 0 {
			continue
		}
		if votes[y-from]++; votes[y-from] > votes[best] && y != from {
			best = y - from
		}
	}
	if votes[best] < box.Dy()/4 || best == 0 {
		return m, false
	}
	to := box.Add(image.Pt(0, best)).Intersect(box)
	return screen.Move{From: to.Min.Sub(image.Pt(0, best)), To: to}, true
}

func (w *FixtureWriter) row(f *screen.Frame, y int, r image.Rectangle) {
	at := len(w.buf)
	w.buf = append(w.buf, f.Row(y, r.Min.X, r.Max.X)...)
	if w.photo == nil {
		return
	}
	photo, row := w.photo.Row(y, r.Min.X, r.Max.X), w.buf[at:]
	for i := 0; i < len(row); i += 4 {
		if string(row[i:i+4]) == string(photo[i:i+4]) {
			row[i], row[i+1], row[i+2], row[i+3] = 0, 0, 0, showsPhoto
		}
	}
}

// Close ends the file; the writer below stays open.
func (w *FixtureWriter) Close() error {
	if err := w.z.Close(); err != nil {
		return err
	}
	if w.left > 0 {
		return fmt.Errorf("%d frames are missing", w.left)
	}
	return nil
}
