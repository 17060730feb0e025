package codec

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"sightline/screen"
)

// Limits of the zstd decoder (SECURITY-DESIGN section 11).
const (
	maxWindow    = 8 << 20
	maxDecoderMB = 64 << 20
)

// newPacker makes a zstd encoder for EncodeAll. It starts no goroutine.
func newPacker() *zstd.Encoder {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(screen.MaxCursor*screen.MaxCursor*screen.BytesPerPixel), // nothing longer is ever packed
		zstd.WithEncoderCRC(false),                                                  // the stream is sealed end to end
		zstd.WithLowerEncoderMem(true),
	)
	if err != nil {
		panic("codec: zstd options: " + err.Error()) // constants above
	}
	return e
}

// newUnpacker makes a zstd decoder for DecodeAll that never writes beyond the
// capacity it is given. It starts no goroutine.
func newUnpacker() *zstd.Decoder {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow),
		zstd.WithDecoderMaxMemory(maxDecoderMB),
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderLowmem(true),
	)
	if err != nil {
		panic("codec: zstd options: " + err.Error()) // constants above
	}
	return d
}

// unpack fills dst exactly from one packed body. dst's size was checked by the
// caller; a stream that is longer or shorter is malformed.
func unpack(d *zstd.Decoder, dst, src []byte) error {
	got, err := d.DecodeAll(src, dst[:0:len(dst)])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(got) != len(dst) {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrMalformed, len(got), len(dst))
	}
	return nil
}
