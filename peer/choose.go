package peer

import (
	"context"
	"time"

	"sightline/screen"
)

// Window is a window of this computer that can be shared, or is.
type Window = screen.Choice

// WindowID names a window of this computer.
type WindowID = screen.WindowID

// errWhole is what choosing windows means where none were chosen at the start.
var errWhole = &Error{Class: ClassUsage, Msg: "this host does not share single windows", Fix: "start it with --window WINDOW, or with --pick to choose from a list"}

// Windows lists the windows that can be shared, and which are.
func (h *Host) Windows() ([]Window, error) {
	c, ok := h.o.Source.(screen.Chooser)
	if !ok {
		return nil, errWhole
	}
	return c.Choices()
}

// ShareWindow adds a window to what every viewer sees.
func (h *Host) ShareWindow(id WindowID) error {
	c, ok := h.o.Source.(screen.Chooser)
	if !ok {
		return errWhole
	}
	// What was taken away just now must be gone from the source's layout first: both changes
	// in one would leave the canvas forgetting a picture that is shared again.
	for range 100 {
		if !h.canvas.Forgetting() {
			break
		}
		sleep(context.Background(), 10*time.Millisecond)
	}
	if err := c.Share(id); err != nil {
		return &Error{Class: ClassUsage, Err: err}
	}
	h.shared(c)
	return nil
}

// UnshareWindow takes a window away from every viewer. Nothing of it is sent
// from then on, and what was held down in it comes up.
func (h *Host) UnshareWindow(id WindowID) error {
	c, ok := h.o.Source.(screen.Chooser)
	if !ok {
		return errWhole
	}
	pic, err := c.Unshare(id)
	if err != nil {
		return &Error{Class: ClassUsage, Err: err, Fix: "`sightline ctl windows` lists them"}
	}
	h.canvas.Forget(pic)
	h.hands.lift()
	for _, st := range h.all() {
		st.picture.restart() // what was encoded and not sent yet is of the old pictures
	}
	h.shared(c)
	return nil
}

// shared tells what is shared now.
func (h *Host) shared(c screen.Chooser) {
	what := "windows: " + c.Shared()
	h.mu.Lock()
	h.sharing = what
	h.mu.Unlock()
	h.emit(Sharing{What: what})
}

func (h *Host) whatIsShared() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sharing
}

// HoldInput holds back what viewers do, as long as the person here looks at what
// a remote hand must not touch. Each true needs its false.
func (h *Host) HoldInput(on bool) {
	if on {
		h.freezeInput(+1)
		return
	}
	h.freezeInput(-1)
}

// restart has everything encoded and sent anew.
func (p *picture) restart() {
	p.init()
	p.mu.Lock()
	p.reset = true
	p.mu.Unlock()
	signal(p.wake)
}

// WouldShare is an error if a further window would be shown while somebody holds
// the keyboard (WouldWiden): of a shared terminal, say.
func (h *Host) WouldShare() error { return h.freeOfHands() }
