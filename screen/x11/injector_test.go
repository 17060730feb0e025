package x11

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"sightline/screen"
	"sightline/screen/keysym"
)

// This binary is also the guardian, and a host that presses keys and waits to
// be killed: the two processes whose deaths are tested.
func TestMain(m *testing.M) {
	switch os.Getenv("SIGHTLINE_TEST_ROLE") {
	case "guardian":
		if err := RunGuardian(os.Stdin, os.Getenv("DISPLAY"), os.Getenv("XAUTHORITY")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "host":
		pressAndWait()
	}
	os.Exit(m.Run())
}

func guardianCommand() []string { return []string{"env", "SIGHTLINE_TEST_ROLE=guardian", os.Args[0]} }

func pressAndWait() {
	i, err := OpenInjector(InjectorOptions{Guardian: guardianCommand()})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	i.Key(screen.Key{Sym: keysym.ShiftL, Down: true})
	i.Key(screen.Key{Sym: 'k', Down: true})
	i.Key(screen.Key{Sym: keysym.FromRune('你'), Down: true})
	i.Pointer(screen.Pointer{At: image.Pt(5, 5), Buttons: screen.Left | screen.Right})
	i.x.Sync()
	fmt.Println("pressed")
	bufio.NewReader(os.Stdin).ReadString('\n') // never comes
}

func inject(t testing.TB, x *server, o InjectorOptions) *Injector {
	t.Helper()
	o.Display = x.display
	i, err := OpenInjector(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

func (i *Injector) tap(t testing.TB, s keysym.Sym) {
	t.Helper()
	if err := i.Key(screen.Key{Sym: s, Down: true}); err != nil {
		t.Fatalf("press %v: %v", s, err)
	}
	if err := i.Key(screen.Key{Sym: s}); err != nil {
		t.Fatalf("release %v: %v", s, err)
	}
}

// typeText is of five scripts: 62 characters, most of them on no US keyboard.
const typeText = "Hello, Wörld! Ünïcödé €5 Αθήνα αβγδ שלום עולם Привет мир 你好世界 @~"

func TestInjectorTypesIntoXterm(t *testing.T) {
	x := startX(t, "800x600x24")
	got := filepath.Join(t.TempDir(), "got")
	t.Setenv("LANG", "C.UTF-8")
	x.run(t, "xterm", "-u8", "-e", "sh", "-c", "echo >"+got+".ready; cat >"+got)
	waitFor(t, "xterm", func() bool { _, err := os.Stat(got + ".ready"); return err == nil })
	i := inject(t, x, InjectorOptions{})
	if err := i.Pointer(screen.Pointer{At: image.Pt(100, 100)}); err != nil {
		t.Fatal(err)
	}
	p := x.painter(t)
	waitFor(t, "xterm's window", func() bool {
		r, err := xproto.QueryPointer(p.x.Conn, p.x.root).Reply()
		return err == nil && r.Child != 0
	})
	for _, r := range typeText {
		i.tap(t, keysym.FromRune(r))
	}
	i.tap(t, keysym.Return)
	waitFor(t, "the text", func() bool {
		b, _ := os.ReadFile(got)
		if strings.HasSuffix(string(b), "\n") && string(b) != typeText+"\n" {
			t.Fatalf("typed %q, got %q", typeText, b)
		}
		return string(b) == typeText+"\n"
	})
	i.Close()
	k, err := p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	var empty spares
	empty.look(k)
	if len(empty) != len(i.spares) {
		t.Errorf("%d key codes are free after Close, %d before", len(empty), len(i.spares))
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// typed reads what a window got.
func (s *shown) typed() string {
	var b strings.Builder
	for _, k := range keysOf(s.seen) {
		if r, ok := k.Sym.Rune(); ok && k.Down {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// commanded tells whether a character came while Control or Alt was down.
func (s *shown) commanded() bool {
	down := map[keysym.Sym]bool{}
	for _, k := range keysOf(s.seen) {
		down[k.Sym] = k.Down
		if _, ok := k.Sym.Rune(); ok && k.Down && (down[keysym.ControlL] || down[keysym.AltL]) {
			return true
		}
	}
	return false
}

func TestInjectorModifiers(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout string
		before []keysym.Sym // held by somebody else (a second Injector)
		locks  []keysym.Sym
		hold   []keysym.Sym // held by the remote hand
		text   string
	}{
		{name: "plain", text: "aB1!~{é"},
		{name: "remote shift", hold: []keysym.Sym{keysym.ShiftL}, text: "Aa1!Bb"},
		{name: "local shift", before: []keysym.Sym{keysym.ShiftL}, text: "aB1!é"},
		{name: "local control", before: []keysym.Sym{keysym.ControlL, keysym.AltL}, text: "aB1!é"},
		{name: "caps", locks: []keysym.Sym{keysym.CapsLock}, text: "aB1!éÉ"},
		{name: "caps and shift", locks: []keysym.Sym{keysym.CapsLock}, hold: []keysym.Sym{keysym.ShiftR}, text: "aB1!"},
		{name: "num lock", locks: []keysym.Sym{keysym.NumLock}, text: "aB1!"},
		{name: "german", layout: "de", text: "aZyß@{€µ|Ä"},
		{name: "german with altgr", layout: "de", hold: []keysym.Sym{keysym.ISOLevel3Shift}, text: "a@Q"},
		{name: "russian", layout: "ru", text: "приВет aB"},
		{name: "two groups", layout: "us,ru", text: "aя"},
		{name: "two groups, AltGr in the second", layout: "us,de", text: "e€@ßÄ»q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := startX(t, "640x480x24")
			if c.layout != "" {
				x.must(t, "setxkbmap", c.layout)
			}
			s := show(t, x, WindowOptions{Size: image.Pt(300, 200)})
			s.hands(t)
			user := inject(t, x, InjectorOptions{})
			i := inject(t, x, InjectorOptions{})
			for _, k := range c.locks {
				user.tap(t, k)
			}
			for _, k := range c.before {
				user.Key(screen.Key{Sym: k, Down: true})
			}
			user.x.Sync() // it is there before the other connection acts
			for _, k := range c.hold {
				i.Key(screen.Key{Sym: k, Down: true})
			}
			for _, r := range c.text {
				i.tap(t, keysym.FromRune(r))
			}
			s.await(c.text, func() bool {
				if got := s.typed(); len(got) >= len(c.text) && got != c.text {
					t.Fatalf("typed %q, got %q", c.text, got)
				}
				return s.typed() == c.text
			})
			if s.commanded() {
				t.Error("what was typed arrived with Control or Alt")
			}
			i.ReleaseAll()
			for _, k := range c.before {
				user.Key(screen.Key{Sym: k})
			}
			waitFor(t, "an untouched keyboard", func() bool { return s.p.allUp(t) })
		})
	}
}

// allUp tells whether no key and no button is down on the server.
func (p *painter) allUp(t testing.TB) bool {
	t.Helper()
	k, err := xproto.QueryKeymap(p.x.Conn).Reply()
	if err != nil {
		t.Fatal(err)
	}
	m, err := xproto.QueryPointer(p.x.Conn, p.x.root).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(k.Keys, func(b byte) bool { return b != 0 }) && m.Mask&0x1f00 == 0
}

func TestInjectorReleasesWhatItPressed(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	i := inject(t, x, InjectorOptions{})
	press := func() {
		for _, s := range []keysym.Sym{keysym.ControlL, 'a', keysym.FromRune('ж'), keysym.F1 + 4} {
			if err := i.Key(screen.Key{Sym: s, Down: true}); err != nil {
				t.Fatal(err)
			}
		}
		if err := i.Pointer(screen.Pointer{At: image.Pt(9, 9), Buttons: screen.Left | screen.Middle}); err != nil {
			t.Fatal(err)
		}
		i.x.Sync()
		if p.allUp(t) {
			t.Fatal("nothing is down")
		}
	}
	press()
	// The map changes while keys are down: their releases must lift the same codes.
	x.must(t, "setxkbmap", "fr")
	for _, s := range []keysym.Sym{'a', keysym.ControlL, keysym.FromRune('ж'), keysym.F1 + 4} {
		if err := i.Key(screen.Key{Sym: s}); err != nil {
			t.Fatal(err)
		}
	}
	i.Pointer(screen.Pointer{})
	i.x.Sync()
	if !p.allUp(t) {
		t.Error("something stayed down after the releases")
	}
	press()
	if err := i.ReleaseAll(); err != nil || !p.allUp(t) {
		t.Errorf("ReleaseAll: %v, all up: %v", err, p.allUp(t))
	}
	press()
	if err := i.Close(); err != nil || !p.allUp(t) {
		t.Errorf("Close: %v, all up: %v", err, p.allUp(t))
	}
}

func TestInjectorPointer(t *testing.T) {
	x := startX(t, "640x480x24")
	s := show(t, x, WindowOptions{Size: image.Pt(640, 480)})
	s.lay(image.Pt(640, 480), noisy(1))
	s.hands(t)
	i := inject(t, x, InjectorOptions{})
	do := func(p screen.Pointer) {
		t.Helper()
		if err := i.Pointer(p); err != nil {
			t.Fatal(err)
		}
		want := p
		want.Wheel = image.Point{}
		s.await("the pointer", func() bool {
			q, _ := last[screen.Pointer](s.seen)
			q.Wheel = image.Point{}
			return q == want
		})
	}
	do(screen.Pointer{At: image.Pt(100, 50)})
	do(screen.Pointer{At: image.Pt(101, 52), Buttons: screen.Left})
	do(screen.Pointer{At: image.Pt(300, 52), Buttons: screen.Left | screen.Right})
	do(screen.Pointer{At: image.Pt(300, 53), Buttons: screen.Back | screen.Forward})
	do(screen.Pointer{At: image.Pt(30, 30), Wheel: image.Pt(-2, 3)})
	var sum image.Point
	s.await("the wheels", func() bool {
		sum = image.Point{}
		for _, e := range s.seen {
			if q, ok := e.(screen.Pointer); ok {
				sum = sum.Add(q.Wheel)
			}
		}
		return sum == image.Pt(-2, 3)
	})
	var refused *screen.Refused
	do(screen.Pointer{At: image.Pt(30, 30), Buttons: screen.Left})
	if err := i.Pointer(screen.Pointer{At: image.Pt(5000, -3)}); !errors.As(err, &refused) || refused.Reason != "outside" {
		t.Errorf("beside the picture: %v", err)
	}
	s.await("the button, up all the same", func() bool { q, _ := last[screen.Pointer](s.seen); return q.Buttons == 0 && q.At == image.Pt(30, 30) })
	if err := i.Pointer(screen.Pointer{Picture: 3}); !errors.As(err, &refused) {
		t.Errorf("a picture that does not exist: %v", err)
	}
	if err := i.Fence(nil); err != nil {
		t.Error(err)
	}
}

func TestInjectorPanicKey(t *testing.T) {
	x := startX(t, "640x480x24")
	i := inject(t, x, InjectorOptions{})
	second := inject(t, x, InjectorOptions{})
	if second.Panic() != nil {
		t.Error("the panic key was grabbed twice")
	}
	combo := []keysym.Sym{keysym.ControlL, keysym.AltL, keysym.ShiftL}
	for _, s := range combo {
		i.Key(screen.Key{Sym: s, Down: true})
	}
	var refused *screen.Refused
	if err := i.Key(screen.Key{Sym: 'Q', Down: true}); !errors.As(err, &refused) || refused.Reason != "hot key" {
		t.Errorf("the remote hand pressed the panic key: %v", err)
	}
	i.ReleaseAll()
	select {
	case <-i.Panic():
		t.Fatal("the remote hand raised the alarm")
	default:
	}
	// Somebody at the host, with CapsLock and NumLock on.
	second.tap(t, keysym.CapsLock)
	second.tap(t, keysym.NumLock)
	for _, s := range combo {
		second.Key(screen.Key{Sym: s, Down: true})
	}
	second.tap(t, 'q')
	select {
	case <-i.Panic():
	case <-time.After(patience):
		t.Fatal("the panic key does nothing")
	}
}

func TestGuardianLiftsWhatAKilledHostLeft(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	need(t, "env")
	x.must(t, "setxkbmap", "us,ru")
	if !p.x.useXKB() {
		t.Fatal("no XKB")
	}
	p.x.lockGroup(1) // the host has to leave it for the letter k
	before, err := p.x.readKeyboard()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), "SIGHTLINE_TEST_ROLE=host", "DISPLAY="+x.display)
	in, _ := host.StdinPipe()
	defer in.Close()
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Process.Kill(); host.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "pressed\n" {
		t.Fatalf("the host says %q, %v", line, err)
	}
	if p.allUp(t) {
		t.Fatal("the host holds nothing down")
	}
	if g, err := p.x.groupState(); err != nil || g.locked != 0 {
		t.Fatalf("the host types in layout %+v, %v", g, err)
	}
	host.Process.Kill() // SIGKILL
	waitFor(t, "all keys and buttons up", func() bool { return p.allUp(t) })
	waitFor(t, "the former keyboard map", func() bool {
		after, err := p.x.readKeyboard()
		return err == nil && slices.Equal(after.syms, before.syms)
	})
	waitFor(t, "the former layout", func() bool {
		g, err := p.x.groupState()
		return err == nil && g.locked == 1
	})
}

func TestGuardianLetsGo(t *testing.T) {
	x := startX(t, "640x480x24")
	p := x.painter(t)
	i := inject(t, x, InjectorOptions{Guardian: guardianCommand()})
	i.Key(screen.Key{Sym: 'a', Down: true})
	if err := i.Close(); err != nil || !p.allUp(t) {
		t.Errorf("Close: %v", err)
	}
	if !i.guard.cmd.ProcessState.Success() {
		t.Errorf("the guardian: %v", i.guard.cmd.ProcessState)
	}
}

func TestGuardianLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string
		bad  bool
	}{
		{"+k 38\n+k 50\n-k 38\n+b 1\n+m 97\n", "keys [50] buttons [1] codes [97]", false},
		{"+k 38\nbye\n+k 1\n", "keys [] buttons [] codes []", false},
		{"+g 2\n", "keys [] buttons [] codes [] layout 2", false},
		{"+g 2\n-g 2\n", "keys [] buttons [] codes []", false},
		{"+k 38\n+k 300\n", "keys [38] buttons [] codes []", true},
		{"+k 38\nnonsense\n", "keys [38] buttons [] codes []", true},
		{"+k 38\n" + strings.Repeat("x", 1000), "keys [38] buttons [] codes []", true},
		{"", "keys [] buttons [] codes []", false},
	} {
		l, err := readGuard(strings.NewReader(c.in))
		if got := l.String(); got != c.want || (err != nil) != c.bad {
			t.Errorf("%.30q: %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func (l *leftover) String() string {
	list := func(m map[byte]bool) (all []int) {
		for n := range m {
			all = append(all, int(n))
		}
		slices.Sort(all)
		return all
	}
	all := fmt.Sprintf("keys %v buttons %v codes %v", list(l.keys), list(l.buttons), list(l.codes))
	if l.group > 0 {
		all += fmt.Sprint(" layout ", l.group)
	}
	return all
}
