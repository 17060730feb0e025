package config

import (
	"os"
	"strings"
)

// Origin is where a value came from.
type Origin struct {
	Kind  string // "default", "file", "environment" or "flag"
	Place string // FILE:LINE, the variable, the flag; "" for a default
}

func (o Origin) String() string {
	if o.Place == "" {
		return o.Kind
	}
	return o.Place
}

// Origins holds the origin of each key that is not a default, by its name in
// the file.
type Origins map[string]Origin

// Of returns the origin of a key such as "host.allow".
func (o Origins) Of(name string) Origin {
	if origin, ok := o[name]; ok {
		return origin
	}
	return Origin{Kind: "default"}
}

// flagValue is what a flag of this command line says about a key.
type flagValue struct {
	key   *key
	flag  string   // "--relay"
	texts []string // one for each time it was given
}

// layers are the places that load lays over each other.
type layers struct {
	file       string // path; "" for none
	mustExist  bool
	lookupEnv  func(string) (string, bool)
	flags      []flagValue
	hostname   func() (string, error)
	checkRelay func(string) error // nil: the form is enough
}

// load merges and checks. Its errors are *UsageError with the place of the
// mistake, or that the file cannot be read.
func load(l layers) (Settings, Origins, error) {
	s, origins := Defaults(), Origins{}
	s.Name = machineName(l.hostname)
	if err := l.fromFile(&s, origins); err != nil {
		return s, nil, err
	}
	if err := l.fromEnv(&s, origins); err != nil {
		return s, nil, err
	}
	for _, f := range l.flags {
		if err := f.key.value.fromText(&s, f.texts); err != nil {
			return s, nil, err.at(f.flag)
		}
		origins[f.key.name] = Origin{"flag", f.flag}
	}
	if err := checkRelays(s.Relays, origins.Of("relays"), l.checkRelay); err != nil {
		return s, nil, err
	}
	return s, origins, nil
}

func (l *layers) fromFile(s *Settings, origins Origins) error {
	if l.file == "" {
		return nil
	}
	text, err := readText(l.file, l.mustExist)
	if err != nil {
		return err
	}
	settings, bad := parseFile(l.file, text)
	if bad != nil {
		return bad
	}
	for _, set := range settings {
		at := place(l.file, set.line)
		if err := set.key.value.fromTOML(s, set.value); err != nil {
			return err.at(at + ": " + set.key.name)
		}
		origins[set.key.name] = Origin{"file", at}
	}
	return nil
}

func (l *layers) fromEnv(s *Settings, origins Origins) error {
	for _, k := range keys {
		text, ok := l.lookupEnv(k.env())
		if !ok || strings.TrimSpace(text) == "" {
			continue
		}
		if err := k.value.fromText(s, []string{text}); err != nil {
			return err.at(k.env())
		}
		origins[k.name] = Origin{"environment", k.env()}
	}
	return nil
}

func checkRelays(relays []string, from Origin, check func(string) error) error {
	if check == nil {
		return nil
	}
	for i, r := range relays {
		if err := check(r); err != nil {
			e := usage("%s: relay %d: %v", from, i+1, err)
			return e.advise("paste the whole line that `sightline relay` printed; `sightline config relay list` numbers those of the file")
		}
	}
	return nil
}

// machineName is the default name: the first label of the host name, which says
// enough to a colleague and nothing about the domain. It is sent to the other
// side only after both agreed on a session.
func machineName(hostname func() (string, error)) string {
	if hostname == nil {
		hostname = os.Hostname
	}
	full, err := hostname()
	short, _, _ := strings.Cut(full, ".")
	if err != nil || name(short) != nil {
		return "sightline"
	}
	return short
}
