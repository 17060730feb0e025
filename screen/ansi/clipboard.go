package ansi

import (
	"encoding/base64"

	"sightline/screen"
)

// clipboard is that of the terminal, where text can be put (OSC 52, xterm's
// control sequences) and nothing is heard of what is copied there: a paste comes
// as typing. Terminals that do not know the sequence, or were told not to obey
// it, drop it.
type clipboard struct {
	w     *Window
	clips chan screen.Clip
}

// maxCopied is how much text a terminal gets, in bytes: what is longer many cut
// off or refuse, and over a slow line the picture waits for it.
const maxCopied = 64 << 10

// OpenClipboard implements screen.ClipboardOpener. Close it once.
func (w *Window) OpenClipboard() (screen.Clipboard, error) {
	return &clipboard{w: w, clips: make(chan screen.Clip)}, nil
}

func (c *clipboard) Clips() <-chan screen.Clip { return c.clips }

func (c *clipboard) Listen(bool) {}

// Put leaves pictures and long texts out.
func (c *clipboard) Put(clip screen.Clip) error {
	if clip.Picture || len(clip.Data) > maxCopied {
		return nil
	}
	n, where := 0, "c"
	if clip.Primary {
		n, where = 1, "p"
	}
	return c.w.change(func() {
		c.w.copied[n] = "\x1b]52;" + where + ";" + base64.StdEncoding.EncodeToString(clip.Data) + "\x1b\\"
	})
}

func (c *clipboard) Close() error {
	close(c.clips)
	return nil
}
