package ctl

import (
	"context"

	"sightline/peer"
)

// Host is what ctl needs of a running host. *peer.Host has it.
type Host interface {
	Status() peer.HostStatus
	Admit(peer.SeatID, peer.Grant) error
	Refuse(peer.SeatID) error
	Kick(peer.SeatID) error
	Grant(peer.SeatID, peer.Grant) error
	Pass(peer.SeatID) error
	Windows() ([]peer.Window, error)
	ShareWindow(peer.WindowID) error
	UnshareWindow(peer.WindowID) error
	Pause(bool)
	Renew()
	AnotherCode() (string, error)
	Stop()
}

// View is what ctl needs of a running viewer. *peer.View has it.
type View interface {
	Status() peer.ViewStatus
	Ask(peer.Grant) error
	End()
}

// Handler answers requests; Serve calls it from several goroutines.
type Handler func(context.Context, Request) Response

// ForHost makes a host obey. A command is answered with the state after it.
func ForHost(h Host) Handler {
	return func(_ context.Context, r Request) Response {
		if err := obey(h, r); err != nil {
			return failure(err)
		}
		answer := Response{OK: true, Status: ReportHost(h.Status())}
		if r.Verb == Windows || r.Window != "" {
			list, err := h.Windows()
			if err != nil {
				return failure(err)
			}
			answer.Windows = reportWindows(list)
		}
		return answer
	}
}

// ForView makes a viewer obey: status, ask and stop.
func ForView(v View) Handler {
	rest := ForStatus("viewer", func() *Report { return ReportView(v.Status()) }, v.End)
	return func(ctx context.Context, r Request) Response {
		if r.Verb != Ask {
			return rest(ctx, r)
		}
		g, err := r.rights()
		if err == nil {
			err = v.Ask(g)
		}
		if err != nil {
			return failure(err)
		}
		return Response{OK: true, Status: ReportView(v.Status())}
	}
}

// ForStatus answers status and stop for a role that can be told nothing else,
// a relay for example. name is for the error.
func ForStatus(name string, status func() *Report, stop func()) Handler {
	return func(_ context.Context, r Request) Response {
		switch r.Verb {
		case Status:
		case Stop:
			stop()
		default:
			return failure(fail(peer.ClassUsage, "", "a %s knows status and stop, not %s", name, r.Verb))
		}
		return Response{OK: true, Status: status()}
	}
}

func obey(h Host, r Request) error {
	switch r.Verb {
	case Status, Windows:
		return nil
	case Ask:
		return fail(peer.ClassUsage, "`sightline ctl grant` changes what a viewer may do", "a viewer asks, not a host")
	case Share, Unshare:
		return choose(h, r)
	case Pause, Resume:
		h.Pause(r.Verb == Pause)
		return nil
	case Renew:
		h.Renew()
		return nil
	case Code:
		_, err := h.AnotherCode()
		return err
	case Stop:
		h.Stop()
		return nil
	}
	state := h.Status()
	seat, err := chosen(state, r)
	if err != nil {
		return err
	}
	rights, err := r.rights()
	if err != nil {
		return err
	}
	switch r.Verb {
	case Refuse:
		return h.Refuse(seat.Seat)
	case Kick:
		return h.Kick(seat.Seat)
	case Pass:
		return h.Pass(seat.Seat)
	case Admit:
		return admit(h, state, seat, rights)
	}
	return grant(h, state, seat, rights)
}

// chosen finds the viewer that is meant. Without a number it is the only one
// that the verb fits: one who asks, or one who is in.
func chosen(state peer.HostStatus, r Request) (peer.SeatStatus, error) {
	asking := r.Verb == Admit || r.Verb == Refuse
	fit := []peer.SeatStatus{}
	for _, s := range state.Seats {
		if r.Seat == int(s.Seat) || r.Seat == 0 && (s.Asking == asking || r.Verb == Kick) {
			fit = append(fit, s)
		}
	}
	switch {
	case len(fit) == 1 && asking && !fit[0].Asking && fit[0].Grants.Has(fit[0].Wants):
		return fit[0], fail(peer.ClassUsage, "`sightline ctl status` lists who asks", "viewer %d asks for nothing", r.Seat)
	case len(fit) == 1:
		return fit[0], nil
	case r.Seat != 0:
		return peer.SeatStatus{}, fail(peer.ClassNoSession, "`sightline ctl status` lists the viewers", "there is no viewer %d", r.Seat)
	case len(fit) == 0 && asking:
		return peer.SeatStatus{}, fail(peer.ClassNoSession, "", "nobody asks to be let in")
	case len(fit) == 0:
		return peer.SeatStatus{}, fail(peer.ClassNoSession, "", "there is no viewer")
	}
	return peer.SeatStatus{}, fail(peer.ClassUsage, "`sightline ctl status` lists the viewers", "there are %d viewers: say which by number", len(fit))
}

// admit gives what was asked for, or as much of it as was named.
func admit(h Host, state peer.HostStatus, seat peer.SeatStatus, rights peer.Grant) error {
	if rights == 0 {
		rights = seat.Wants
	}
	if err := mayWiden(state); err != nil {
		return err
	}
	return h.Admit(seat.Seat, seat.Grants|rights&seat.Wants) // one who is in keeps what it has
}

func grant(h Host, state peer.HostStatus, seat peer.SeatStatus, rights peer.Grant) error {
	if seat.Asking && seat.Grants == 0 {
		return fail(peer.ClassUsage, "use admit or refuse", "viewer %d is not let in yet", seat.Seat)
	}
	if rights&^seat.Grants != 0 {
		if err := mayWiden(state); err != nil {
			return err
		}
	}
	return h.Grant(seat.Seat, rights)
}

// mayWiden refuses to widen anybody's rights while a viewer holds the keyboard:
// it could be that viewer who types the command, in a terminal on the shared
// desktop (SECURITY-DESIGN, section 7). The full-screen page, for whose
// questions remote input stops, has to be used instead.
func mayWiden(state peer.HostStatus) error {
	for _, s := range state.Seats {
		if s.Grants.Any(vocabulary["keyboard"]) {
			return fail(peer.ClassPermission, "take the keyboard back first (`sightline ctl grant`), or answer on the host's page",
				"viewer %d holds the keyboard and could have typed this", s.Seat)
		}
	}
	return nil
}
