package peer

import (
	"context"
	"fmt"
	"strings"

	"sightline/peer/wire"
)

// keepSign shows on the host's screen who watches, as long as somebody does. If
// that cannot be shown, sharing pauses: there is no silent mode.
func (h *Host) keepSign(ctx context.Context) error {
	sign := h.o.Sign
	if sign == nil {
		return nil
	}
	defer sign.Show("")
	shown := ""
	for {
		if words := h.signWords(); words != shown && !h.isPaused() {
			if err := sign.Show(words); err != nil {
				shown = ""
				h.noSign(err)
			} else {
				shown = words
				h.setSigned(words != "")
			}
		}
		select {
		case <-h.signs:
		case <-sign.Hidden():
			if shown != "" {
				shown = ""
				h.noSign(nil)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// noSign pauses, and says why.
func (h *Host) noSign(err error) {
	h.setSigned(false)
	h.Pause(true)
	h.emit(Failed{Err: &Error{
		Class: ClassNoDisplay, Msg: "paused: the sign that somebody watches cannot be kept on the screen", Err: err,
	}})
}

// setSigned notes whether the sign is on the screen: without it nothing leaves.
func (h *Host) setSigned(on bool) {
	h.mu.Lock()
	h.signed = on
	h.mu.Unlock()
	h.holdAll()
}

// signWords says who watches; nothing if nobody does. Who would act with the next
// key controls; who waits until another gives control away watches.
func (h *Host) signWords() string {
	var watch, control []string
	for _, st := range h.all() {
		s := st.status()
		if s.Asking && s.Grants == 0 {
			continue
		}
		name := orElse(s.Viewer.Name, s.Viewer.ID)
		if s.Grants.Any(wire.HandsOn) && h.floor.open(st.id) {
			control = append(control, name)
		} else if s.Grants.Has(wire.View) {
			watch = append(watch, name)
		}
	}
	var parts []string
	for _, p := range []struct {
		names     []string
		does, all string
	}{{control, "controls", "control"}, {watch, "watches", "watch"}} {
		switch n := len(p.names); {
		case n == 1:
			parts = append(parts, p.names[0]+" "+p.does)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, p.all))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + " - Ctrl+Alt+Shift+Q ends it"
}
