package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds the settings file, in bytes (SECURITY-DESIGN, section 11).
const maxFile = 1 << 20

// setting is a key with the value that the file gives it.
type setting struct {
	key   *key
	value any // as the TOML package decodes it
	line  int
}

// readText returns the file's text. One that is missing is empty, unless the
// person named it.
func readText(path string, mustExist bool) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if mustExist {
			return "", usage("there is no settings file %s", clean(path)).advise("check --config or SIGHTLINE_CONFIG")
		}
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("read settings: %w", err)
	}
	if len(text) > maxFile {
		return "", usage("%s is longer than 1 MiB; that is no settings file", clean(path))
	}
	return string(text), nil
}

// parseFile finds the settings in the file's text, in the order of their lines.
// The first mistake ends it; its sentence begins with the place.
func parseFile(path, text string) ([]setting, *UsageError) {
	places, bad := scan(text)
	if bad != nil {
		return nil, bad.at(clean(path))
	}
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, syntaxError(path, err)
	}
	found := flatten("", tree)
	lines := places.lines()
	for i := range found {
		found[i].line = lines[found[i].name]
	}
	slices.SortFunc(found, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.line, b.line), strings.Compare(a.name, b.name))
	})
	settings := make([]setting, 0, len(found))
	for _, l := range found {
		k := keyNamed(l.name)
		switch {
		case k != nil:
			settings = append(settings, setting{k, l.value, l.line})
		case isTable(l.name):
			return nil, wrongType("a table", l.value).at(place(path, l.line) + ": " + l.name)
		default:
			return nil, unknownKey(l.name).at(place(path, l.line))
		}
	}
	return settings, nil
}

// leaf is a value of the file under its full name.
type leaf struct {
	name  string
	value any
	line  int
}

// flatten lists what is in the tables that we know; what else is a table stays
// one value, so that an unknown table is one mistake and not twenty.
func flatten(prefix string, tree map[string]any) []leaf {
	var found []leaf
	for name, v := range tree {
		name = prefix + name
		if sub, ok := v.(map[string]any); ok && isTable(name) {
			found = append(found, flatten(name+".", sub)...)
			continue
		}
		found = append(found, leaf{name: name, value: v})
	}
	return found
}

// lines gives the first line of each key, and of each table by anything in it.
func (s *scanner) lines() map[string]int {
	lines := map[string]int{}
	for _, list := range [][]entry{s.tables, s.entries} {
		for _, e := range list {
			for name := e.name; ; name = name[:strings.LastIndexByte(name, '.')] {
				if line, ok := lines[name]; !ok || e.line < line {
					lines[name] = e.line
				}
				if !strings.Contains(name, ".") {
					break
				}
			}
		}
	}
	return lines
}

func place(path string, line int) string {
	if line == 0 {
		return clean(path)
	}
	return fmt.Sprintf("%s:%d", clean(path), line)
}

// syntaxError keeps the TOML package's words and drops its excerpt: it may be of
// a line with a token.
func syntaxError(path string, err error) *UsageError {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return usage("%s: not valid TOML: %s", clean(path), visible(err.Error()))
	}
	return usage("%s: not valid TOML: %s", place(path, parse.Position.Line), visible(strings.TrimSuffix(parse.Message, ".")))
}
