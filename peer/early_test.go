package peer

import (
	"testing"

	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/screentest"
)

// TestFrameBeforeLayout: pictures that no layout names, or of another size, are
// not shown.
func TestFrameBeforeLayout(t *testing.T) {
	for _, row := range []struct {
		name   string
		layout []wire.PictureInfo
	}{{"no layout", nil}, {"another picture", []wire.PictureInfo{{ID: 3, W: 64, H: 48}}}, {"another size", []wire.PictureInfo{{W: 64, H: 40}}}} {
		t.Run(row.name, func(t *testing.T) {
			w := screentest.NewGlass()
			g := newGlass(w, screen.State{})
			if row.layout != nil {
				_, err := g.take(wire.TypeLayout, wire.AppendLayout(nil, row.layout))
				must(t, err)
			}
			_, err := g.take(wire.TypeFrame, bodyOf(t, frameOf(t, 0, 64, 48)))
			if err == nil || w.Frame(0) != nil {
				t.Errorf("shown, %v", err)
			}
		})
	}
}
