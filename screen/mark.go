package screen

import "image"

// Mark is where another viewer of the same host points. Colour is 0x00RRGGBB; Name
// was cleaned, and stands beside the colour because not everybody tells those apart.
type Mark struct {
	Picture PictureID
	At      image.Point
	Colour  uint32
	Name    string
}

// Marker is a Window that shows marks over the pictures. Each call replaces the
// marks of the one before; a mark outside of the layout is not shown. From the
// goroutine that calls Draw.
type Marker interface {
	Marks([]Mark) error
}
