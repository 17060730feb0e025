package wire

import "encoding/binary"

// Denied tells a viewer that some of its input was not acted on. The host sends it
// at the first for each reason, and then at most every second or so while there
// are more.
//
//	u32 count, since the session began | u8 n, reason
type Denied struct {
	Count  uint32
	Reason string // "covered", "focus", "hot key", "outside", ...; cleaned, at most MaxName bytes
}

// Append adds the body of the message.
func (m Denied) Append(dst []byte) []byte {
	return appendText(binary.BigEndian.AppendUint32(dst, m.Count), m.Reason, MaxName)
}

// ParseDenied reads the body of a Denied.
func ParseDenied(b []byte) (Denied, error) {
	p := parser{b: b}
	m := Denied{Count: p.u32(), Reason: p.text(MaxName)}
	m.Count = min(m.Count, 1<<31-1) // an int everywhere
	return m, p.end("refusal")
}
