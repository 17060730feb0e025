package x11

import (
	"fmt"
	"image"
	"strings"

	"github.com/jezek/xgb/xproto"
)

// Info is what a display says of itself.
type Info struct {
	Vendor   string
	Release  uint32
	Size     image.Point // of the root window, px
	Depth    byte        // colour bits
	Outputs  []Output
	Missing  []string // extensions that this package uses and the server has not
	Shared   bool     // the server takes our shared memory
	Xwayland bool     // the root window is black, the desktop is Wayland's
}

// extensions that are looked for, with what each is for.
var extensions = []string{"DAMAGE", "XFIXES", "MIT-SHM", "XTEST", "RANDR", "RENDER", "Composite"}

// Probe connects to a display and asks what it can do. Errors wrap
// screen.ErrNoDisplay.
func Probe(display, authority string) (Info, error) {
	x, err := connect(display, authority)
	if err != nil {
		return Info{}, err
	}
	drained := make(chan struct{})
	go func() { x.drain(); close(drained) }()
	defer func() { x.close(); <-drained }()
	info, err := x.describe()
	if err == nil {
		info.Shared, err = x.shares(display, authority)
	}
	if err != nil {
		return Info{}, fmt.Errorf("ask display %s: %w", display, lost(err))
	}
	return info, nil
}

func (c *client) describe() (Info, error) {
	c.use(extensions...) // which are missing is told below
	info := Info{Vendor: printable([]byte(c.setup.Vendor)), Release: c.setup.ReleaseNumber, Depth: c.screen.RootDepth}
	for _, e := range extensions {
		if !c.has(e) {
			info.Missing = append(info.Missing, e)
		}
	}
	var err error
	if info.Size, err = c.rootSize(); err != nil {
		return info, err
	}
	if info.Outputs, err = c.outputs(); err != nil {
		return info, err
	}
	info.Xwayland, err = c.xwayland(info.Outputs)
	return info, err
}

// shares tries whether the server attaches memory of ours.
func (c *client) shares(display, authority string) (bool, error) {
	f, err := c.formatOf(c.screen.RootDepth, c.screen.RootVisual)
	if err != nil {
		return false, nil // pixels that cannot be read anyway
	}
	p, err := newPen(display, authority)
	if err != nil {
		return false, err
	}
	defer p.close()
	g := newGrabber(&asker{pen: p}, uint32(c.root), f, image.Pt(1, 1), false, silent(nil))
	defer g.close()
	return g.seg != nil, nil
}

// xwayland tells an X server inside a Wayland desktop, by the extension that
// it has since 23.1 for this purpose, or by the names it gives its outputs.
func (c *client) xwayland(outputs []Output) (bool, error) {
	const name = "XWAYLAND"
	r, err := xproto.QueryExtension(c.Conn, uint16(len(name)), name).Reply()
	if err != nil {
		return false, err
	}
	for _, o := range outputs {
		if strings.HasPrefix(o.Name, name) {
			return true, nil
		}
	}
	return r.Present, nil
}
