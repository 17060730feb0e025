//go:build !unix

package keyring

import (
	"io/fs"
	"os"
)

// Windows has no permission bits. The directories that config.FindDirs names
// there (%AppData%, %LocalAppData%) are closed to other users by the access
// list that they inherit; only links and other odd files are refused here.

func openNoFollow(path string) (*os.File, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(path, before, 0); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = &ModeError{Path: path, Mode: after.Mode(), Reason: "it was replaced while it was opened"}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkFile(path string, info fs.FileInfo, _ int) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &ModeError{Path: path, Mode: info.Mode(), Reason: "it is a link or not a regular file"}
}

func checkDir(path string, info fs.FileInfo, _ int) error {
	if info.IsDir() {
		return nil
	}
	return &ModeError{Path: path, Mode: info.Mode(), Reason: "it is not a directory"}
}

// syncDir: a directory cannot be synced there; NTFS journals its names.
func syncDir(string) error { return nil }
