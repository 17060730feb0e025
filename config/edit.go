package config

import (
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// editRelays returns text with the list of relays changed by edit, everything
// else byte for byte as it was. The result is read back and compared with what
// was meant: a file that is written in a way which these few rules do not
// follow is left alone.
func editRelays(text string, want []string, edit func(*scanner, string) string) (string, *UsageError) {
	places, bad := scan(text)
	if bad != nil {
		return "", bad
	}
	edited := edit(places, text)
	if !onlyRelaysChanged(text, edited, want) {
		return "", usage("the list of relays is written in a way that cannot be changed safely").advise("change `relays` in the file with an editor")
	}
	return edited, nil
}

func onlyRelaysChanged(before, after string, want []string) bool {
	var old, now map[string]any
	if _, err := toml.Decode(before, &old); err != nil {
		return false
	}
	if _, err := toml.Decode(after, &now); err != nil {
		return false
	}
	list, ok := now["relays"].([]any)
	if !ok || len(list) != len(want) {
		return false
	}
	for i, r := range list {
		if r != want[i] {
			return false
		}
	}
	delete(old, "relays")
	delete(now, "relays")
	return reflect.DeepEqual(old, now)
}

// appendRelay adds one string at the end of the list, in the list's own style.
func appendRelay(relay string) func(*scanner, string) string {
	return func(places *scanner, text string) string {
		e := places.entry("relays")
		if e == nil {
			return insertList(places, text, relay)
		}
		end := e.to - 1 // the closing ]
		if len(e.items) == 0 {
			return text[:end] + quote(relay) + text[end:]
		}
		last := e.items[len(e.items)-1].to
		comma := strings.HasPrefix(afterBlanks(text[last:end]), ",")
		lineStart := strings.LastIndexByte(text[:end], '\n') + 1
		if lineStart > last && strings.TrimSpace(text[lineStart:end]) == "" {
			indent := indentOf(text, e.items[len(e.items)-1].from)
			text = text[:lineStart] + indent + quote(relay) + ",\n" + text[lineStart:]
			if !comma {
				text = text[:last] + "," + text[last:]
			}
			return text
		}
		if comma {
			return text[:end] + " " + quote(relay) + text[end:]
		}
		return text[:last] + ", " + quote(relay) + text[last:]
	}
}

// insertList writes a list where there is none: before the first key or table,
// together with the comment that stands directly above it, since keys without a
// table have to come first.
func insertList(places *scanner, text, relay string) string {
	list := "relays = [\n  " + quote(relay) + ",\n]\n"
	first := len(text)
	for _, group := range [][]entry{places.entries, places.tables} {
		for _, e := range group {
			first = min(first, e.start)
		}
	}
	if first == len(text) {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + list
	}
	at := strings.LastIndexByte(text[:first], '\n') + 1
	for at > 0 {
		above := strings.LastIndexByte(text[:at-1], '\n') + 1
		if !strings.HasPrefix(strings.TrimSpace(text[above:at]), "#") {
			break
		}
		at = above
	}
	if strings.HasPrefix(text[at:], "\ufeff") {
		at += len("\ufeff")
	}
	return text[:at] + list + "\n" + text[at:]
}

// removeRelay takes out element i with its comma, and with its line if nothing
// else but a comment stands there.
func removeRelay(i int) func(*scanner, string) string {
	return func(places *scanner, text string) string {
		e := places.entry("relays")
		if e == nil || i >= len(e.items) {
			return text
		}
		from, to := e.items[i].from, e.items[i].to
		rest := afterBlanks(text[to:e.to])
		if strings.HasPrefix(rest, ",") {
			to = e.to - len(rest) + 1
		} else if i > 0 { // the last one: the comma before it goes too
			prev := e.items[i-1].to
			gap := text[prev:from]
			if c := strings.IndexByte(gap, ','); c >= 0 && strings.TrimSpace(gap) == "," {
				from = prev
			}
		}
		return text[:lineFrom(text, from, to)] + text[lineTo(text, from, to):]
	}
}

// lineFrom and lineTo widen from..to to a whole line if it is alone there.
func lineFrom(text string, from, to int) int {
	if start, _, alone := aloneOnLine(text, from, to); alone {
		return start
	}
	return from
}

func lineTo(text string, from, to int) int {
	if _, end, alone := aloneOnLine(text, from, to); alone {
		return end
	}
	return to + len(text[to:]) - len(strings.TrimLeft(text[to:], " "))
}

func aloneOnLine(text string, from, to int) (start, end int, alone bool) {
	start = strings.LastIndexByte(text[:from], '\n') + 1
	n := strings.IndexByte(text[to:], '\n')
	if n < 0 {
		return 0, 0, false
	}
	end = to + n + 1
	rest := strings.TrimSpace(text[to:end])
	return start, end, strings.TrimSpace(text[start:from]) == "" && (rest == "" || rest[0] == '#')
}

func (s *scanner) entry(name string) *entry {
	for i := range s.entries {
		if s.entries[i].name == name {
			return &s.entries[i]
		}
	}
	return nil
}

func afterBlanks(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// indentOf is the white space before the element at offset at, or two blanks if
// the element does not begin its line.
func indentOf(text string, at int) string {
	start := strings.LastIndexByte(text[:at], '\n') + 1
	if indent := text[start:at]; strings.TrimSpace(indent) == "" {
		return indent
	}
	return "  "
}
