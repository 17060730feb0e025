package ctl

import "os"

// checkOwner leaves the work to the access list that the directory inherits
// from the user's profile; mode bits mean nothing here.
func checkOwner(string, os.FileInfo) error { return nil }

// processLives opens the process, which works only while it exists.
func processLives(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return p.Release() == nil
}
