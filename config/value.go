package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// value is how one setting is read, checked and shown. Errors are sentences
// without the setting's name or place; the caller knows both.
type value interface {
	// fromText takes what flags or a variable say, one element for each time
	// the flag was given.
	fromText(s *Settings, texts []string) *UsageError
	// fromTOML takes a decoded TOML value.
	fromTOML(s *Settings, v any) *UsageError
	// literal is the present value in TOML's spelling.
	literal(s *Settings) string
	// plain is the present value for JSON.
	plain(s *Settings) any
	// typeName is the word for help: "text", "list", …
	typeName() string
}

type textValue struct {
	field func(*Settings) *string
	check func(string) *UsageError
}

func text(field func(*Settings) *string, check func(string) *UsageError) value {
	return textValue{field, check}
}

func (t textValue) set(s *Settings, v string) *UsageError {
	if err := t.check(v); err != nil {
		return err
	}
	*t.field(s) = v
	return nil
}

func (t textValue) fromText(s *Settings, texts []string) *UsageError {
	return t.set(s, texts[len(texts)-1])
}

func (t textValue) fromTOML(s *Settings, v any) *UsageError {
	str, ok := v.(string)
	if !ok {
		return wrongType("text in quotes", v)
	}
	return t.set(s, str)
}

func (t textValue) literal(s *Settings) string { return quote(*t.field(s)) }
func (t textValue) plain(s *Settings) any      { return *t.field(s) }
func (t textValue) typeName() string           { return "text" }

// listValue's check may normalise: it returns the list to keep.
type listValue struct {
	field func(*Settings) *[]string
	check func([]string) ([]string, *UsageError)
}

func list(field func(*Settings) *[]string, check func([]string) ([]string, *UsageError)) value {
	return listValue{field, check}
}

func (l listValue) set(s *Settings, v []string) *UsageError {
	checked, err := l.check(v)
	if err != nil {
		return err
	}
	*l.field(s) = checked
	return nil
}

func (l listValue) fromText(s *Settings, texts []string) *UsageError {
	items := []string{}
	for _, t := range texts {
		items = append(items, splitList(t)...)
	}
	return l.set(s, items)
}

func (l listValue) fromTOML(s *Settings, v any) *UsageError {
	items, ok := v.([]any)
	if !ok {
		return wrongType(`a list of texts, such as ["a", "b"]`, v)
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], ok = item.(string); !ok {
			return wrongType(`a list of texts, such as ["a", "b"]`, item)
		}
	}
	return l.set(s, texts)
}

func (l listValue) literal(s *Settings) string {
	quoted := []string{}
	for _, item := range *l.field(s) {
		quoted = append(quoted, quote(item))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (l listValue) plain(s *Settings) any { return *l.field(s) }
func (l listValue) typeName() string      { return "list" }

// splitList cuts at commas. A relay's string may hold commas itself, between its
// addresses: what follows a comma and is no new string belongs to the one before.
func splitList(t string) []string {
	items := []string{}
	for _, part := range strings.Split(t, ",") {
		n := len(items)
		if n > 0 && strings.HasPrefix(items[n-1], relayScheme) && !strings.HasPrefix(strings.TrimSpace(part), relayScheme) {
			items[n-1] += "," + part
			continue
		}
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	return items
}

type numberValue struct {
	field    func(*Settings) *int
	min, max int
}

func number(field func(*Settings) *int, min, max int) value { return numberValue{field, min, max} }

func (n numberValue) set(s *Settings, v int64) *UsageError {
	if v < int64(n.min) || v > int64(n.max) {
		return usage("%d is out of range; it goes from %d to %d", v, n.min, n.max)
	}
	*n.field(s) = int(v)
	return nil
}

func (n numberValue) fromText(s *Settings, texts []string) *UsageError {
	t := texts[len(texts)-1]
	v, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return usage("%q is not a whole number from %d to %d", visible(t), n.min, n.max)
	}
	return n.set(s, v)
}

func (n numberValue) fromTOML(s *Settings, v any) *UsageError {
	i, ok := v.(int64)
	if !ok {
		return wrongType("a whole number", v)
	}
	return n.set(s, i)
}

func (n numberValue) literal(s *Settings) string { return strconv.Itoa(*n.field(s)) }
func (n numberValue) plain(s *Settings) any      { return *n.field(s) }
func (n numberValue) typeName() string           { return "number" }

type yesValue struct{ field func(*Settings) *bool }

func yes(field func(*Settings) *bool) value { return yesValue{field} }

func (y yesValue) fromText(s *Settings, texts []string) *UsageError {
	switch t := texts[len(texts)-1]; strings.ToLower(t) {
	case "true", "yes", "on", "1":
		*y.field(s) = true
	case "false", "no", "off", "0":
		*y.field(s) = false
	default:
		return usage("%q is neither true nor false", visible(t))
	}
	return nil
}

func (y yesValue) fromTOML(s *Settings, v any) *UsageError {
	b, ok := v.(bool)
	if !ok {
		return wrongType("true or false", v)
	}
	*y.field(s) = b
	return nil
}

func (y yesValue) literal(s *Settings) string { return strconv.FormatBool(*y.field(s)) }
func (y yesValue) plain(s *Settings) any      { return *y.field(s) }
func (y yesValue) typeName() string           { return "bool" }

type spanValue struct {
	field    func(*Settings) *time.Duration
	min, max time.Duration
}

func span(field func(*Settings) *time.Duration, min, max time.Duration) value {
	return spanValue{field, min, max}
}

func (d spanValue) fromText(s *Settings, texts []string) *UsageError {
	v, err := parseSpan(texts[len(texts)-1], d.min, d.max)
	if err != nil {
		return err
	}
	*d.field(s) = v
	return nil
}

func (d spanValue) fromTOML(s *Settings, v any) *UsageError {
	t, ok := v.(string)
	if !ok { // a bare number would leave the unit to guessing
		return wrongType(`a time in quotes, such as "15m"`, v)
	}
	return d.fromText(s, []string{t})
}

func (d spanValue) literal(s *Settings) string { return quote(shortSpan(*d.field(s))) }
func (d spanValue) plain(s *Settings) any      { return shortSpan(*d.field(s)) }
func (d spanValue) typeName() string           { return "time" }

func parseSpan(t string, min, max time.Duration) (time.Duration, *UsageError) {
	v, err := time.ParseDuration(t)
	if err != nil {
		return 0, usage("%q is not a time; write 90s, 15m or 2h", visible(t))
	}
	if v < min || v > max {
		return 0, usage("%s is out of range; it goes from %s to %s", shortSpan(v), shortSpan(min), shortSpan(max))
	}
	return v, nil
}

// shortSpan writes 15m for what time.Duration calls 15m0s.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func wrongType(want string, got any) *UsageError {
	return usage("it must be %s, not %s", want, tomlType(got))
}

func tomlType(v any) string {
	switch v := v.(type) {
	case string:
		return "text"
	case int64:
		return "the number " + strconv.FormatInt(v, 10)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return "such a number"
		}
		return "the number " + strconv.FormatFloat(v, 'g', 6, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	}
	return fmt.Sprintf("%T", v)
}

// quote writes a TOML basic string. Other than Go's, it has no \x and \a.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
