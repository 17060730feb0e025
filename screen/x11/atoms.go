package x11

import "github.com/jezek/xgb/xproto"

// atoms are the names that window managers use (ICCCM, EWMH).
type atoms struct {
	protocols, deleteWindow            xproto.Atom
	netName, utf8, pid                 xproto.Atom
	netState, fullscreen, supportingWM xproto.Atom
}

func (c *client) intern() (atoms, error) {
	var a atoms
	list := []struct {
		name string
		atom *xproto.Atom
	}{
		{"WM_PROTOCOLS", &a.protocols}, {"WM_DELETE_WINDOW", &a.deleteWindow},
		{"_NET_WM_NAME", &a.netName}, {"UTF8_STRING", &a.utf8}, {"_NET_WM_PID", &a.pid},
		{"_NET_WM_STATE", &a.netState}, {"_NET_WM_STATE_FULLSCREEN", &a.fullscreen},
		{"_NET_SUPPORTING_WM_CHECK", &a.supportingWM},
	}
	asked := make([]xproto.InternAtomCookie, len(list))
	for i, l := range list {
		asked[i] = xproto.InternAtom(c.Conn, false, uint16(len(l.name)), l.name)
	}
	for i, l := range list {
		r, err := asked[i].Reply()
		if err != nil {
			return a, err
		}
		*l.atom = r.Atom
	}
	return a, nil
}

// managed tells whether a window manager runs (EWMH, _NET_SUPPORTING_WM_CHECK):
// the window it names must name itself, else it is a leftover.
func (c *client) managed(a atoms) bool {
	w, ok := c.windowProperty(c.root, a.supportingWM)
	if !ok {
		return false
	}
	self, ok := c.windowProperty(w, a.supportingWM)
	return ok && self == w
}

func (c *client) windowProperty(w xproto.Window, name xproto.Atom) (xproto.Window, bool) {
	r, err := xproto.GetProperty(c.Conn, false, w, name, xproto.AtomWindow, 0, 1).Reply()
	if err != nil || r.Format != 32 || len(r.Value) < 4 {
		return 0, false
	}
	v := r.Value
	return xproto.Window(uint32(v[0]) | uint32(v[1])<<8 | uint32(v[2])<<16 | uint32(v[3])<<24), true
}
