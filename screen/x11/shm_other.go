//go:build !linux

package x11

import "errors"

// segment is shared memory; there is none here that every X server takes, and
// pictures travel through the socket.
type segment struct {
	id  int
	pix []byte
}

func newSegment(int) (*segment, error) { return nil, errors.New("no shared memory on this platform") }
func (*segment) discard()              {}
func (*segment) detach()               {}
