package tui

// consoleWithoutTERM: the console of Windows moves its cursor and sets no TERM.
const consoleWithoutTERM = true
