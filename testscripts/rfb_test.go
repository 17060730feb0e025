//go:build linux

package testscripts

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// vncViewer is as much of a VNC viewer (RFC 6143) as has hands: no pictures.
type vncViewer struct {
	conn net.Conn
	size [2]uint16 // of what the server shares
}

// dialVNC shakes hands with a server that asks for no password.
func dialVNC(t testing.TB, addr string) *vncViewer {
	t.Helper()
	v := &vncViewer{}
	eventually(t, "a VNC server answers at "+addr, func() bool {
		var err error
		v.conn, err = net.Dial("tcp", addr)
		return err == nil
	})
	t.Cleanup(func() { v.conn.Close() })
	v.conn.SetDeadline(time.Now().Add(patience))
	if err := v.shake(); err != nil {
		t.Fatalf("VNC: %v", err)
	}
	go io.Copy(io.Discard, v.conn)
	return v
}

func (v *vncViewer) shake() error {
	const version, none, shared = "RFB 003.008\n", 1, 1
	var hello [len(version)]byte
	if _, err := io.ReadFull(v.conn, hello[:]); err != nil {
		return err
	}
	v.conn.Write([]byte(version))
	var count [1]byte
	if _, err := io.ReadFull(v.conn, count[:]); err != nil {
		return err
	}
	kinds := make([]byte, count[0])
	if _, err := io.ReadFull(v.conn, kinds); err != nil {
		return err
	}
	v.conn.Write([]byte{none})
	var result [4]byte
	if _, err := io.ReadFull(v.conn, result[:]); err != nil {
		return err
	}
	if result != [4]byte{} {
		return fmt.Errorf("refused, it offers security types %v", kinds)
	}
	v.conn.Write([]byte{shared})
	var init [24]byte
	if _, err := io.ReadFull(v.conn, init[:]); err != nil {
		return err
	}
	v.size = [2]uint16{binary.BigEndian.Uint16(init[0:]), binary.BigEndian.Uint16(init[2:])}
	name := make([]byte, binary.BigEndian.Uint32(init[20:]))
	_, err := io.ReadFull(v.conn, name)
	return err
}

func (v *vncViewer) pointer(buttons byte, x, y uint16) {
	const pointerEvent = 5
	v.conn.Write(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{pointerEvent, buttons}, x), y))
}

func (v *vncViewer) click(x, y uint16) {
	v.pointer(0, x, y)
	v.pointer(1, x, y)
	v.pointer(0, x, y)
}

// write types what needs no Shift.
func (v *vncViewer) write(text string) {
	const keyEvent = 4
	for _, r := range text {
		sym := uint32(r)
		if r == '\n' {
			sym = enter
		}
		for _, down := range []byte{1, 0} {
			v.conn.Write(binary.BigEndian.AppendUint32([]byte{keyEvent, down, 0, 0}, sym))
		}
	}
}
