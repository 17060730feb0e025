//go:build !linux

package pict

import "time"

var begun = time.Now()

// cpuTime is the wall clock where there is no better.
func cpuTime() time.Duration { return time.Since(begun) }
