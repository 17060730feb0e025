package config

import (
	"path/filepath"
	"runtime"
)

// Dirs are the directories of this program for this user. They need not exist;
// who writes there makes them with mode 0700.
type Dirs struct {
	Config  string // config.toml
	State   string // keys and what has to survive a restart
	Runtime string // sockets; State where the system has no place for them
}

// File is the settings file.
func (d Dirs) File() string { return filepath.Join(d.Config, "config.toml") }

// RelayKey, RelayToken and RelayLease are the files of a relay that let it be
// the same relay after a restart.
func (d Dirs) RelayKey() string   { return filepath.Join(d.State, "relay.key") }
func (d Dirs) RelayToken() string { return filepath.Join(d.State, "relay.token") }
func (d Dirs) RelayLease() string { return filepath.Join(d.State, "relay.lease") }

// RelayACME is the folder of a relay's account with an authority and of the
// certificates that it gave.
func (d Dirs) RelayACME() string { return filepath.Join(d.State, "relay.acme") }

// RelayVolume holds what a relay with gb_per_month carried in this month.
func (d Dirs) RelayVolume() string { return filepath.Join(d.State, "relay.volume") }

// FindDirs follows the XDG base directory specification everywhere (a relative
// path in a variable is ignored, as it demands), with the platform's own
// directories where no variable is set on Windows and macOS.
func FindDirs(lookupEnv func(string) (string, bool)) (Dirs, error) {
	return findDirs(runtime.GOOS, lookupEnv)
}

func findDirs(goos string, lookupEnv func(string) (string, bool)) (Dirs, error) {
	config, state := ".config", ".local/state"
	home := "HOME"
	switch goos {
	case "darwin":
		config, state = "Library/Application Support", "Library/Application Support"
	case "windows":
		home, config, state = "USERPROFILE", `AppData/Roaming`, `AppData/Local`
	}
	find := func(below string, variables ...string) string {
		for _, v := range variables {
			if dir, ok := lookupEnv(v); ok && filepath.IsAbs(dir) {
				return filepath.Join(dir, "sightline")
			}
		}
		if dir, ok := lookupEnv(home); ok && below != "" && filepath.IsAbs(dir) {
			return filepath.Join(dir, filepath.FromSlash(below), "sightline")
		}
		return ""
	}
	configVars, stateVars := []string{"XDG_CONFIG_HOME"}, []string{"XDG_STATE_HOME"}
	if goos == "windows" {
		configVars, stateVars = append(configVars, "APPDATA"), append(stateVars, "LOCALAPPDATA")
	}
	d := Dirs{Config: find(config, configVars...), State: find(state, stateVars...), Runtime: find("", "XDG_RUNTIME_DIR")}
	if d.Config == "" || d.State == "" {
		return d, usage("there is no home directory for settings and keys").advise("set %s, or XDG_CONFIG_HOME and XDG_STATE_HOME", home)
	}
	if d.Runtime == "" {
		d.Runtime = d.State
	}
	return d, nil
}
