// Package keysym names keys by what they mean, with the numbers of the X
// Window System (X.Org, "X11 keysyms", keysymdef.h): Latin-1 characters are
// their own code, every other Unicode character is 0x01000000 + code point, and
// keys without a character (Return, F1, Shift_L) have numbers from 0xff00 on.
package keysym

// Sym is an X11 keysym. Zero (NoSymbol) is no key.
type Sym uint32
