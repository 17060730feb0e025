package x11

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
)

func clipboard(t testing.TB, x *server) *Clipboard {
	t.Helper()
	c, err := OpenClipboard(ClipboardOptions{Display: x.display})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Listen(true)
	c.settle(t)
	return c
}

// settle waits until orders have been obeyed and the server has heard of them:
// when run takes the second wake-up it is done with the first.
func (c *Clipboard) settle(t testing.TB) {
	t.Helper()
	for range 2 {
		c.order(func() {})
		waitFor(t, "orders are taken", func() bool { return len(c.wake) == 0 })
	}
	c.x.Sync()
}

// xclip copies as a program of the desktop does; it stays until it is replaced.
func (s *server) xclip(t testing.TB, selection, target string, data []byte) {
	t.Helper()
	cmd := exec.Command(need(t, "xclip"), "-selection", selection, "-t", target, "-quiet")
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	file := filepath.Join(t.TempDir(), "copied")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Args = append(cmd.Args, file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// pasted is what xclip gets.
func (s *server) pasted(t testing.TB, selection, target string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command(need(t, "xclip"), "-o", "-selection", selection, "-t", target)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	return cmd.Output()
}

func next(t testing.TB, c *Clipboard) screen.Clip {
	t.Helper()
	select {
	case clip, ok := <-c.Clips():
		if !ok {
			t.Fatal("the clipboard ended")
		}
		return clip
	case <-time.After(patience):
		t.Fatal("nothing was heard of what was copied")
	}
	return screen.Clip{}
}

func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 100))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestClipboardReads(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	c := clipboard(t, x)
	long := strings.Repeat("0123456789abcdeф", screen.MaxClip/17)
	for _, row := range []struct {
		name, selection, target string
		data                    string
		want                    screen.Clip
	}{
		{"text", "clipboard", "UTF8_STRING", "Grüße, 世界\n", screen.Clip{Data: []byte("Grüße, 世界\n")}},
		{"marked", "primary", "UTF8_STRING", "marked", screen.Clip{Primary: true, Data: []byte("marked")}},
		{"by its MIME type", "clipboard", "text/plain;charset=utf-8", "mime é", screen.Clip{Data: []byte("mime é")}},
		{"Latin-1", "clipboard", "STRING", "caf\xe9", screen.Clip{Data: []byte("café")}},
		{"as C ends text", "clipboard", "UTF8_STRING", "end\x00", screen.Clip{Data: []byte("end")}},
		{"broken UTF-8", "clipboard", "UTF8_STRING", "a\xffb", screen.Clip{Data: []byte("a\ufffdb")}},
		{"long, in pieces", "clipboard", "UTF8_STRING", long, screen.Clip{Data: []byte(long)}},
		{"too long", "clipboard", "UTF8_STRING", strings.Repeat("x", screen.MaxClip+1), screen.Clip{Withheld: "too large"}},
		{"picture", "clipboard", "image/png", string(picture(t)), screen.Clip{Picture: true, Data: picture(t)}},
		{"nothing we know", "clipboard", "application/x-drawing", "?", screen.Clip{}},
		{"of a password manager", "clipboard", "x-kde-passwordManagerHint", "secret", screen.Clip{Withheld: "marked secret"}},
		{"empty", "clipboard", "UTF8_STRING", "", screen.Clip{}},
	} {
		x.xclip(t, row.selection, row.target, []byte(row.data))
		got := next(t, c)
		if got.Primary != row.want.Primary || got.Picture != row.want.Picture || got.Withheld != row.want.Withheld || !bytes.Equal(got.Data, row.want.Data) {
			t.Errorf("%s: %v %v %q, %d bytes %.40q", row.name, got.Primary, got.Picture, got.Withheld, len(got.Data), got.Data)
		}
	}
}

func TestClipboardServes(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	c := clipboard(t, x)
	long := strings.Repeat("ä0123456789abcde", screen.MaxClip/17)
	put := func(clip screen.Clip) {
		t.Helper()
		if err := c.Put(clip); err != nil {
			t.Fatal(err)
		}
		c.settle(t)
	}
	pastes := func(selection, target, want string) {
		t.Helper()
		if got, err := x.pasted(t, selection, target); string(got) != want {
			t.Errorf("%s as %s: %d bytes %.40q instead of %.40q, %v", selection, target, len(got), got, want, err)
		}
	}
	put(screen.Clip{Data: []byte("Grüße ✓")})
	put(screen.Clip{Primary: true, Data: []byte("marked")})
	pastes("clipboard", "UTF8_STRING", "Grüße ✓")
	pastes("clipboard", "text/plain;charset=utf-8", "Grüße ✓")
	pastes("clipboard", "STRING", "Gr\xfc\xdfe ?")
	pastes("clipboard", "image/png", "")
	pastes("primary", "UTF8_STRING", "marked")
	if got, err := x.pasted(t, "clipboard", "TARGETS"); !strings.Contains(string(got), "UTF8_STRING") || strings.Contains(string(got), "image/png") {
		t.Errorf("it offers %q, %v", got, err)
	}
	put(screen.Clip{Data: []byte(long)})
	pastes("clipboard", "UTF8_STRING", long)
	put(screen.Clip{Picture: true, Data: picture(t)})
	pastes("clipboard", "image/png", string(picture(t)))
	pastes("clipboard", "UTF8_STRING", "")
	pastes("primary", "UTF8_STRING", "marked")
}

// Two of ours on one server, each in the place of a program: pieces both ways.
func TestClipboardTwoEnds(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	a, b := clipboard(t, x), clipboard(t, x)
	for i, size := range []int{1, pieceBytes, pieceBytes + 1, 3 * pieceBytes, screen.MaxClip} {
		data := bytes.Repeat([]byte{byte('a' + i)}, size)
		for _, pair := range [][2]*Clipboard{{a, b}, {b, a}} {
			pair[0].Put(screen.Clip{Data: data})
			if got := next(t, pair[1]); !bytes.Equal(got.Data, data) {
				t.Errorf("%d bytes came as %d", size, len(got.Data))
			}
		}
	}
	a.Close()
	b.Close()
	if n := len(a.sends) + len(b.sends); n > 2 {
		t.Errorf("%d transfers are still open", n)
	}
}

// What stood there before, what was copied while nobody listened, and what we
// put there ourselves is never told; the newest is.
func TestClipboardSilent(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	other := clipboard(t, x)
	other.Put(screen.Clip{Data: []byte("before")})
	other.settle(t)
	c := clipboard(t, x)
	c.Put(screen.Clip{Primary: true, Data: []byte("our own")})
	c.Listen(false)
	c.settle(t)
	other.Put(screen.Clip{Data: []byte("while nobody listened")})
	other.settle(t)
	c.x.Sync()
	c.Listen(true)
	c.settle(t)
	for _, text := range []string{"one", "two", "last"} {
		other.Put(screen.Clip{Primary: true, Data: []byte(text)})
		other.settle(t)
	}
	for {
		got := next(t, c)
		if string(got.Data) == "last" {
			break
		}
		if s := string(got.Data); s != "one" && s != "two" {
			t.Fatalf("heard %+v", got)
		}
	}
}

// An owner that never answers stops nothing: it is given up after fetchWait.
func TestClipboardDeafOwner(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	c := clipboard(t, x)
	p := x.painter(t)
	win, err := xproto.NewWindowId(p.x.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateWindow(p.x.Conn, 0, win, p.x.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	xproto.SetSelectionOwner(p.x.Conn, win, c.atoms.selections[0], 0)
	p.x.Sync()
	if got := next(t, c); got.Data != nil {
		t.Errorf("%q came from nowhere", got.Data)
	}
	x.xclip(t, "clipboard", "UTF8_STRING", []byte("after"))
	if got := next(t, c); string(got.Data) != "after" {
		t.Errorf("then %q", got.Data)
	}
	x.stop()
	if _, open := <-c.Clips(); open {
		t.Error("it lives on without a server")
	}
	c.Close()
}

var _ screen.Clipboard = (*Clipboard)(nil)
var _ screen.ClipboardOpener = (*Window)(nil)

// With single windows shared, what is copied in one of them is told; what another
// program copies is not, nor what the same program copies elsewhere. // issue 5
func TestClipboardOfSharedWindows(t *testing.T) {
	t.Parallel()
	x := startX(t, "320x240x24")
	program, other := clipboard(t, x), clipboard(t, x)
	shown := func(of *Clipboard) xproto.Window {
		w, err := xproto.NewWindowId(of.x.Conn)
		if err != nil {
			t.Fatal(err)
		}
		xproto.CreateWindow(of.x.Conn, 0, w, of.x.root, 0, 0, 50, 50, 0, xproto.WindowClassInputOutput, 0, 0, nil)
		if err := xproto.MapWindowChecked(of.x.Conn, w).Check(); err != nil {
			t.Fatal(err)
		}
		return w
	}
	shared, second, foreign := shown(program), shown(program), shown(other)
	g := &Group{}
	g.set([]grouped{{wins: []xproto.Window{shared}}})
	c, err := OpenClipboard(ClipboardOptions{Display: x.display, Group: g})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Listen(true)
	c.settle(t)
	for _, row := range []struct {
		name  string
		from  *Clipboard
		focus xproto.Window
		told  bool
	}{
		{"in the shared window", program, shared, true},
		{"in another window of its program", program, second, false},
		{"by another program", other, foreign, false},
		{"by another program behind the shared window", other, shared, false},
		{"in the shared window again", program, shared, true},
	} {
		if err := xproto.SetInputFocusChecked(program.x.Conn, xproto.InputFocusNone, row.focus, 0).Check(); err != nil {
			t.Fatal(err)
		}
		if err := row.from.Put(screen.Clip{Data: []byte(row.name)}); err != nil {
			t.Fatal(err)
		}
		if row.told {
			if got := next(t, c); string(got.Data) != row.name {
				t.Errorf("%q was told as %q", row.name, got.Data)
			}
			continue
		}
		row.from.settle(t) // it owns the selection
		c.settle(t)        // and that has been heard of
		select {
		case got := <-c.Clips():
			t.Errorf("%q was told: %q", row.name, got.Data)
		case <-time.After(50 * time.Millisecond): // nothing is to come
		}
	}
}
