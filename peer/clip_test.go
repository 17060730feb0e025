package peer

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"sightline/peer/invite"
	"sightline/peer/wire"
	"sightline/screen"
	"sightline/screen/screentest"
)

// desks is a session between two desktops with a clipboard each.
type desks struct {
	*rig
	there, here *screentest.Clipboard
	v           *viewerRig
}

func newDesks(t *testing.T, allow, wants Grant) *desks {
	return joinDesks(t, allow, wants, (*rig).join)
}

func joinDesks(t *testing.T, allow, wants Grant, join func(*rig, invite.Code, Grant) *viewerRig) *desks {
	t.Helper()
	d := &desks{there: screentest.NewClipboard(), here: screentest.NewClipboard()}
	d.rig = newRig(t, func(o *HostOptions) { o.Allow, o.Clipboard = allow, d.there })
	d.viewers = func(o *ViewOptions) { o.Clipboard = d.here }
	d.v = join(d.rig, d.code(1), wants)
	d.sees(d.v)
	return d
}

// open waits until both sides listen.
func (d *desks) open() {
	d.t.Helper()
	for _, c := range []*screentest.Clipboard{d.there, d.here} {
		select {
		case <-c.Listening():
		case <-d.ctx.Done():
			d.t.Fatal("nobody listens to a clipboard")
		}
	}
}

func (d *desks) comes(to *screentest.Clipboard, want screen.Clip) {
	d.t.Helper()
	select {
	case got := <-to.Puts():
		if got.Primary != want.Primary || got.Picture != want.Picture || !bytes.Equal(got.Data, want.Data) {
			d.t.Fatalf("%d bytes %.40q came instead of %d bytes %.40q", len(got.Data), got.Data, len(want.Data), want.Data)
		}
	case <-d.ctx.Done():
		d.t.Fatalf("%.40q never came", want.Data)
	}
}

func text(s string) screen.Clip { return screen.Clip{Data: []byte(s)} }

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAskForClipboard: nothing is copied before both sides want it, whoever of them
// began; a viewer that asks in mid-session gets what the host allows.
func TestAskForClipboard(t *testing.T) {
	t.Parallel()
	d := newDesks(t, looks|clipboards, looks)
	d.there.Copy(text("nobody asked for this"))
	if err := d.v.view.Ask(looks); ClassOf(err) != ClassUsage {
		t.Errorf("it asks to view: %v", err)
	}
	d.v.glass.Send(screen.AskClipboard)
	d.open()
	must(t, d.v.glass.Wait(d.ctx, func(s screentest.Seen) bool { return s.State.Clips }))
	d.there.Copy(text("from there"))
	d.comes(d.here, text("from there"))
	d.here.Copy(text("from here"))
	d.comes(d.there, text("from here"))
}

// TestClipboardGivenUnasked: a host that gives the right opens nothing until the
// viewer asks, which needs no further answer.
func TestClipboardGivenUnasked(t *testing.T) {
	t.Parallel()
	d := newDesks(t, looks, looks)
	must(t, d.host.Grant(1, looks|clipboards))
	await[Granted](t, d.ctx, d.v.events, 1)
	if d.v.view.clipRights() != 0 {
		t.Error("the clipboard is open")
	}
	must(t, d.v.view.Ask(clipboards))
	d.open()
	d.here.Copy(text("now"))
	d.comes(d.there, text("now"))
}

func TestClipboard(t *testing.T) {
	t.Parallel()
	d := newDesks(t, looks|clipboards, looks|clipboards)
	d.open()
	long := text(strings.Repeat("Grüße\n", wire.MaxClip/8))
	marked := screen.Clip{Primary: true, Data: []byte("marked")}
	shot := screen.Clip{Picture: true, Data: pngOf(t, 300, 200)}
	for _, c := range []screen.Clip{text("one"), long, marked, shot, text("one")} {
		d.there.Copy(c)
		d.comes(d.here, c)
		d.here.Copy(c) // a clipboard manager offers it anew
	}
	for _, c := range []screen.Clip{text("two"), marked, long, shot} {
		d.here.Copy(c)
		if c.Primary {
			continue // came from there: nothing is sent back
		}
		d.comes(d.there, c)
	}
	// What one side withholds is told there and goes nowhere.
	d.there.Copy(screen.Clip{Withheld: "marked secret"})
	d.there.Copy(screen.Clip{})
	d.there.Copy(text("not\xff text"))
	d.there.Copy(text("after"))
	d.comes(d.here, text("after"))
	if e := await[Denied](t, d.ctx, d.events, 1); !strings.Contains(e.Reason, "marked secret") {
		t.Errorf("told %q", e.Reason)
	}
	if n := len(d.there.Puts()) + len(d.here.Puts()); n > 0 {
		t.Errorf("%d clips came from nowhere", n)
	}
}

// Each direction is a right of its own, which both sides must want.
func TestClipboardRights(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		allow, wants Grant
		flows        Grant
	}{
		{"to the viewer", looks | wire.ClipToViewer, looks | clipboards, wire.ClipToViewer},
		{"to the host", looks | wire.ClipToHost, looks | clipboards, wire.ClipToHost},
		{"asked for one", looks | clipboards, looks | wire.ClipToViewer, wire.ClipToViewer},
		{"not allowed", looks, looks | clipboards, 0},
		{"not asked for", looks | clipboards, looks, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := newDesks(t, row.allow, row.wants)
			if row.flows != 0 {
				d.open()
			}
			d.there.Copy(text("from the host"))
			d.here.Copy(text("from the viewer"))
			if row.flows.Has(wire.ClipToViewer) {
				d.comes(d.here, text("from the host"))
			}
			if row.flows.Has(wire.ClipToHost) {
				d.comes(d.there, text("from the viewer"))
			}
			// A host that gives more than was asked for opens nothing.
			must(t, d.host.Grant(1, looks|clipboards))
			await[Granted](t, d.ctx, d.v.events, 1)
			for _, to := range []*screentest.Clipboard{d.here, d.there} {
				select {
				case c := <-to.Puts():
					t.Errorf("%q came without a right", c.Data)
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
}

// A right that is taken back closes its direction at once, one that is given
// sends nothing of what was copied before.
func TestClipboardGrants(t *testing.T) {
	t.Parallel()
	d := newDesks(t, looks|wire.ClipToViewer, looks|clipboards)
	d.open()
	d.here.Copy(text("too early"))
	must(t, d.host.Grant(1, looks|wire.ClipToHost))
	await[Granted](t, d.ctx, d.v.events, 1)
	d.there.Copy(text("too late"))
	d.here.Copy(text("allowed"))
	d.comes(d.there, text("allowed"))
	d.host.Pause(true)
	d.here.Copy(text("while paused"))
	d.awaitDenied("paused")
	d.host.Pause(false)
	d.here.Copy(text("after"))
	d.comes(d.there, text("after"))
	if len(d.here.Puts()) > 0 {
		t.Errorf("%q came without a right", (<-d.here.Puts()).Data)
	}
}

func (r *rig) awaitDenied(reason string) {
	r.t.Helper()
	for n := 1; await[Denied](r.t, r.ctx, r.events, n).Reason != reason; n++ {
	}
}

// On another path the clipboard goes on where it was.
func TestClipboardMoves(t *testing.T) {
	t.Parallel()
	d := joinDesks(t, looks|clipboards, looks|clipboards, (*rig).joinRelayed)
	d.open()
	for i := range 30 {
		c := text(strings.Repeat(string(rune('a'+i%26)), 50_000+i))
		d.there.Copy(c)
		d.comes(d.here, c)
		if p := d.v.view.Status().Path; i > 3 && p.Kind.String() != "relayed" {
			return
		}
	}
	t.Log("the path never changed")
}

// A viewer that breaks the rules of the channel loses its seat, one that copies
// too fast waits, and both bring nothing that a program could choke on.
func TestClipboardHostile(t *testing.T) {
	t.Parallel()
	bomb := pngOf(t, 1, 1)
	bomb[16], bomb[17] = 0x7f, 0xff // 2^31 px wide
	for name, data := range map[string][]byte{
		"no text":        {0, 0, 0xff, 0xfe},
		"NUL":            {0, 0, 'a', 0, 'b'},
		"empty":          {0, 0},
		"no picture":     {0, 1, 'x'},
		"a bomb":         append([]byte{0, 1}, bomb...),
		"another place":  {2, 0, 'x'},
		"behind its end": append(append([]byte{0, 1}, pngOf(t, 1, 1)...), 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &desks{there: screentest.NewClipboard()}
			d.rig = newRig(t, func(o *HostOptions) { o.Allow, o.Clipboard = looks|clipboards, d.there })
			m := d.mallory(d.code(1), looks|clipboards)
			s := m.open(wire.Clips)
			s.Write(wire.Append(nil, wire.Clips, wire.TypeClip, 1, wire.Clip{Data: []byte("good")}.Append(nil)))
			d.comes(d.there, text("good"))
			s.Write(wire.Append(nil, wire.Clips, wire.TypeClip, 2, data))
			if e := await[Left](t, d.ctx, d.events, 1); !strings.Contains(e.Reason, "protocol") {
				t.Errorf("left because %q", e.Reason)
			}
			if n := len(d.there.Puts()); n > 0 {
				t.Errorf("%d clips came", n)
			}
		})
	}
}
