package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/muesli/cancelreader"
)

const (
	// maxCode bounds a code as it is typed or read, in bytes: blanks and
	// dashes between 13 digits and more need far less.
	maxCode = 256
	// minNumber and maxNumber are the digits of a number without its secret:
	// five, and more only on a relay with a hundred live sessions.
	minNumber, maxNumber = 5, 8
)

// ReadCode returns the code as the person gave it, with blanks and dashes, for
// main to parse: from the arguments, standard input ("-"), --code-file,
// SIGHTLINE_CODE, or else from a prompt on the terminal. A number alone is
// completed by a prompt for the secret part. It reads no byte after the line, so
// that the terminal's keys are there for who comes next, and returns when ctx
// ends with its cause.
func ReadCode(ctx context.Context, v ViewRun) (string, error) {
	code, err := v.givenCode(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case code == "" && !v.Terminal:
		return "", usage("no code is given, and there is no terminal to ask for it").advise("`sightline view CODE`, `sightline view -` to read it from standard input, or SIGHTLINE_CODE")
	case code == "":
		if code, err = v.prompt(ctx, "code: "); err != nil || !numberAlone(code) {
			return code, err
		}
	case !numberAlone(code):
		return code, nil
	case !v.Terminal || v.code == "-":
		return "", usage("%s is the number alone; the secret part is missing", strings.TrimSpace(code)).advise("give all digits that the host shows, such as 48291-7304-4187")
	}
	secret, err := v.prompt(ctx, "secret part of "+strings.TrimSpace(code)+": ")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(code) + "-" + secret, nil
}

// givenCode is the code without asking, "" if there is none.
func (v ViewRun) givenCode(ctx context.Context) (string, error) {
	switch {
	case v.code == "-":
		code, err := readLine(ctx, v.In)
		if err == nil && code == "" {
			err = usage("standard input holds no code").advise("its first line is read")
		}
		return code, err
	case v.code != "":
		return v.code, nil
	case v.codeFile != "":
		return v.fromFile()
	}
	return v.env, nil
}

func (v ViewRun) fromFile() (string, error) {
	if v.read == nil {
		return "", errors.New("reading a code from a file was not built in")
	}
	text, err := v.read(v.codeFile, maxCode)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage("--code-file: there is no file %s", clean(v.codeFile)).advise("its first line is read, and it must be yours alone (chmod 600)")
	}
	if err != nil {
		return "", fmt.Errorf("--code-file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", usage("--code-file: %s holds no code", clean(v.codeFile)).advise("its first line is read")
	}
	return line, nil
}

func (v ViewRun) prompt(ctx context.Context, question string) (string, error) {
	fmt.Fprint(v.Err, question)
	line, err := readLine(ctx, v.In)
	if err == nil && line == "" {
		err = usage("no code was typed").advise("the host shows it, such as 48291-7304-4187")
	}
	return line, err
}

// numberAlone tells a number such as 48291 from a code.
func numberAlone(code string) bool {
	digits := 0
	for _, c := range code {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != ' ' && c != '-' && c != '\t':
			return false
		}
	}
	return digits >= minNumber && digits <= maxNumber
}

// readLine reads up to the end of a line, byte by byte: a buffer would swallow
// what was typed ahead.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	in, stop, err := cancelable(ctx, in)
	if err != nil {
		return "", err
	}
	defer stop()
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' || n == 0 && errors.Is(err, io.EOF) {
			return strings.TrimSpace(string(line)), nil
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if err != nil && n == 0 {
			return "", fmt.Errorf("read the code: %w", err)
		}
		if line = append(line, one[:n]...); len(line) > maxCode {
			return "", usage("a code has at most %d characters", maxCode)
		}
	}
}

// cancelable makes a read from a terminal or pipe end with ctx. Other readers
// (tests, regular files) do not block.
func cancelable(ctx context.Context, in io.Reader) (io.Reader, func(), error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	f, ok := in.(*os.File)
	if !ok {
		return in, func() {}, nil
	}
	r, err := cancelreader.NewReader(f)
	if err != nil { // not something that can be waited for: it does not block either
		return in, func() {}, nil
	}
	undo := context.AfterFunc(ctx, func() { r.Cancel() })
	return r, func() { undo(); r.Close() }, nil
}
