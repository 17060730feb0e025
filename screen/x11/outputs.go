package x11

import (
	"fmt"
	"image"
	"regexp"
	"strconv"
	"strings"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
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
	return fmt.Sprintf("no screen is called %q; there are: %s, regions such as 1280x720+100+50, and all", e.name, strings.Join(names, ", "))
}

// wholeRoot is the name of all monitors together.
const wholeRoot = "all"

// geometry is a region as X programs write it: size, and the place of its corner
// on the root window, px.
var geometry = regexp.MustCompile(`^(\d{1,5})x(\d{1,5})\+(\d{1,5})\+(\d{1,5})$`)

// region reads a geometry.
func region(name string) (r image.Rectangle, ok bool) {
	m := geometry.FindStringSubmatch(name)
	if m == nil {
		return r, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // at most five digits
	}
	return image.Rect(n[2], n[3], n[2]+n[0], n[3]+n[1]), true
}

// area finds the rectangle of the root window that a name stands for: an output,
// what there is of a region, or the whole for "all" and "".
func (c *client) area(name string) (image.Rectangle, error) {
	size, err := c.rootSize()
	if err != nil {
		return image.Rectangle{}, err
	}
	whole := image.Rectangle{Max: size}
	if name == "" || name == wholeRoot {
		return whole, nil
	}
	if r, ok := region(name); ok {
		if r = r.Intersect(whole); r.Empty() {
			return r, fmt.Errorf("%w: nothing of the region %s is on this display, which has %dx%d", screen.ErrNoDisplay, name, size.X, size.Y)
		}
		return r, nil
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
