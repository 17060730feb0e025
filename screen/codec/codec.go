// Package codec turns damage into bytes and bytes into pixels.
//
// An Encoder keeps, for each picture, the pixels that the viewer has. It looks
// at the damaged tiles of 16 x 16 px only, finds what was merely moved
// (codec/motion), and sorts the tiles that really differ: what looks like text
// is coded without loss by what was learned of the screen so far (codec/text);
// what looks like a photograph or a film is coded with loss (codec/pict) and,
// once it stands still, brought to exactness (codec/refine or codec/text). A
// picture that rests is always exact in the end.
//
// The package is not a transport (peer/wire frames the messages) and not a
// pacer (peer/pace says how many bytes the next message may cost).
//
// # Update, version 3
//
// A message updates one picture. Both ends learn from every message, so none
// may be lost or change its place; a sequence number and now and then a
// checksum show it, and a message that forgets begins anew.
//
//	u8  flags: 1 fresh, 2 forget; others zero
//	u8  picture
//	u8  sequence: one more with each message of the picture, modulo 256
//	    in a fresh message only:
//	    u8   version, 3
//	    u16  width of the picture in px, little endian
//	    u16  height
//	    sections, until the message ends:
//	    u8       kind; 128 added: it is the last and has no size
//	    uvarint  size of the body in bytes
//	    ...      body
//
// Fresh: the viewer starts this picture, black and of the size given. Forget:
// everything that was learned, of all pictures, is as at the beginning; pixels
// stay; the sequence of each picture goes on with whatever number comes. A
// message names each tile at most once, moves aside. Kinds, applied in the
// order in which they come:
//
//	1  moves: uvarint number of moves, at most 256; each 6 uvarint: to x, to y,
//	   width, height, from x, from y; one after the other, all within the
//	   picture; those of one message move at most four times its pixels
//	2  text: one body of the range coder (codec/rc) that holds a set of tiles
//	   (codec/grid, coded tile by tile). After the flags of each 16 columns of a
//	   row come the runs of tiles among them, each as one rectangle, by
//	   codec/text
//	3  film: a body of codec/pict
//	4  exact: a set of tiles likewise, and after each tile's flag one bit,
//	   whether it was coded with loss before, and the tile, by codec/refine
//	5  check: u16 first row of a band, u16 rows, at least 1, u32 CRC-32C of the
//	   band's pixels (B G R X, row by row) as they are now, little endian
//
// # Cursor, version 1
//
//	0  u8   version, 1
//	1  u8   0: pixels as they are, 1: one zstd frame
//	2  u16  width, height, hot x, hot y
//	10 ...  4 bytes B G R A for each pixel, premultiplied
package codec

import (
	"errors"
	"image"
	"time"

	"sightline/screen"
)

// MaxMessage is the largest update in bytes (SECURITY-DESIGN section 11).
const MaxMessage = 16 << 20

var (
	// ErrDesync means that the two ends no longer agree: a message is missing, or
	// the check failed. Nothing more can be decoded until the host starts afresh
	// (Encoder.Reset).
	ErrDesync = errors.New("picture out of step with the host")
	// ErrMalformed means bytes that no encoder makes.
	ErrMalformed = errors.New("malformed picture data")
)

// Budget says what one message may cost. The zero value sets no limit but
// MaxMessage.
type Budget struct {
	Bytes int             // of the message; 0: no limit. Some hundred bytes are always spent, so that each message gets on
	CPU   time.Duration   // 0: no limit
	First image.Rectangle // what to send first, px of the picture; may be empty
	Idle  bool            // nothing else is going on: bring what was coded with loss to exactness
}

// Encoder turns changes into messages for one viewer, or for several in step.
// Not safe for concurrent use.
type Encoder interface {
	// Encode appends a message that brings the viewer's picture up to c.Frame
	// within c.Damage. If there is nothing to say msg is dst as it was. rest is
	// the damage the budget left over, to be added to that of the next call; it
	// belongs to the encoder and is valid until then. The frame is read during
	// the call only; its X bytes are zero, or their tiles are sent each time.
	// A Layout in c makes the encoder forget the pictures that are gone; give it
	// each one, with or without a frame.
	//
	// The first message of a picture, and the first after Reset or a change of
	// size, codes the whole frame whatever c.Damage says.
	//
	// With b.Idle and no damage it codes again, without loss, some of what has
	// stood still for a while; c.Frame must show what it showed last. No message
	// while Exact is false means that it is too early: try again soon.
	Encode(dst []byte, c *screen.Change, b Budget) (msg []byte, rest screen.Region, err error)
	// Exact tells whether the viewer's picture equals what was coded of it, to
	// the pixel. A picture it knows nothing of is.
	Exact(id screen.PictureID) bool
	// Reset forgets what the viewer has: its next message starts each picture
	// afresh.
	Reset()
}

// Decoder applies messages. Not safe for concurrent use.
type Decoder interface {
	// Decode returns the picture that msg was about, and where it changed. The
	// frame and the region belong to the decoder and are valid until the next
	// call. Errors wrap ErrDesync or ErrMalformed.
	Decode(msg []byte) (screen.PictureID, *screen.Frame, screen.Region, error)
}

const (
	version    = 3
	headerSize = 3
	freshSize  = headerSize + 5

	flagFresh  = 1
	flagForget = 2

	kindMoves = 1
	kindText  = 2
	kindFilm  = 3
	kindExact = 4
	kindCheck = 5
	lastKind  = 0x80

	maxMoves    = 256
	maxSections = 16
	checkSize   = 8
)
