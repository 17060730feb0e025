package x11

import (
	"image"
	"testing"

	"sightline/screen"
)

func TestArrange(t *testing.T) {
	r := image.Rect
	for _, c := range []struct {
		name  string
		pics  []image.Rectangle
		want  []image.Rectangle
		size  image.Point
		fails bool
	}{
		{"none", nil, nil, image.Point{}, false},
		{"one, somewhere", []image.Rectangle{r(100, 50, 300, 150)}, []image.Rectangle{r(0, 0, 200, 100)}, image.Pt(200, 100), false},
		{"as on the desktop", []image.Rectangle{r(10, 0, 20, 10), r(30, 5, 40, 25)}, []image.Rectangle{r(0, 0, 10, 10), r(20, 5, 30, 25)}, image.Pt(30, 25), false},
		{"touching", []image.Rectangle{r(0, 0, 10, 10), r(10, 0, 20, 10)}, []image.Rectangle{r(0, 0, 10, 10), r(10, 0, 20, 10)}, image.Pt(20, 10), false},
		{"overlapping", []image.Rectangle{r(0, 0, 10, 10), r(5, 5, 20, 10)}, []image.Rectangle{r(0, 0, 10, 10), r(10, 0, 25, 5)}, image.Pt(25, 10), false},
		{"one above the other", []image.Rectangle{r(0, 0, 10, 10), r(0, 0, 10, 10)}, []image.Rectangle{r(0, 0, 10, 10), r(10, 0, 20, 10)}, image.Pt(20, 10), false},
		{"far apart", []image.Rectangle{r(0, 0, 10, 10), r(1<<20, 0, 1<<20+10, 10)}, []image.Rectangle{r(0, 0, 10, 10), r(10, 0, 20, 10)}, image.Pt(20, 10), false},
		{"too wide in a row", []image.Rectangle{r(0, 0, 16384, 1), r(5, 0, 16389, 1)}, nil, image.Point{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &screen.Layout{}
			for i, p := range c.pics {
				l.Pictures = append(l.Pictures, screen.Picture{ID: screen.PictureID(i), Rect: p})
			}
			got, size, err := arrange(l)
			if (err != nil) != c.fails {
				t.Fatal(err)
			}
			if size != c.size || len(got) != len(c.want) {
				t.Fatalf("%v of %v", got, size)
			}
			for i, p := range got {
				if p.at != c.want[i] {
					t.Errorf("picture %d at %v, not %v", i, p.at, c.want[i])
				}
			}
		})
	}
}
