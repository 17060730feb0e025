package x11

import (
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

// client is a connection to a display, one of its screens, and what the server can do.
type client struct {
	*xgb.Conn
	wire   *wire
	setup  *xproto.SetupInfo
	screen *xproto.ScreenInfo
	root   xproto.Window
}

// connect opens a display; empty names mean those of the environment.
func connect(display, authority string) (*client, error) {
	c, setup, err := open(display, authority)
	if err != nil {
		return nil, err
	}
	prepare()
	w := newWire(c, setup)
	x, err := xgb.NewConnNet(w)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	cl := &client{Conn: x, wire: w}
	if cl.setup, err = parseSetup(x); err != nil {
		cl.close()
		cl.drain()
		return nil, fmt.Errorf("%w: %w", screen.ErrNoDisplay, err)
	}
	a, _ := parseDisplay(display) // an empty one is screen 0
	if a.screen >= len(cl.setup.Roots) {
		cl.close()
		cl.drain()
		return nil, fmt.Errorf("%w: %s has no screen %d", screen.ErrNoDisplay, display, a.screen)
	}
	cl.screen = &cl.setup.Roots[a.screen]
	cl.root = cl.screen.Root
	return cl, nil
}

// parseSetup reads the server's description of itself. xgb's reader trusts the
// counts in it and would run over the end of a broken one.
func parseSetup(x *xgb.Conn) (setup *xproto.SetupInfo, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("what listens there is no X server")
		}
	}()
	return xproto.Setup(x), nil
}

// close ends the connection at once, also when the server hangs: xgb's own
// Close makes a round trip first. Whoever waits for a reply gets io.EOF.
func (c *client) close() { c.wire.Conn.Close() }

// drain reads events until the connection has ended. xgb blocks on a full
// event queue, so somebody must, else its goroutines never end.
func (c *client) drain() {
	for {
		if ev, err := c.WaitForEvent(); ev == nil && err == nil {
			return
		}
	}
}

// use looks extensions up. It returns the first that is missing as an error,
// after having looked up all.
func (c *client) use(names ...string) error {
	asked := make([]xproto.QueryExtensionCookie, len(names))
	for i, name := range names {
		asked[i] = xproto.QueryExtension(c.Conn, uint16(len(name)), name)
	}
	var missing error
	for i, name := range names {
		r, err := asked[i].Reply()
		if err != nil {
			return err
		}
		if !r.Present {
			if missing == nil {
				missing = fmt.Errorf("the X server has no %s extension", name)
			}
			continue
		}
		c.wire.learn(name, r.FirstEvent)
		c.ExtLock.Lock()
		c.Extensions[name] = r.MajorOpcode
		c.ExtLock.Unlock()
	}
	return missing
}

// has tells whether use found the extension.
func (c *client) has(name string) bool {
	c.ExtLock.RLock()
	defer c.ExtLock.RUnlock()
	_, ok := c.Extensions[name]
	return ok
}

// rootSize asks for the size of the screen now; the set-up tells that of the
// time of connecting.
func (c *client) rootSize() (image.Point, error) {
	g, err := xproto.GetGeometry(c.Conn, xproto.Drawable(c.root)).Reply()
	if err != nil {
		return image.Point{}, err
	}
	return image.Pt(int(g.Width), int(g.Height)), nil
}

// lost makes screen.ErrDisplayLost of the end of a connection.
func lost(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("x11: %w", screen.ErrDisplayLost)
	}
	return err
}
