// Package codec turns damage into bytes and bytes into pixels, without loss.
//
// An Encoder keeps, for each picture, a reference: the pixels that the viewer
// has. It looks at the damaged tiles of 16 x 16 px only, codes those that
// really differ from the reference, each in the cheapest of a few ways, and
// packs the result with zstd. A Decoder applies such messages to frames of its
// own. There is no state between messages but the pixels: what is lost or
// refused never spoils the entropy coding of what follows.
//
// The package is not a transport (peer/wire frames the messages) and not a
// pacer (peer/pace says how many bytes the next message may cost).
//
// # Update, version 1
//
// Numbers are little endian. One message updates one picture.
//
//	 0  u8   version, 1
//	 1  u8   flags: 1 fresh, 2 check, 4 moves; others zero
//	 2  u8   picture
//	 3  u8   zero
//	 4  u32  sequence: 0 in a fresh message, then one more with each message
//	         of the picture
//	 8  u16  width of the picture, px
//	10  u16  height, px
//	12  u16  number of slices, at most 4096
//	14  u16  zero
//	--  check, if flagged
//	     u16  first row of the band, px
//	     u16  rows in the band, at least 1
//	     u32  CRC-32C of the band's pixels (B G R X, row by row) after this
//	          message was applied
//	--  moves, if flagged
//	     u16  number of moves, 1 to 4096
//	     each 6 x u16: to x, to y, width, height, from x, from y
//	--  slices, to the end of the message
//	     u32  size of the body, 1 byte to 1 MiB
//	     u32  size of what follows; equal to the body's size: the body as it
//	          is, less: one zstd frame
//	     ...
//
// Fresh: the viewer starts this picture anew, black and of the size given.
// Moves are applied one after the other before the slices, all within the
// picture. The body of a slice names tiles and then lists their contents, kind
// by kind, which is what makes like lie beside like for zstd:
//
//	u16  number of runs, 1 to 4096
//	     each: u16 tile row, u16 first tile column, u16 number of tiles
//	u8   for each tile of each run, in that order, its kind:
//	       0       as it was
//	       1       one colour
//	       2..16   a palette of so many colours
//	       17      raw
//	...  3 bytes B G R for each colour of each tile of kind 1..16
//	...  for each tile of kind 2..16 its palette indices, row by row, first
//	     pixel in the low bits: 1 bit each for 2 colours, 2 bits for 3 or 4,
//	     4 bits for more; each row is filled up to a byte
//	...  3 bytes B G R for each pixel of each tile of kind 17, row by row
//
// Tiles at the right and lower edge are as small as the picture makes them. A
// message names no more than twice as many tiles as the picture has (an
// encoder may go over it twice: first what is urgent, then the rest).
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
	// ErrDesync means that the two ends no longer agree about a picture: a
	// message is missing, or the check failed. Nothing more can be decoded for
	// that picture until the host starts it afresh (Encoder.Reset).
	ErrDesync = errors.New("picture out of step with the host")
	// ErrMalformed means bytes that no encoder makes.
	ErrMalformed = errors.New("malformed picture data")
)

// Budget says what one message may cost. The zero value sets no limit but
// MaxMessage.
type Budget struct {
	Bytes int             // of the message; 0: no limit. Some 800 bytes are always spent, so that each message gets on
	CPU   time.Duration   // 0: no limit. Looked at once per row of tiles
	First image.Rectangle // what to send first, px of the picture; may be empty
	Idle  bool            // nothing else is going on; a lossless encoder has nothing to refine and ignores it
}

// Encoder turns changes into messages for one viewer. Not safe for concurrent
// use.
type Encoder interface {
	// Encode appends a message that brings the viewer's picture up to c.Frame
	// within c.Damage. If nothing differs msg is dst as it was. rest is the
	// damage the budget left over, to be added to that of the next call; it
	// belongs to the encoder and is valid until then. The frame is read during
	// the call only; its X bytes are zero, or their tiles are sent each time.
	// A Layout in c makes the encoder forget the pictures that are gone; give it
	// each one, with or without a frame.
	//
	// The first message of a picture, and the first after Reset or a change of
	// size, codes the whole frame whatever c.Damage says.
	Encode(dst []byte, c *screen.Change, b Budget) (msg []byte, rest screen.Region, err error)
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
	version    = 1
	headerSize = 16
	checkSize  = 8
	moveSize   = 12
	sliceHead  = 8
	runSize    = 6

	flagFresh = 1
	flagCheck = 2
	flagMoves = 4

	maxSlices = 4096
	// maxBody of a slice: small enough to stay in the cache and to bound the
	// decoder's scratch, large enough that zstd loses nothing by starting anew.
	maxBody = 1 << 20
)
