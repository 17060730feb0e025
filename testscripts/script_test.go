//go:build linux

package testscripts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays scripts/*.txtar. Beside testscript's own commands there are
// these; NAME is of the script's choice.
//
//	relay NAME ARG…       start `sightline relay --json --listen 127.0.0.1:0 ARG…` in the background
//	host NAME ARG…        start `sightline host --json --source pattern ARG…`
//	viewer NAME ARG…      start `sightline view --json --window none ARG…`; <FILE is its standard input
//	role NAME ARG…        start `sightline ARG…`
//	attacker HOW ADDR     send garbage (attacker_test.go)
//	as USER               what follows runs as another user: with settings, keys and sockets of its own
//	await NAME EVENT F=V F~RE…   wait for the next such event; $CODE, $NUMBER, $SEAT, $JOIN, $LISTEN and $ID are from it
//	saw NAME EVENT F=V…          has it been said? (! saw)
//	times N NAME EVENT F=V…      it has been said N times
//	says NAME RE          wait until stderr matches
//	exits NAME CODE       wait for the end; exit code CODE
//	lives NAME            it has not ended
//	signal NAME SIG       TERM, INT, KILL, STOP, CONT
//	exit CODE ARG…        run `sightline ARG…` in the foreground; stdout and stderr can be looked at
//	port VAR              $VAR is a free port
//	mistype VAR CODE      $VAR is CODE with its last digit changed
//	another VAR CODE      $VAR is a well-formed code with CODE's number and another secret
//	renumber VAR CODE     $VAR is a well-formed code with another number
//	tokenless VAR JOIN    $VAR is a relay's string without its token
//	otherkey VAR JOIN     $VAR is a relay's string with the key of another machine
//	relayid VAR JOIN      $VAR is the peer ID in a relay's string
//	within TIME NAME EVENT F=V…  await, where the time is a promise
func TestScripts(t *testing.T) {
	bin := program(t)
	testscript.Run(t, testscript.Params{
		Dir:                "scripts",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return setStage(env, bin) },
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"relay":    starter("relay", "--json", "--listen", "127.0.0.1:0"),
			"host":     starter("host", "--json", "--source", "pattern"),
			"viewer":   starter("view", "--json", "--window", "none"),
			"role":     starter(),
			"attacker": attack,
			"as":       as,
			"await":    await,
			"saw":      saw,
			"times":    times,
			"says":     says,
			"exits":    exits,
			"lives":    lives,
			"signal":   sendSignal,
			"exit":     exit,
			"port":     port,
			"mistype":  change(mistype),
			"another":  change(anotherSecret),
			"renumber": change(anotherNumber),

			"within":    within,
			"relayid":   change(relayID),
			"tokenless": change(tokenless),
			"otherkey":  change(otherKey),
		},
	})
}

// stage has the actors of one script.
type stage map[string]*actor

type stageKey struct{}

func setStage(env *testscript.Env, bin string) error {
	s := stage{}
	env.Values[stageKey{}] = s
	env.Defer(func() {
		for _, a := range s {
			a.kill()
		}
	})
	env.Setenv("PATH", filepath.Dir(bin)+":"+env.Getenv("PATH"))
	for _, kv := range cleanEnv(filepath.Join(env.WorkDir, "me")) {
		k, v, _ := strings.Cut(kv, "=")
		if k != "PATH" {
			env.Setenv(k, v)
		}
	}
	return os.MkdirAll(filepath.Join(env.WorkDir, "me", "run"), 0o700)
}

// condition: [root]; [namespaces] can be made here, or are demanded; [ci] fails
// what is skipped elsewhere.
func condition(cond string) (bool, error) {
	switch cond {
	case "ci":
		return os.Getenv("SIGHTLINE_CI") == "1", nil
	case "namespaces":
		demanded := os.Getenv("SIGHTLINE_CI") == "1" && os.Getenv("SIGHTLINE_NAMESPACES") != "no"
		return demanded || makeNamespaces() == nil, nil
	case "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

func as(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 1 && !neg, "as USER")
	home := ts.MkAbs(filepath.Join(ts.Getenv("WORK"), args[0]))
	ts.Check(os.MkdirAll(filepath.Join(home, "run"), 0o700))
	for _, kv := range cleanEnv(home)[:4] {
		k, v, _ := strings.Cut(kv, "=")
		ts.Setenv(k, v)
	}
}

// starter makes the command of an actor that runs in the background.
func starter(front ...string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		need(ts, len(args) > 0 && !neg, "NAME ARG…")
		name := args[0]
		s := ts.Value(stageKey{}).(stage)
		if old := s[name]; old != nil && !old.ended() {
			ts.Fatalf("%s runs already", name)
		}
		bin, err := exec.LookPath(filepath.Join(building.dir, "sightline"))
		ts.Check(err)
		cmd := exec.Command(bin, front...)
		cmd.Dir = ts.Getenv("WORK")
		cmd.Env = environ(ts)
		for _, a := range args[1:] {
			if file, ok := strings.CutPrefix(a, "<"); ok {
				in, err := os.Open(ts.MkAbs(file))
				ts.Check(err)
				defer in.Close()
				cmd.Stdin = in
				continue
			}
			if a == "--listen" && slices.Contains(front, a) {
				cmd.Args = slices.Delete(cmd.Args, 3, 5) // the script says where itself
			}
			cmd.Args = append(cmd.Args, a)
		}
		a, err := spawn(name, cmd)
		ts.Check(err)
		s[name] = a
	}
}

// environ is the script's environment: testscript hands it to foreground
// commands only.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, k := range []string{
		"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "PATH", "LANG", "DISPLAY", "XAUTHORITY", "SIGHTLINE_DEBUG",
		"SIGHTLINE_CODE", "SIGHTLINE_RELAYS", "SIGHTLINE_NETWORK_LAN", "SIGHTLINE_NETWORK_LISTEN", "SIGHTLINE_NETWORK_DIRECT", "SIGHTLINE_NAME", "WORK",
	} {
		if v := ts.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	return env
}

func need(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func who(ts *testscript.TestScript, name string) *actor {
	a := ts.Value(stageKey{}).(stage)[name]
	if a == nil {
		ts.Fatalf("there is no %s", name)
	}
	return a
}

// everybody is what all actors said, for the message of a failure.
func everybody(ts *testscript.TestScript) string {
	var b strings.Builder
	for _, a := range ts.Value(stageKey{}).(stage) {
		b.WriteString(a.told())
	}
	return b.String()
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) >= 2 && !neg, "await NAME EVENT FIELD=VALUE…")
	awaitFor(ts, patience, args)
}

func within(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) >= 3 && !neg, "within TIME NAME EVENT FIELD=VALUE…")
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	awaitFor(ts, limit, args[1:])
}

func awaitFor(ts *testscript.TestScript, limit time.Duration, args []string) {
	w, err := parseWant(args[1:])
	ts.Check(err)
	e, err := who(ts, args[0]).await(limit, w)
	if err != nil {
		ts.Fatalf("%v\n%s", err, everybody(ts))
	}
	for _, field := range []string{"code", "number", "seat", "join", "listen", "id"} {
		if v := e.text(field); v != "" {
			ts.Setenv(strings.ToUpper(field), v)
		}
	}
}

func saw(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) >= 2, "saw NAME EVENT FIELD=VALUE…")
	w, err := parseWant(args[1:])
	ts.Check(err)
	if a := who(ts, args[0]); (a.saw(w) > 0) == neg {
		ts.Fatalf("unexpected\n%s", a.told())
	}
}

func times(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) >= 3 && !neg, "times N NAME EVENT FIELD=VALUE…")
	w, err := parseWant(args[2:])
	ts.Check(err)
	if a := who(ts, args[1]); strconv.Itoa(a.saw(w)) != args[0] {
		ts.Fatalf("said %d times\n%s", a.saw(w), a.told())
	}
}

func says(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 2 && !neg, "says NAME REGEXP")
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	ts.Check(who(ts, args[0]).says(patience, re))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 2 && !neg, "exits NAME CODE")
	a := who(ts, args[0])
	code, err := a.exit(patience)
	if err != nil || strconv.Itoa(code) != args[1] {
		ts.Fatalf("exit code %d, %v\n%s", code, err, everybody(ts))
	}
}

func lives(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 1 && !neg, "lives NAME")
	if a := who(ts, args[0]); a.ended() {
		ts.Fatalf("it has ended\n%s", a.told())
	}
}

var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "HUP": syscall.SIGHUP,
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 2 && !neg && signals[args[1]] != 0, "signal NAME TERM|INT|HUP|KILL|STOP|CONT")
	ts.Check(who(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func exit(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) >= 1 && !neg, "exit CODE ARG…")
	err := ts.Exec("sightline", args[1:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d instead of %s\n%s", code, args[0], everybody(ts))
	}
}

func port(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 1 && !neg, "port VAR")
	p, err := freePort()
	ts.Check(err)
	ts.Setenv(args[0], p)
}

// change makes the command `NAME VAR CODE`.
func change(how func(string) string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		need(ts, len(args) == 2 && !neg, "VAR CODE")
		ts.Setenv(args[0], how(args[1]))
	}
}
