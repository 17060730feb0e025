package ansi

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"

	"sightline/screen"
	"sightline/screen/keysym"
)

// tokens feeds pieces to a parser, and flushes it as after a pause.
func tokens(pieces ...string) (all []token) {
	var p parser
	emit := func(t token) { all = append(all, t) }
	for _, s := range pieces {
		p.feed([]byte(s), emit)
	}
	p.flush(emit)
	return all
}

func TestParser(t *testing.T) {
	k := func(sym keysym.Sym, m mods) []token { return []token{key(sym, m)} }
	for in, want := range map[string][]token{
		"a":                                 k('a', 0),
		"A":                                 k('A', 0),
		"é":                                 k(0xe9, 0),
		"€":                                 k(keysym.FromRune('€'), 0),
		"😀":                                 k(keysym.FromRune('😀'), 0),
		"\xff":                              nil,
		"\xe2\x82":                          nil,
		"\r":                                k(keysym.Return, 0),
		"\n":                                k(keysym.Return, 0),
		"\t":                                k(keysym.Tab, 0),
		"\x7f":                              k(keysym.BackSpace, 0),
		"\x00":                              k(' ', control),
		"\x03":                              k('c', control),
		"\x1a":                              k('z', control),
		"\x1c":                              k('\\', control),
		"\x1d":                              k(']', control),
		"\x1f":                              k('_', control),
		"\x1b":                              k(keysym.Escape, 0),
		"\x1b\x1b":                          {key(keysym.Escape, 0), key(keysym.Escape, 0)},
		"\x1bx":                             k('x', alt),
		"\x1b\x03":                          k('c', control|alt),
		"\x1bé":                             k(0xe9, alt),
		"\x1b[":                             k('[', alt),
		"\x1bO":                             k('O', alt),
		"\x1b]":                             k(']', alt),
		"\x1b[A":                            k(keysym.Up, 0),
		"\x1b[1;5D":                         k(keysym.Left, control),
		"\x1b[1;10B":                        k(keysym.Down, super|shift),
		"\x1b[H":                            k(keysym.Home, 0),
		"\x1bOF":                            k(keysym.End, 0),
		"\x1bOP":                            k(keysym.F1, 0),
		"\x1bOM":                            k(keysym.KPEnter, 0),
		"\x1bOp":                            k(keysym.KP0, 0),
		"\x1bOw":                            k(keysym.KP0+7, 0),
		"\x1bO\x1b":                         {key('O', alt), key(keysym.Escape, 0)},
		"\x1b[3~":                           k(keysym.Delete, 0),
		"\x1b[24~":                          k(keysym.F12, 0),
		"\x1b[15;2~":                        k(keysym.F1+4, shift),
		"\x1b[1;5P":                         k(keysym.F1, control),
		"\x1b[Z":                            k(keysym.Tab, shift),
		"\x1b[I":                            {{kind: tokenFocusIn}},
		"\x1b[O":                            {{kind: tokenFocusOut}},
		"\x1b[200~":                         {{kind: tokenPaste}},
		"\x1b[201~":                         {{kind: tokenPasteEnd}},
		"\x1b[<0;3;4M":                      {{kind: tokenMouse, cell: image.Pt(2, 3)}},
		"\x1b[<20;1;1m":                     {{kind: tokenMouse, mods: shift | control, up: true}},
		"\x1b[<65;2;1M":                     {{kind: tokenMouse, code: 65, cell: image.Pt(1, 0)}},
		"\x1b[<0;0;4M":                      nil,
		"\x1b[<0;99999;4":                   nil,
		"\x1b[<a;1;1M":                      {key(';', 0), key('1', 0), key(';', 0), key('1', 0), key('M', 0)}, // ended at the a
		"\x1b[?1;2c":                        nil,
		"\x1b[1;2":                          nil,
		"\x1b[9999999~":                     nil,
		"\x1b[\x03":                         k('c', control),
		"\x1b[" + strings.Repeat("1;", 500): nil,
	} {
		t.Run(fmt.Sprintf("%.20q", in), func(t *testing.T) {
			if got := tokens(in); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// A sequence may come in any pieces.
func TestParserInPieces(t *testing.T) {
	const all = "x\x1b[<0;30;4Mé\x1b[1;5D\x1bOP€"
	want := tokens(all)
	for i := range len(all) {
		for j := i; j < len(all); j++ {
			if got := tokens(all[:i], all[i:j], all[j:]); !reflect.DeepEqual(got, want) {
				t.Fatalf("cut at %d and %d: %+v", i, j, got)
			}
		}
	}
}

// play sends input through parser and hand; a dot's cell is its pixel.
func play(h *hand, input string) (events []screen.Event, commands []command) {
	at := func(c image.Point) place {
		return place{any: true, at: c, in: c.In(image.Rect(0, 0, 80, 23))}
	}
	for _, tok := range tokens(input) {
		if c := h.take(tok, at, func(e screen.Event) { events = append(events, e) }); c != cmdNone {
			commands = append(commands, c)
		}
	}
	return events, commands
}

func TestHand(t *testing.T) {
	down := func(s keysym.Sym) screen.Event { return screen.Key{Sym: s, Down: true} }
	up := func(s keysym.Sym) screen.Event { return screen.Key{Sym: s} }
	type events = []screen.Event
	for name, tc := range map[string]struct {
		input    string
		viewOnly bool
		want     events
		commands []command
	}{
		"letter":         {"a", false, events{down('a'), up('a')}, nil},
		"control c":      {"\x03", false, events{down(keysym.ControlL), down('c'), up('c'), up(keysym.ControlL)}, nil},
		"alt shift tab":  {"\x1b[1;4Z", false, events{down(keysym.AltL), down(keysym.ShiftL), down(keysym.Tab), up(keysym.Tab), up(keysym.ShiftL), up(keysym.AltL)}, nil},
		"view only":      {"a\x1b[<0;1;1M\x1b[<0;1;1m\x1b[<64;2;1M", true, events{screen.Pointer{}, screen.Pointer{At: image.Pt(1, 0)}}, nil},
		"end":            {"\x1de", true, events{screen.AskEnd}, []command{cmdMenu, cmdMenu}},
		"ctrl alt del":   {"\x1dd", false, events{screen.AskCtrlAltDel}, []command{cmdMenu, cmdMenu}},
		"control":        {"\x1dc", true, events{screen.AskControl}, []command{cmdMenu, cmdMenu}},
		"pass control":   {"\x1dg", false, events{screen.AskPass}, []command{cmdMenu, cmdMenu}},
		"clipboard":      {"\x1dv", true, events{screen.AskClipboard}, []command{cmdMenu, cmdMenu}},
		"literal prefix": {"\x1d\x1d", false, events{down(keysym.ControlL), down(']'), up(']'), up(keysym.ControlL)}, []command{cmdMenu, cmdMenu}},
		"zoom and back":  {"\x1d++-0\x1b[Dn\x1b", false, nil, []command{cmdMenu, cmdZoomIn, cmdZoomIn, cmdZoomOut, cmdFit, cmdLeft, cmdNext, cmdMenu}},
		"pasted prefix":  {"\x1b[200~\x1de\x1b[201~", false, events{down(keysym.ControlL), down(']'), up(']'), up(keysym.ControlL), down('e'), up('e')}, nil},
		"click": {"\x1b[<35;5;5M\x1b[<35;5;5M\x1b[<2;5;5M\x1b[<2;5;5m", false, events{
			screen.Pointer{At: image.Pt(4, 4)}, screen.Pointer{At: image.Pt(4, 4), Buttons: screen.Right}, screen.Pointer{At: image.Pt(4, 4)},
		}, nil},
		"wheel with control": {"\x1b[<80;5;5M", false, events{
			down(keysym.ControlL), screen.Pointer{At: image.Pt(4, 4), Wheel: image.Pt(0, -1)}, up(keysym.ControlL),
		}, nil},
		"back": {"\x1b[<128;5;5M\x1b[<128;5;5m", false, events{
			screen.Pointer{At: image.Pt(4, 4), Buttons: screen.Back}, screen.Pointer{At: image.Pt(4, 4)},
		}, nil},
		"outside": {"\x1b[<0;5;24M\x1b[<0;5;24m", false, nil, nil},
		"focus":   {"\x1b[O\x1b[I", true, events{screen.Focus{}, screen.Focus{In: true}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hand{viewOnly: tc.viewOnly}
			got, commands := play(h, tc.input)
			if !reflect.DeepEqual(got, tc.want) || !reflect.DeepEqual(commands, tc.commands) {
				t.Errorf("%+v %v, want %+v %v", got, commands, tc.want, tc.commands)
			}
		})
	}
}

// FuzzTerminalInput feeds any bytes, in two pieces. Whatever goes down comes
// up, and nothing is kept but the start of a sequence.
func FuzzTerminalInput(f *testing.F) {
	for _, s := range []string{"hello\r", "\x1b[<0;30;4M\x1b[<0;30;4m", "\x1b[1;5D\x1bOP", "\x1b[200~x\x1b[201~", "\x1d+++\x1b", "\x1b[" + strings.Repeat("9", 100), "é€😀\xff"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		var p parser
		var h hand
		held := map[keysym.Sym]int{}
		at := func(c image.Point) place { return place{any: true, at: c, in: c.X < 80 && c.Y < 24} }
		take := func(tok token) {
			h.take(tok, at, func(e screen.Event) {
				switch e := e.(type) {
				case screen.Key:
					if e.Sym == keysym.NoSymbol {
						t.Fatal("a key without a symbol")
					}
					if held[e.Sym]--; e.Down {
						held[e.Sym] += 2
					}
				case screen.Pointer:
					if e.At.X < 0 || e.At.Y < 0 {
						t.Fatalf("pointer at %v", e.At)
					}
				}
			})
		}
		for _, piece := range [][]byte{b[:cut], b[cut:]} {
			p.feed(piece, take)
			if len(p.pend) >= maxSequence {
				t.Fatalf("%d bytes are kept", len(p.pend))
			}
		}
		p.flush(take)
		if p.waiting() {
			t.Fatal("something waits after flush")
		}
		for sym, n := range held {
			if n != 0 {
				t.Fatalf("%v is down %d times", sym, n)
			}
		}
	})
}
