package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"sightline/peer"
)

// logLines is how many events a page remembers; a tall terminal shows some 60.
const logLines = 100

// The messages of a page. What may take time happens in a tea.Cmd and comes
// back as one of these.
type (
	eventMsg struct{ ev peer.Event }
	overMsg  struct{}            // the events are over: the role has ended
	tickMsg  struct{}            // once a second, only while something moves
	doneMsg  struct{ err error } // a command to the role was carried out, or not
)

// page is what all pages have: size, time, log and a line for "that key does
// nothing now, because". Owned by the bubbletea loop.
type page struct {
	clock  func() time.Time
	now    time.Time // of the last message; the view is drawn as of then
	w, h   int       // cells
	style  styles
	tell   teller
	log    []string // newest first
	notice string
	until  time.Time // the notice is shown until then

	wake    func() tea.Cmd // a tick in one second; tests have none
	ticking bool           // a tick is on its way
	reading bool           // a snapshot of the role is being taken
	stale   bool           // ...and is out of date already
	ending  bool           // the person has asked for the end
}

func newPage(out io.Writer, clock func() time.Time, role string) page {
	if clock == nil {
		clock = time.Now
	}
	return page{clock: clock, now: clock(), w: 80, h: 24, style: newStyles(out), tell: teller{role: role}, wake: nextSecond}
}

func nextSecond() tea.Cmd {
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} })
}

// note writes into the page's log.
func (p *page) note(format string, args ...any) {
	line := " " + p.now.Format(time.TimeOnly) + "  " + clean(fmt.Sprintf(format, args...))
	p.log = append([]string{line}, p.log[:min(len(p.log), logLines-1)]...)
}

// say shows a notice for a few seconds.
func (p *page) say(format string, args ...any) {
	p.notice, p.until = clean(fmt.Sprintf(format, args...)), p.now.Add(4*time.Second)
}

// event puts an event into the log.
func (p *page) event(ev peer.Event) {
	if line := p.tell.tell(ev); line != "" {
		p.note("%s", line)
	}
}

// common handles the messages that every page handles alike.
func (p *page) common(msg tea.Msg) {
	p.now = p.clock()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		p.w, p.h = msg.Width, msg.Height
	case tickMsg:
		p.ticking = false
	case doneMsg:
		if msg.err != nil {
			e := Explain(msg.err)
			p.note("%s", e.Sentence)
			p.say("%s", e.Sentence)
		}
	}
	if p.now.After(p.until) {
		p.notice = ""
	}
}

// tick asks for the next second unless one is on its way already.
func (p *page) tick(needed bool) tea.Cmd {
	if !needed && p.notice == "" || p.ticking {
		return nil
	}
	p.ticking = true
	return p.wake()
}

// read takes a snapshot of the role outside the loop, never two at a time.
func (p *page) read(snapshot func() tea.Msg) tea.Cmd {
	if p.reading {
		p.stale = true
		return nil
	}
	p.reading = true
	return snapshot
}

// act carries out a command to the role outside the loop.
func act(f func() error) tea.Cmd {
	return func() tea.Msg { return doneMsg{f()} }
}

// key is one key of a page: the same table draws the line of keys that work now
// and says why the others do not.
type key[M any] struct {
	press []string // as bubbletea names them
	shown string   // "k kick"; empty: not on the line of keys
	why   func(M) string
	do    func(M) tea.Cmd
}

// keyLine lists the keys that work now.
func keyLine[M any](keys []key[M], m M) string {
	shown := []string{}
	for _, k := range keys {
		if k.shown != "" && (k.why == nil || k.why(m) == "") {
			shown = append(shown, k.shown)
		}
	}
	return strings.Join(shown, "   ")
}

// pressed finds the key and does what it is for, or says why not.
func pressed[M any](keys []key[M], m M, p *page, name string) tea.Cmd {
	for _, k := range keys {
		for _, n := range k.press {
			if n != name {
				continue
			}
			if k.why != nil {
				if why := k.why(m); why != "" {
					p.say("%s: %s", name, why)
					return nil
				}
			}
			return k.do(m)
		}
	}
	return nil
}

// section is one part of a page under its own rule.
type section struct {
	title string
	lines []string
	keep  int // lines that stay longest when the terminal is low
}

// draw makes w x h cells of the sections: the first one's title is the page's
// title, the last one is the log, which takes what is left. In a low terminal
// sections fold from the bottom. The last row is the line of keys, or the
// notice while there is one.
func (p *page) draw(right string, sections []section, keys string) string {
	w, h := max(p.w, 20), max(p.h, 3)
	sections = fold(sections, h-2)
	var rows []string
	for i, s := range sections {
		if i == 0 {
			rows = append(rows, p.top(w, s.title, right))
		} else {
			rows = append(rows, p.rule(w, "├", "─"+s.title+" ", "┤"))
		}
		for _, line := range s.lines {
			rows = append(rows, "│ "+fit(line, w-4)+" │")
		}
	}
	for len(rows) < h-2 {
		rows = append(rows, "│"+strings.Repeat(" ", w-2)+"│")
	}
	rows = append(rows[:h-2], p.rule(w, "└", "", "┘"))
	if lipgloss.Width(keys) >= w {
		keys = strings.ReplaceAll(keys, "   ", "  ")
	}
	last := p.style.dim(fit(" "+keys, w))
	if p.notice != "" {
		last = p.style.warn(fit(" "+p.notice, w))
	}
	return strings.Join(append(rows, last), "\n")
}

func (p *page) top(w int, left, right string) string {
	if right != "" {
		right = " " + right + " ─"
	}
	left = "┌─ " + p.style.bold(left) + " "
	room := w - 1 - lipgloss.Width(left) - lipgloss.Width(right)
	if room < 0 {
		return fit(left, w-1) + "┐"
	}
	return left + strings.Repeat("─", room) + right + "┐"
}

func (p *page) rule(w int, begin, text, end string) string {
	text = fit(text, min(lipgloss.Width(text), w-2))
	return begin + text + strings.Repeat("─", max(w-2-lipgloss.Width(text), 0)) + end
}

// fold makes the sections fit into so many rows: lines go from the bottom
// section first, down to what it keeps, then whole sections, then the rest.
func fold(sections []section, rows int) []section {
	over := -rows
	for _, s := range sections {
		over += 1 + len(s.lines)
	}
	out := append([]section(nil), sections...)
	for i := len(out) - 1; i >= 0 && over > 0; i-- {
		cut := min(over, max(len(out[i].lines)-out[i].keep, 0))
		out[i].lines = out[i].lines[:len(out[i].lines)-cut]
		over -= cut
	}
	for len(out) > 1 && over > 0 {
		over -= 1 + len(out[len(out)-1].lines)
		out = out[:len(out)-1]
	}
	if over > 0 {
		out[0].lines = out[0].lines[:max(len(out[0].lines)-over, 0)]
	}
	return out
}

// pageFPS is how often bubbletea looks whether the page has changed: at its 60 an
// idle host's page took 1.7 % of a core.
const pageFPS = 15

// runPage shows a page until it quits or ctx ends. Events are handed on until
// then.
func runPage(ctx context.Context, m tea.Model, in io.Reader, out io.Writer, events <-chan peer.Event) error {
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen(),
		tea.WithFPS(pageFPS), tea.WithoutSignalHandler()) // signals are main's: they end ctx
	quit := make(chan struct{})
	var pump sync.WaitGroup
	defer pump.Wait()
	defer close(quit)
	if events != nil {
		pump.Go(func() { handOn(p, events, quit) })
	}
	if _, err := p.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("show the full-screen page: %w", err)
	}
	return nil
}

// handOn sends events to the program; Send gives up when the program is over.
func handOn(p *tea.Program, events <-chan peer.Event, quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case ev, ok := <-events:
			if !ok {
				p.Send(overMsg{})
				return
			}
			p.Send(eventMsg{ev})
		}
	}
}

var errNoControls = errors.New("tui: a page needs Controls and Events")
