package x11

import (
	"fmt"
	"image"
	"strings"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
)

// Output is one monitor, by the name that xrandr shows, and its place on the
// root window in px.
type Output struct {
	Name string
	Rect image.Rectangle
}

// outputs lists the monitors that are on.
func (c *client) outputs() ([]Output, error) {
	if !c.has("RANDR") {
		return nil, nil
	}
	if _, err := randr.QueryVersion(c.Conn, 1, 3).Reply(); err != nil {
		return nil, err
	}
	res, err := randr.GetScreenResourcesCurrent(c.Conn, c.root).Reply()
	if err != nil {
		return nil, err
	}
	var all []Output
	for _, id := range res.Outputs {
		out, err := randr.GetOutputInfo(c.Conn, id, res.ConfigTimestamp).Reply()
		if err != nil {
			return nil, err
		}
		if out.Crtc == 0 {
			continue
		}
		crtc, err := randr.GetCrtcInfo(c.Conn, out.Crtc, res.ConfigTimestamp).Reply()
		if err != nil {
			return nil, err
		}
		at := image.Pt(int(crtc.X), int(crtc.Y))
		all = append(all, Output{string(out.Name), image.Rectangle{Min: at, Max: at.Add(image.Pt(int(crtc.Width), int(crtc.Height)))}})
	}
	return all, nil
}

// errNoOutput lists what there is instead.
type errNoOutput struct {
	name string
	have []Output
}

func (e *errNoOutput) Error() string {
	names := make([]string, len(e.have))
	for i, o := range e.have {
		names[i] = o.Name
	}
	return fmt.Sprintf("no screen is called %q; there are: %s", e.name, strings.Join(names, ", "))
}

// area finds the rectangle of the root window that a name stands for: an
// output, or the whole for "".
func (c *client) area(name string) (image.Rectangle, error) {
	size, err := c.rootSize()
	if err != nil {
		return image.Rectangle{}, err
	}
	whole := image.Rectangle{Max: size}
	if name == "" {
		return whole, nil
	}
	all, err := c.outputs()
	if err != nil {
		return image.Rectangle{}, err
	}
	for _, o := range all {
		if r := o.Rect.Intersect(whole); o.Name == name && !r.Empty() {
			return r, nil
		}
	}
	return image.Rectangle{}, &errNoOutput{name, all}
}

// watchOutputs asks for events when the screen or an output changes.
func (c *client) watchOutputs() {
	xproto.ChangeWindowAttributes(c.Conn, c.root, xproto.CwEventMask, []uint32{xproto.EventMaskStructureNotify})
	if c.has("RANDR") {
		randr.SelectInput(c.Conn, c.root, randr.NotifyMaskScreenChange|randr.NotifyMaskCrtcChange|randr.NotifyMaskOutputChange)
	}
}
