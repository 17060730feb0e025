//go:build !windows

package tui

// consoleWithoutTERM: elsewhere a terminal without TERM is a serial line or a
// script's pty, which may understand nothing.
const consoleWithoutTERM = false
