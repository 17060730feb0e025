package x11

import (
	"time"

	"github.com/jezek/xgb/xproto"
)

// menuGrab judges whose it is when somebody has taken the pointer, or the keyboard,
// while a menu of a shared window is open. The server does not say; menus mostly take
// both for themselves when they open, and then nobody else can have them. But a list
// of completions does not: once the pointer was seen free while it stands, whoever has
// taken it afterwards is somebody else, who would get what the remote hand does.
//
// What is left: a grab that somebody else makes before it is looked at for the first
// time, menuGrabs after such a list has opened.
type menuGrab struct {
	loose time.Time // the menus that stand since then have been seen without a grab
}

// menuGrabs is how long after a menu has opened it may still be about to take the
// pointer: toolkits do so within some ms, a swapped-out program later.
const menuGrabs = 500 * time.Millisecond

// allows tells whether what is done now goes to a shared window as far as grabs are
// concerned. free: nobody has one; open: there are menus, since then.
func (m *menuGrab) allows(free, open bool, since, now time.Time) bool {
	if free && open && now.Sub(since) >= menuGrabs {
		m.loose = since
	}
	return free || open && !m.loose.Equal(since)
}

// mayClick is allows for the pointer.
func (f *fence) mayClick(free bool) bool {
	since, open := f.group.menu()
	return f.pointerGrab.allows(free, open, since, time.Now())
}

// mayType is allows for the keyboard.
func (f *fence) mayType(free bool) bool {
	since, open := f.group.menu()
	return f.keyGrab.allows(free, open, since, time.Now())
}

// lookForGrab learns of an open menu whether it has taken the pointer, before there is
// a click that depends on it. The probe is never shown, so it never gets the pointer.
func (f *fence) lookForGrab() {
	since, open := f.group.menu()
	if !open || f.pointerGrab.loose.Equal(since) || time.Since(since) < menuGrabs {
		return
	}
	r, err := xproto.GrabPointer(f.x.Conn, false, f.probe, 0, xproto.GrabModeAsync, xproto.GrabModeAsync, 0, 0, xproto.TimeCurrentTime).Reply()
	if err == nil {
		f.mayClick(r.Status == xproto.GrabStatusNotViewable)
	}
}
