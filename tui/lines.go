package tui

import (
	"fmt"
	"io"
	"sync"
	"time"

	"sightline/peer"
)

// PrinterOptions of a Printer. Out and Err are required.
type PrinterOptions struct {
	JSON bool             // objects instead of words
	Out  io.Writer        // data: the code, JSON
	Err  io.Writer        // words for people
	Now  func() time.Time // nil: time.Now
	Role string           // RoleHost (also if empty), RoleView or RoleRelay
	// CommandFor is the line to be typed on the other computer. nil:
	// "sightline view CODE".
	CommandFor func(code string) string
}

// Printer tells of a role without a full-screen page: plain lines or JSON. Its
// methods may be called from several goroutines; each line leaves in one Write.
type Printer struct {
	o PrinterOptions

	mu   sync.Mutex
	tell teller
	err  error
}

// NewPrinter returns a printer. It starts nothing and needs no Close.
func NewPrinter(o PrinterOptions) *Printer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CommandFor == nil {
		o.CommandFor = viewCommand
	}
	return &Printer{o: o, tell: teller{role: o.Role}}
}

func viewCommand(code string) string { return "sightline view " + code }

// Event prints one event. Statistics are printed as JSON only: as lines they
// would bury the news.
func (p *Printer) Event(ev peer.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.JSON {
		p.jsonLocked(eventObject(ev, p.o.Role))
		return
	}
	if code, ok := ev.(peer.Code); ok {
		p.codeLocked(code)
		return
	}
	if line := p.tell.tell(ev); line != "" {
		p.wordsLocked(line)
	}
}

// Err is the first error of writing, nil if there was none: a reader that went
// away (`sightline host --json | head -1`).
func (p *Printer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// codeLocked prints the code alone on stdout, for `code=$(sightline host …)`
// and pipes, and what to do with it on stderr.
func (p *Printer) codeLocked(c peer.Code) {
	code := clean(c.Code)
	p.writeLocked(p.o.Out, code+"\n")
	p.wordsLocked("on the other computer run:  " + clean(p.o.CommandFor(code)))
	p.wordsLocked(fmt.Sprintf("valid for %s, %s", minutes(c.Expires.Sub(p.o.Now())), viewers(c.Admits)))
	if what := clean(c.Sharing); what != "" {
		p.wordsLocked("sharing " + what)
	}
}

func (p *Printer) wordsLocked(line string) { p.writeLocked(p.o.Err, line+"\n") }

func (p *Printer) writeLocked(w io.Writer, s string) {
	if _, err := io.WriteString(w, s); err != nil && p.err == nil {
		p.err = err
	}
}

// minutes prints the life of a code: "15 min", below two minutes in seconds.
func minutes(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", seconds(d))
	}
	return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
}

func viewers(n int) string {
	if n <= 1 {
		return "one viewer"
	}
	return fmt.Sprintf("%d viewers", n)
}
