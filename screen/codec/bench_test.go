package codec_test

import (
	"context"
	"image"
	"math/rand/v2"
	"testing"

	"sightline/screen"
	"sightline/screen/codec"
	"sightline/screen/keysym"
	"sightline/screen/pattern"
)

// material is a picture and what happens to it: step changes it and gives the
// damage.
type material struct {
	frame *screen.Frame
	step  func(n int) screen.Region
}

// typing is one character after the other in a text area.
func typing() material {
	d := pattern.New(pattern.Options{Size: image.Pt(1920, 1080)})
	src, in := d.Source(), d.Injector()
	var c screen.Change
	next := func() screen.Region {
		if err := src.Next(context.Background(), &c); err != nil {
			panic(err)
		}
		return c.Damage
	}
	next()
	return material{c.Frame, func(n int) screen.Region {
		sym := keysym.Sym('a' + n*7%26)
		if n%60 == 59 {
			sym = keysym.Return
		}
		for _, down := range []bool{true, false} {
			if err := in.Key(screen.Key{Sym: sym, Down: down}); err != nil {
				panic(err)
			}
		}
		return next()
	}}
}

// scrolling moves a page of text up by a line and writes a new one below.
func scrolling(told bool) material {
	f, r := screen.NewFrame(image.Rect(0, 0, 1920, 1080)), rand.New(rand.NewPCG(1, 2))
	const line = 18
	write := func(y int) {
		f.Fill(image.Rect(0, y, 1920, y+line), 0xffffff)
		for x := 0; x < 1000+r.IntN(900); x += 9 {
			glyph := r.IntN(80)
			for k := range 20 { // strokes: the same for the same glyph
				px, py := glyph*k*7%8, (glyph+k*5)%14
				f.Fill(image.Rect(x+px, y+py, x+px+1, y+py+2), uint32(glyph&3)*0x202020)
			}
		}
	}
	for y := 0; y+line <= 1080; y += line {
		write(y)
	}
	up := screen.Move{To: image.Rect(0, 0, 1920, 1080-line), From: image.Pt(0, line)}
	return material{f, func(int) screen.Region {
		f.Shift(up)
		write(1080 - line)
		if told {
			return screen.Region{image.Rect(0, 1080-line, 1920, 1080)}
		}
		return screen.Region{f.Rect}
	}}
}

// photo is smooth colour under noise that is new each time, 640 x 360 px.
func photo(box image.Rectangle) material {
	f, r := screen.NewFrame(image.Rect(0, 0, 1920, 1080)), rand.New(rand.NewPCG(3, 4))
	return material{f, func(n int) screen.Region {
		for y := box.Min.Y; y < box.Max.Y; y++ {
			row := f.Row(y, box.Min.X, box.Max.X)
			for i := 0; i < len(row); i += 4 {
				v := r.Uint32()
				row[i] = byte(i/64+n) + byte(v&3)
				row[i+1] = byte(y/5+n) + byte(v>>8&3)
				row[i+2] = byte((i/4+y)/9) + byte(v>>16&3)
			}
		}
		return screen.Region{box}
	}}
}

func BenchmarkEncodeDecode(b *testing.B) {
	small := image.Rect(600, 300, 1240, 660)
	for _, tc := range []struct {
		name  string
		m     material
		moves []screen.Move
	}{
		{"typing", typing(), nil},
		{"scroll", scrolling(false), nil},
		{"scroll-told", scrolling(true), []screen.Move{{To: image.Rect(0, 0, 1920, 1062), From: image.Pt(0, 18)}}},
		{"photo-640x360", photo(small), nil},
	} {
		b.Run(tc.name+"/encode", func(b *testing.B) { run(b, tc.m, tc.moves, false) })
		b.Run(tc.name+"/decode", func(b *testing.B) { run(b, tc.m, tc.moves, true) })
	}
}

// run measures one end; the other works while the clock stands.
func run(b *testing.B, m material, moves []screen.Move, decode bool) {
	enc, dec := codec.NewEncoder(), codec.NewDecoder()
	c := &screen.Change{Frame: m.frame}
	total := 0
	var msg []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		c.Damage = m.step(n)
		if n > 0 {
			c.Moves = moves
		}
		if !decode {
			b.StartTimer()
		}
		var err error
		if msg, _, err = enc.Encode(msg[:0], c, codec.Budget{}); err != nil {
			b.Fatal(err)
		}
		if n > 0 {
			total += len(msg)
		}
		b.StartTimer()
		if decode && len(msg) > 0 {
			if _, _, _, err = dec.Decode(msg); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(total)/float64(max(b.N-1, 1)), "B/update")
}

func BenchmarkFirstFrame(b *testing.B) {
	for name, m := range map[string]material{
		"desktop": typing(), "text": scrolling(false), "photo": photo(image.Rect(0, 0, 1920, 1080)),
	} {
		b.Run(name, func(b *testing.B) {
			m.step(0)
			enc := codec.NewEncoder()
			c := &screen.Change{Frame: m.frame}
			var msg []byte
			b.ReportAllocs()
			for b.Loop() {
				enc.Reset()
				var err error
				if msg, _, err = enc.Encode(msg[:0], c, codec.Budget{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(msg)), "B/update")
		})
	}
}
