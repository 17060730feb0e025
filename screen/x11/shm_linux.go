package x11

import (
	"golang.org/x/sys/unix"
)

// segment is shared memory of the System V kind: MIT-SHM's other kind passes
// a file descriptor, which xgb cannot send.
type segment struct {
	id  int
	pix []byte
}

// newSegment makes n bytes that only this user's processes (and root's) can
// attach. It lives until discard and the last detach, whoever is killed.
func newSegment(n int) (*segment, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, n, unix.IPC_CREAT|0o600)
	if err != nil {
		return nil, err
	}
	pix, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		return nil, err
	}
	return &segment{id: id, pix: pix[:n]}, nil
}

// discard marks the segment for removal. Linux lets others attach for as long
// as somebody is attached, so it is done at once and no kill leaves it behind.
func (s *segment) discard() { unix.SysvShmCtl(s.id, unix.IPC_RMID, nil) }

func (s *segment) detach() {
	if s != nil && s.pix != nil {
		unix.SysvShmDetach(s.pix[:cap(s.pix)])
		s.pix = nil
	}
}
