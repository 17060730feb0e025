package ctl

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"sightline/peer"
)

// maxWindow bounds the words that mean a window, in bytes.
const maxWindow = 256

// WindowReport is a window that can be shared, or is.
type WindowReport struct {
	ID     string `json:"id"` // 0x…, as xwininfo shows it
	Title  string `json:"title"`
	Class  string `json:"class"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Shared bool   `json:"shared"`
}

func reportWindows(list []peer.Window) []WindowReport {
	out := []WindowReport{}
	for _, w := range list {
		out = append(out, WindowReport{fmt.Sprintf("%#x", uint64(w.ID)), w.Title, w.Class, w.Size.X, w.Size.Y, w.Shared})
	}
	return out
}

// FormatWindows writes the list for people, shared ones marked.
func FormatWindows(w io.Writer, list []WindowReport) error {
	var b strings.Builder
	for _, v := range list {
		mark := map[bool]string{true: "*"}[v.Shared]
		fmt.Fprintf(&b, "%1s %-10s %-16s %11s  %s\n", mark, plain(v.ID), plain(v.Class), fmt.Sprintf("%dx%d", v.Width, v.Height), plain(v.Title))
	}
	if len(list) == 0 {
		b.WriteString("no program has a window here\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// choose shares a window or takes it away.
func choose(h Host, r Request) error {
	list, err := h.Windows()
	if err != nil {
		return err
	}
	w, err := meant(list, r.Window)
	if err != nil {
		return err
	}
	if r.Verb == Unshare {
		return h.UnshareWindow(w.ID)
	}
	return h.ShareWindow(w.ID)
}

// meant is the one window that words mean: its ID, its class, or a part of its title.
func meant(list []peer.Window, words string) (peer.Window, error) {
	hex, isID := strings.CutPrefix(strings.ToLower(words), "0x")
	id, err := strconv.ParseUint(hex, 16, 32)
	isID = isID && err == nil
	var fit []peer.Window
	for _, w := range list {
		switch {
		case isID && uint64(w.ID) == id:
			return w, nil
		case isID:
		case strings.EqualFold(w.Class, words), strings.Contains(strings.ToLower(w.Title), strings.ToLower(words)):
			fit = append(fit, w)
		}
	}
	const hint = "`sightline ctl windows` lists them; take one by its ID"
	switch len(fit) {
	case 0:
		return peer.Window{}, fail(peer.ClassNoSession, hint, "no window matches %q", words)
	case 1:
		return fit[0], nil
	}
	return peer.Window{}, fail(peer.ClassUsage, hint, "several windows match %q", words)
}
