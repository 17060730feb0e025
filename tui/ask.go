package tui

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/muesli/cancelreader"

	"sightline/peer"
)

const (
	// consentDelay is how long "yes" cannot be chosen: time to read the warning
	// (SECURITY-DESIGN, section 9).
	consentDelay = 5 * time.Second
	// fraudWarning is the text of that section, word by word, in two lines.
	fraudWarning1 = "A stranger who phoned you and asked for this code is a fraudster."
	fraudWarning2 = "Banks and Microsoft never ask for it."
)

// AskOptions of AskLine. Lines and Out are required.
type AskOptions struct {
	Lines <-chan string    // what the person types, from ReadLines
	Out   io.Writer        // the question: stderr
	Now   func() time.Time // nil: time.Now
	Delay time.Duration    // before "yes" counts. 0: 5 s
}

// AskLine puts the question of the consent box as plain lines and returns what
// the viewer may do: what was asked, view alone, or 0 for no. Everything that is
// not a clear yes is a no: an empty line, the end of the input, ev.Until, ctx.
// A yes within the first seconds is not counted and asked again.
func AskLine(ctx context.Context, o AskOptions, ev peer.Asks) peer.Grant {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Delay == 0 {
		o.Delay = consentDelay
	}
	begun := o.Now()
	limit, stop := context.WithTimeout(ctx, ev.Until.Sub(begun))
	defer stop()
	fmt.Fprint(o.Out, question(ev, begun))
	for {
		select {
		case <-limit.Done():
			fmt.Fprintln(o.Out, "no answer: refused")
			return 0
		case line, ok := <-o.Lines:
			grant := answer(line, ev.Wants)
			if !ok || grant == 0 {
				fmt.Fprintln(o.Out, "refused")
				return 0
			}
			left := o.Delay - o.Now().Sub(begun)
			if left <= 0 {
				fmt.Fprintf(o.Out, "let in: %s\n", grant)
				return grant
			}
			fmt.Fprintf(o.Out, "read the warning first; yes counts in %d s.  [y/v/N] ", seconds(left))
		}
	}
}

// question is what a person has to know before saying yes.
func question(ev peer.Asks, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s asks for: %s\n", name(ev.Viewer.Name), asked(ev.Wants))
	fmt.Fprintf(&b, "  fingerprint  %s  (compare it by voice)\n", clean(ev.Viewer.Fingerprint))
	fmt.Fprintf(&b, "  path         %s\n", route(ev.Path))
	fmt.Fprintf(&b, "%s\n%s\n", fraudWarning1, fraudWarning2)
	yes := "y = yes, v = view only, "
	if ev.Wants == viewRight {
		yes = "y = yes, "
	}
	fmt.Fprintf(&b, "Let in? %sEnter = no (no by itself in %s)  [y/v/N] ", yes, span(ev.Until.Sub(now)))
	return b.String()
}

// answer reads y, v or anything else.
func answer(line string, wants peer.Grant) peer.Grant {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return wants
	case "v", "view":
		return wants & viewRight
	}
	return 0
}

// maxLine bounds one typed line in bytes.
const maxLine = 4096

// ReadLines sends each line that is typed until in ends or ctx does, and closes
// lines. It returns ctx's cause if it ended by that. Reading from a terminal or
// a pipe can be interrupted; from other readers it ends with the next line.
func ReadLines(ctx context.Context, in io.Reader, lines chan<- string) error {
	defer close(lines)
	r, err := cancelreader.NewReader(in)
	if err != nil {
		return fmt.Errorf("read from the terminal: %w", err)
	}
	defer r.Close()
	defer context.AfterFunc(ctx, func() { r.Cancel() })()
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 256), maxLine)
	for s.Scan() {
		select {
		case lines <- s.Text():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.Err()
}
