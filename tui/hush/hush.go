// Package hush keeps bubbletea from asking the terminal for its background colour
// before main begins. On a terminal that does not answer (a serial line, a
// script's pty) it waits 5 s, in every command, and what was typed ahead is taken
// for the answer. None of our colours depends on the background.
//
// The question is put while bubbletea is initialised, and only to a terminal that
// can answer by its TERM. Go initialises packages in the order of their import
// paths as far as their imports allow (The Go Programming Language Specification,
// "Program initialization"): this one needs package os alone and comes before
// strconv, without which nothing that prints can be initialised.
package hush

import "os"

var term, had = quiet()

func quiet() (term string, had bool) {
	term, had = os.LookupEnv("TERM")
	os.Setenv("TERM", "dumb")
	return term, had
}

// Over gives TERM back. It is the first thing that main does.
func Over() {
	if had {
		os.Setenv("TERM", term)
	} else {
		os.Unsetenv("TERM")
	}
}
