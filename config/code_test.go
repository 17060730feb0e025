package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadCode(t *testing.T) {
	cases := []struct {
		name, args, env, in string
		tty                 bool
		code, asked, msg    string
	}{
		{name: "argument", args: "view 48291-7304-4187", code: "48291-7304-4187"},
		{name: "blanks", args: "view 48291 7304 4187", code: "48291 7304 4187"},
		{name: "standard input", args: "view -", in: "48291-7304-4187\r\nmore", code: "48291-7304-4187"},
		{name: "standard input without newline", args: "view -", in: " 48291 7304 4187", code: "48291 7304 4187"},
		{name: "empty standard input", args: "view -", msg: "standard input holds no code"},
		{name: "endless standard input", args: "view -", in: strings.Repeat("1", 300), msg: "a code has at most 256 characters"},
		{name: "number on standard input", args: "view -", in: "48291\n", tty: true, msg: "48291 is the number alone"},
		{name: "environment", args: "view", env: "48291-7304-4187", code: "48291-7304-4187"},
		{name: "argument beats environment", args: "view 48292-7304-4187", env: "48291-7304-4187", code: "48292-7304-4187"},
		{name: "prompt", args: "view", in: "48291 7304 4187\n", tty: true, code: "48291 7304 4187", asked: "code: "},
		{name: "prompt for both", args: "view", in: "48291\n7304 4187\n", tty: true, code: "48291-7304 4187", asked: "code: secret part of 48291: "},
		{name: "prompt for the secret", args: "view 48291", in: "7304-4187\n", tty: true, code: "48291-7304-4187", asked: "secret part of 48291: "},
		{name: "number without terminal", args: "view 48291", msg: "48291 is the number alone; the secret part is missing"},
		{name: "nothing", args: "view", msg: "no code is given, and there is no terminal"},
		{name: "nothing typed", args: "view", in: "\n", tty: true, asked: "code: ", msg: "no code was typed"},
		{name: "no number", args: "view hello", tty: true, code: "hello"},
		{name: "too long", args: "view " + strings.Repeat("1", 300), msg: "a code has at most 256 characters"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ty := newTyped(t, "")
			ty.in, ty.tty = c.in, c.tty
			if c.env != "" {
				ty.env["SIGHTLINE_CODE"] = c.env
			}
			code, err := ty.code(strings.Fields(c.args)...)
			var bad *UsageError
			switch {
			case c.msg == "" && err != nil:
				t.Fatal(err)
			case c.msg != "" && (!errors.As(err, &bad) || !strings.HasPrefix(bad.Msg, c.msg)):
				t.Fatalf("error %v, want %q", err, c.msg)
			}
			if c.msg == "" && code != c.code || ty.err.String() != c.asked {
				t.Errorf("code %q, asked %q; want %q, %q", code, ty.err.String(), c.code, c.asked)
			}
			if _, left := ty.env["SIGHTLINE_CODE"]; left {
				t.Error("the code is still in the environment")
			}
		})
	}
}

// code types a view command and reads its code.
func (ty *typed) code(args ...string) (string, error) {
	if err := ty.run(args...); err != nil {
		return "", err
	}
	return ReadCode(context.Background(), ranAs[ViewRun](ty))
}

func TestCodeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "code")
	for text, want := range map[string]string{"48291-7304-4187\n": "48291-7304-4187", "48291-7304-4187": "48291-7304-4187", "\n": ""} {
		os.WriteFile(path, []byte(text), 0o600)
		code, err := newTyped(t, "").code("view", "--code-file", path)
		if code != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, code, err)
		}
	}
	os.Remove(path)
	var usage *UsageError
	if _, err := newTyped(t, "").code("view", "--code-file", path); !errors.As(err, &usage) || usage.Hint() == "" {
		t.Errorf("missing file: %v", err)
	}
}

// A prompt that nobody answers ends with the context and its cause, and takes
// nothing that was typed after the line.
func TestPromptEndsWithContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	cause := errors.New("the window was closed")
	ctx, cancel := context.WithCancelCause(context.Background())
	asked := make(chan struct{})
	done := make(chan error, 1)
	v := ViewRun{Common: Common{In: r, Err: onWrite(func() { close(asked) }), Terminal: true}}
	go func() { _, err := ReadCode(ctx, v); done <- err }()
	<-asked
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause", err)
	}
}

// `view - < FILE`: a regular file cannot be waited for, and need not be.
func TestCodeFromRedirectedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "code")
	os.WriteFile(path, []byte("48291-7304-4187\n"), 0o600)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, err := ReadCode(context.Background(), ViewRun{Common: Common{In: f}, code: "-"})
	if err != nil || code != "48291-7304-4187" {
		t.Errorf("code %q, %v", code, err)
	}
}

func TestLineReadLeavesTheRest(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.WriteString("48291-7304-4187\nq")
	w.Close()
	code, err := ReadCode(context.Background(), ViewRun{Common: Common{In: r}, code: "-"})
	rest := make([]byte, 8)
	n, _ := r.Read(rest)
	if err != nil || code != "48291-7304-4187" || string(rest[:n]) != "q" {
		t.Errorf("code %q, %v, rest %q", code, err, rest[:n])
	}
}

type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }
