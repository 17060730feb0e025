package config

import (
	"strconv"
	"strings"
)

// entry is one `key = value` of a TOML file with its place in the text. The
// TOML package gives values without places; origins ("config.toml:12") and edits
// that keep comments need both. Offsets are in bytes.
type entry struct {
	name     string // with its table: "host.allow"
	line     int    // from 1
	start    int    // of the key
	from, to int    // the value
	items    []item // of a list
}

// item is one element of a list, without the comma.
type item struct{ from, to int }

const (
	// maxDepth bounds lists in lists and parts of a key, so that nothing in the
	// file makes the TOML package slow: its time grows with the square of the
	// depth (60 KB of nested tables took it 90 s). Ours need three.
	maxDepth = 8
)

// scanner walks over a TOML 1.1 file. It checks no more than it needs to find
// its way; the TOML package is the judge of what is valid.
type scanner struct {
	src     string
	pos     int
	line    int
	entries []entry
	tables  []entry // headers, for their line and place; from and to are zero
	problem *UsageError
}

// scan finds the entries of src. The error has the line in front.
func scan(src string) (*scanner, *UsageError) {
	s := &scanner{src: strings.TrimPrefix(src, "\ufeff"), line: 1}
	skipped := len(src) - len(s.src)
	s.src, s.pos = src, skipped
	prefix := ""
	for s.blank(true); s.pos < len(s.src) && s.problem == nil; s.blank(true) {
		if s.src[s.pos] == '[' {
			prefix = s.header()
		} else {
			s.keyValue(prefix, 0)
		}
		s.endOfLine()
	}
	if s.problem != nil {
		return nil, s.problem.at("line " + strconv.Itoa(s.line))
	}
	return s, nil
}

func (s *scanner) fail(format string, args ...any) {
	if s.problem == nil {
		s.problem = usage(format, args...)
	}
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) eat(word string) bool {
	if strings.HasPrefix(s.src[s.pos:], word) {
		s.pos += len(word)
		return true
	}
	return false
}

// blank skips blanks; with lines also comments and the ends of lines.
func (s *scanner) blank(lines bool) {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t':
		case lines && c == '\n':
			s.line++
		case lines && c == '\r':
		case lines && c == '#':
			s.comment()
			continue
		default:
			return
		}
		s.pos++
	}
}

func (s *scanner) comment() {
	n := strings.IndexByte(s.src[s.pos:], '\n')
	if n < 0 {
		n = len(s.src) - s.pos
	}
	s.pos += n
}

func (s *scanner) endOfLine() {
	s.blank(false)
	switch s.peek() {
	case 0, '\n', '\r', '#':
	default:
		s.fail("there is something after the end of the value")
	}
	if s.pos < len(s.src) && s.src[s.pos] == 0 {
		s.fail("there is a zero byte")
	}
}

// header reads [a.b] or [[a.b]] and returns the prefix for the keys below it.
func (s *scanner) header() string {
	start := s.pos
	double := s.eat("[[")
	if !double {
		s.eat("[")
	}
	name := s.key(0)
	if closed := s.eat("]"); !closed || double && !s.eat("]") {
		s.fail("the table's name has no closing ]")
	}
	s.tables = append(s.tables, entry{name: name, line: s.line, start: start})
	return name + "."
}

// keyValue reads one entry and, for an inline table, those inside it.
func (s *scanner) keyValue(prefix string, depth int) {
	e := entry{line: s.line, start: s.pos}
	e.name = prefix + s.key(strings.Count(prefix, "."))
	if !s.eat("=") {
		s.fail("a key is followed by = and a value")
		return
	}
	s.blank(false)
	e.from = s.pos
	at := len(s.entries)
	s.entries = append(s.entries, e)
	items := s.value(e.name+".", depth)
	s.entries[at].to, s.entries[at].items = s.pos, items
}

// key reads a dotted key up to what follows it. depth is how many parts stand
// before it already.
func (s *scanner) key(depth int) string {
	parts := []string{}
	for s.problem == nil {
		s.blank(false)
		parts = append(parts, s.keyPart())
		if len(parts)+depth > maxDepth {
			s.fail("a key of more than %d parts is not possible", maxDepth)
		}
		s.blank(false)
		if !s.eat(".") {
			break
		}
	}
	return strings.Join(parts, ".")
}

func (s *scanner) keyPart() string {
	start := s.pos
	switch s.peek() {
	case '"', '\'':
		s.str(s.src[s.pos : s.pos+1])
		raw := s.src[start:s.pos]
		if plain, err := strconv.Unquote(raw); err == nil && raw[0] == '"' {
			return plain
		}
		return strings.Trim(raw, `"'`)
	}
	for s.pos < len(s.src) && isBare(s.src[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		s.fail("a key is expected here: letters, digits, - and _")
	}
	return s.src[start:s.pos]
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// value reads any value; items are the elements if it is a list.
func (s *scanner) value(prefix string, depth int) (items []item) {
	if depth > maxDepth {
		s.fail("lists and tables are nested deeper than %d", maxDepth)
		return nil
	}
	switch rest := s.src[s.pos:]; {
	case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, `'''`):
		s.longStr(rest[:3])
	case strings.HasPrefix(rest, `"`), strings.HasPrefix(rest, `'`):
		s.str(rest[:1])
	case strings.HasPrefix(rest, "["):
		s.pos++
		return s.listItems(prefix, depth)
	case strings.HasPrefix(rest, "{"):
		s.pos++
		s.inlineTable(prefix, depth)
	default:
		n := strings.IndexAny(rest, ",]}#\r\n")
		if n < 0 {
			n = len(rest)
		}
		n = len(strings.TrimRight(rest[:n], " \t"))
		if n == 0 {
			s.fail("a value is missing")
		}
		s.pos += n
	}
	return nil
}

func (s *scanner) listItems(prefix string, depth int) []item {
	items := []item{}
	for s.problem == nil {
		s.blank(true)
		if s.eat("]") {
			break
		}
		if s.pos == len(s.src) {
			s.fail("a list has no closing ]")
			break
		}
		from := s.pos
		s.value(prefix, depth+1)
		items = append(items, item{from, s.pos})
		s.blank(true)
		if !s.eat(",") && s.peek() != ']' {
			s.fail("a list needs a comma or ] here")
		}
	}
	return items
}

func (s *scanner) inlineTable(prefix string, depth int) {
	for s.problem == nil {
		s.blank(true)
		if s.eat("}") {
			return
		}
		if s.pos == len(s.src) {
			s.fail("a table has no closing }")
			return
		}
		s.keyValue(prefix, depth+1)
		s.blank(true)
		if !s.eat(",") && s.peek() != '}' {
			s.fail("a table needs a comma or } here")
		}
	}
}

// str reads a string of one line. Only the double quote knows escapes.
func (s *scanner) str(quote string) {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == quote[0]:
			s.pos++
			return
		case c == '\n':
			s.fail("a text has no closing %s", quote)
			return
		case c == '\\' && quote == `"`:
			s.pos++
		}
	}
	s.pos = len(s.src)
	s.fail("a text has no closing %s", quote)
}

// longStr reads a string in triple quotes. Up to two more of the same quote may
// stand directly before the closing ones and belong to the text.
func (s *scanner) longStr(quotes string) {
	for s.pos += 3; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '\n':
			s.line++
		case c == '\\' && quotes == `"""`:
			if s.pos++; s.pos < len(s.src) && s.src[s.pos] == '\n' {
				s.line++
			}
		case strings.HasPrefix(s.src[s.pos:], quotes):
			s.pos += 3
			for i := 0; i < 2 && s.eat(quotes[:1]); i++ {
			}
			return
		}
	}
	s.pos = len(s.src)
	s.fail("a text has no closing %s", quotes)
}
