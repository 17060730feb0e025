// Package pict codes tiles of 16 x 16 px that show photos, films and the like,
// with loss: prediction in place and in time, an integer transform, an
// adaptive range coder, and a choice among the ways by error and bits.
//
// It is not for text (package text is exact) and knows neither damage nor
// budgets over time: the caller says which tiles, how finely, and in about how
// many bytes. All arithmetic that reaches a pixel is integer and alike on all
// machines, for both ends predict from what they decoded before.
//
// # Samples
//
// A picture is kept as three planes Y, Cb, Cr, whose sides are rounded up to whole
// tiles; beyond the picture's end the last column and row of pixels go on. Chroma
// is of full resolution (kern.ToYCC444) or thin, of half of it in both directions
// (kern.ToYCC): each body says which. There are two sets of planes: old, the
// picture before the body, from which motion is predicted, and now, the one
// being made, from which intra prediction is made. A tile that the body does
// not change is the same in both.
//
// Others write to the picture, too (exact tiles, moves). Both ends are told
// where (Touched); such tiles are stale and their planes are made again from
// the pixels before they are next referred to. Work that has nothing to do
// with pictures therefore costs nothing here. Where chroma becomes thin, or
// is so no longer, all tiles are stale.
//
// # Body
//
// A body is one number of the range coder (package rc). In it, in order:
//
//	set     the tiles, by grid.Coder
//	thin    1 bit, unmodelled: 1: chroma is thin
//	qp      6 bits, unmodelled: the QP, 0 to 51
//	rows    for each row of tiles that has some:
//	          end    1: this row and those below are left as they are; no more
//	          delta  rc.Signed: added to the QP, which stays within 0 to 51
//	          tiles  of the set, from left to right
//
// A tile:
//
//	skip    1: no levels. If the foretold vector is not zero:
//	          still  1: not a sample changes, 0: moved by the foretold vector
//	        (if it is zero the tile is still)
//	intra   if not skip
//	          1: modes of four 8 x 8 luma blocks, each:
//	               1: as the block to the left, or
//	               0 and, if that above has another, 1: as the block above, or
//	               0 and the mode, a tree of 3 bits
//	          0: same  1: moved by the foretold vector, or
//	                   0 and what is added to it, x and y, rc.Signed, in
//	                   quarter samples; the sum is within -1020 to 1020
//	full    if not skip, and chroma is not thin: 1: chroma levels of full resolution
//	chroma  if intra and not full: mode of both chroma planes, a tree of 3 bits
//	coded   if not skip: for each block, whether it has levels
//	levels  of each block that has; before them, if the block is of luma, or full:
//	          small  1: four transforms of 4 x 4, 0: one of 8 x 8
//
// The blocks are four of luma, in reading order, and then one of Cb and one of
// Cr of half the resolution, or, if full, four of Cb and four of Cr. A block of half
// resolution is added to two by two samples each, or, where chroma is thin, to one.
//
// The foretold vector is the median of those of the tiles to the left, above
// and to the upper right (upper left where that is missing) if they are of this
// body and not intra; of one or two the first.
//
// Luma blocks, and chroma if full, are predicted one after the other from the
// samples around them (see border and its modes); chroma of half resolution
// as 16 x 16 samples (see wide), or as 8 x 8 like luma where it is thin. Motion
// takes the planes through kern.MC16, and thin chroma through kern.MCChroma; outside
// the planes their border goes on.
//
// # Levels
//
// A block's 64 levels are numbered along diagonals (scan). First comes the
// number of levels up to the last that is not zero, less one, as n: its length in
// bits, 0 to 6, in unary, then the bits below the highest, of which the first
// three are modelled. Then from the last to the first level: is it zero (not asked of the
// last)? more than one? more than two? more than 3, 4, ... 14? and what is left, an
// rc.Number. What each decision expects depends on the frequency and on the
// sizes of the five levels of higher frequency next to it. The signs of all
// follow, unmodelled. A level is at most 4095. Of four small transforms like
// frequencies lie side by side (mixed), the rest is as for one large.
//
// Levels times the step of the QP, 2^((QP-4)/6) (times 8, rounded: steps), are
// the coefficients of kern.IDCT8 and IDCT4x4. Chroma of half resolution, of which a sample
// stands for four, has a QP 5 (Cb) and 4 (Cr) lower.
//
// # Afterwards
//
// When all tiles are made, the edges of those that changed are smoothed (kern.DeblockV,
// DeblockH; limits by QP) in luma, tile by tile, vertical edges first. An edge
// between 8 x 8 blocks is smoothed where one side is intra, has levels, or moves a
// sample or more unlike the other. Samples of tiles that are still, or not of the
// body, stay. Then the tiles that changed are shown (kern.FromYCC444, or FromYCC).
//
// What is learned lasts from body to body until Forget.
package pict
