package keysym

import (
	"strconv"
	"strings"
	"sync"
)

// lookup holds the tables of the X headers, unfolded from the lines of table.go.
type lookup struct {
	names  map[Sym]string // the first name of each
	syms   map[string]Sym // every name
	runes  map[Sym]rune   // older alphabets and a few named Unicode keysyms
	legacy map[rune]Sym   // the way back, for runes only
}

// tables is unfolded when first asked for: a host that shares a pattern, a
// relay and a help text never need it.
var tables = sync.OnceValue(func() *lookup {
	n := strings.Count(table, "\n")
	t := &lookup{
		names:  make(map[Sym]string, n),
		syms:   make(map[string]Sym, n),
		runes:  make(map[Sym]rune, n/2),
		legacy: make(map[rune]Sym, n/2),
	}
	for line := range strings.Lines(table) {
		t.add(strings.Fields(line))
	}
	return t
})

// add takes one line: hexadecimal keysym, name, and its character if the
// number alone does not tell it.
func (t *lookup) add(f []string) {
	v, err := strconv.ParseUint(f[0], 16, 32)
	if err != nil {
		panic("keysym: broken table: " + err.Error())
	}
	s := Sym(v)
	t.syms[f[1]] = s
	if _, named := t.names[s]; !named {
		t.names[s] = f[1]
	}
	if len(f) < 3 {
		return
	}
	r, err := strconv.ParseUint(f[2], 16, 32)
	if err != nil {
		panic("keysym: broken table: " + err.Error())
	}
	t.runes[s] = rune(r)
	if _, known := t.legacy[rune(r)]; !known {
		t.legacy[rune(r)] = s
	}
}
