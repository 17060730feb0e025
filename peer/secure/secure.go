// Package secure proves that a viewer knows the code of a session and seals
// what the two machines say afterwards, end to end. It stands on an
// authenticated connection (libp2p) and does not trust it: relay, directory
// and that connection may all be hostile. It opens no connections, asks nobody
// for consent and knows no grants.
//
// # Handshake on one stream
//
// Every message is u16 big endian length | body, of exactly the length below.
//
//	     viewer                                  host
//	M1   SLP1 ver mode suite flags number nonceV ──►                     32
//	M2                      ◄── status wait profile salt nonceH          38
//	M3   shareP ──►                               (charged here)         65
//	M4                                        ◄── shareV confirmV        97
//	M5   confirmP noise1 ──►                                             80
//	M6                                        ◄── noise2(cert_H, sH)    225
//	M7   noise3(cert_V, sV) ──►               (charge given back)       193
//
// M3..M5 are SPAKE2+ (RFC 9383) on the secret; its key goes as psk into
// Noise_XXpsk3, which adds forward secrecy and a second proof of both libp2p
// identities. Resumption (mode 4) has its key already: M3, M4 and confirmP are
// absent. What follows M7 on the same stream are records of the control channel.
//
// # Streams and records
//
// Every further stream begins in clear and goes on in records:
//
//	sid[8] | type u8 | num u32        num: viewer 2, 4, 6 …  host 1, 3, 5 …
//	u16 n | ciphertext (n bytes)      17 <= n <= 65,535
//	        └ plaintext: type u8 | body                     type 0 FIN, 1 data
//	          padded channels: type u8 | u16 length | body | zeros to 64
//
// A record that does not decrypt ends the whole session; a stream that ends
// without FIN ends with ErrTruncated and the session lives on.
//
// Lengths in this package are bytes, numbers on the wire big endian.
package secure

import (
	"errors"
	"io"
	"time"

	"sightline/peer/invite"
)

// Stream is what a session runs on: one ordered, reliable stream of bytes
// between the two machines. libp2p's streams satisfy it.
type Stream interface {
	io.ReadWriteCloser             // Close ends both directions and lets written bytes go out
	CloseWrite() error             // the other side reads io.EOF after what was written
	Reset() error                  // ends both directions at once; also wakes blocked calls
	SetDeadline(t time.Time) error // of reads and writes; zero means none
}

// Errors that callers may test for with errors.Is. None carries a secret.
var (
	// ErrWrongCode: the other side does not know the secret. On the host it
	// also covers a viewer who left when he saw the answer to his guess.
	ErrWrongCode = errors.New("wrong code")
	// ErrClosed: the host has no session open under that number (or this one
	// is used, burnt or expired).
	ErrClosed = errors.New("no such session, or it is closed")
	// ErrModeOff: the host does not offer this way to come in.
	ErrModeOff = errors.New("the host does not offer this way in")
	// ErrBusy: the host has as many strangers at the door as it allows.
	ErrBusy = errors.New("the host is busy")
	// ErrVersion: the two programs speak different protocols.
	ErrVersion = errors.New("the other side speaks another version of the protocol")
	// ErrAgain: the host hung up before it answered the guess. Nothing about
	// the guess was revealed, the viewer may start again with a new stream.
	ErrAgain = errors.New("the host hung up before its answer")
	// ErrTampered: bytes that the other side cannot have sent. In a session
	// it is the end of all its streams.
	ErrTampered = errors.New("data was tampered with")
	// ErrProtocol: a message that has no place here.
	ErrProtocol = errors.New("protocol violation")
	// ErrTruncated: the stream ended without the sender's FIN.
	ErrTruncated = errors.New("stream was cut off")
	// ErrWrongPeer: the key behind the handshake is not the one that libp2p
	// connected to, or not an Ed25519 key at all.
	ErrWrongPeer = errors.New("the other side is not the peer that was connected")
	// ErrReused: a stream number that was used before or is too old.
	ErrReused = errors.New("stream number was used before")
	// ErrEnded: the session was closed on this side.
	ErrEnded = errors.New("the session has ended")
)

// WaitError: too many wrong codes; the host takes the next one after For.
// Waiting costs no attempt.
type WaitError = invite.WaitError
