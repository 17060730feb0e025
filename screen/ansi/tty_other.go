//go:build !unix && !windows

package ansi

import (
	"errors"
	"os"
)

func rawOutput(*os.File) (undo func(), err error) {
	return nil, errors.New("terminals of this system are not supported")
}

func watchSize() (changed chan struct{}, stop func()) { return nil, func() {} }
