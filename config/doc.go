// Package config is what a person can set: the commands and their flags (cobra),
// the environment, the TOML file, and where each value came from. It knows no
// other room of the house. main hands it functions (Roles) and receives, for the
// command that was typed, one struct with everything settled: HostRun, ViewRun, …
//
// A setting has one name everywhere, and the nearest place wins:
//
//	flag                   --max-fps 30              of the commands it makes sense for
//	environment            SIGHTLINE_HOST_MAX_FPS    SIGHTLINE_, the key in upper case, "_" for "."
//	file                   [host] max_fps = 30       ~/.config/sightline/config.toml (XDG), --config
//	default                60
//
// In the environment a list is separated by commas and an empty variable counts
// as unset. A key that this version does not know is an error with the nearest
// one as a hint; a key that it knows but cannot honour yet is an error too,
// since a proxy or a limit that is silently ignored is worse than none.
//
// The file is written by `config relay add` and `remove` only, which change the
// one list and leave comments and order alone (edit.go).
package config
