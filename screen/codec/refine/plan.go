package refine

// A plan lists the pixels that a value of one colour is predicted from. Each is
// taken relative to a base of its own colour, so that weights do not depend on
// how bright the place is.
type plan struct {
	taps  []tap
	bases []int // relative index; the first is of the colour to be predicted
}

// tap is a pixel: its index relative to the one to be predicted, and its base.
type tap struct{ at, base int }

const (
	maxTaps  = 14
	maxBases = 3

	west, north, east, south = -1, -stride, 1, stride
	here                     = 0
	lossyPlanes              = channels * plane // from an exact pixel to its lossy version
)

// plans without and with a lossy version, of each colour.
var plans = [2][channels]plan{
	{
		makePlan([]group{{0, west, []int{north, north + west, north + east, 2 * west, 2 * north}}}),
		makePlan([]group{
			{0, west, []int{north, north + west, north + east}},
			{-plane, west, []int{here, north, north + west, north + east}},
		}),
		makePlan([]group{
			{0, west, []int{north, north + west, north + east}},
			{-2 * plane, west, []int{here, north, north + west}},
			{-plane, west, []int{here, north, north + west}},
		}),
	},
	{
		makePlan([]group{{lossyPlanes, here, []int{
			west - lossyPlanes, north - lossyPlanes, north + west - lossyPlanes, north + east - lossyPlanes,
			west, north, east, south}}}),
		makePlan([]group{
			{lossyPlanes, here, []int{
				west - lossyPlanes, north - lossyPlanes, north + west - lossyPlanes, north + east - lossyPlanes,
				west, north}},
			{lossyPlanes - plane, here, []int{
				here - lossyPlanes, west - lossyPlanes, north - lossyPlanes,
				west, north}},
		}),
		makePlan([]group{
			{lossyPlanes, here, []int{
				west - lossyPlanes, north - lossyPlanes, north + west - lossyPlanes, north + east - lossyPlanes,
				west, north}},
			{lossyPlanes - 2*plane, here, []int{here - lossyPlanes, west - lossyPlanes, north - lossyPlanes}},
			{lossyPlanes - plane, here, []int{here - lossyPlanes, west - lossyPlanes, north - lossyPlanes}},
		}),
	},
}

// group is the taps that share a base.
type group struct {
	from int // the plane, relative to that of the value to be predicted
	base int // relative to from, as the taps are
	taps []int
}

func makePlan(groups []group) (p plan) {
	for i, g := range groups {
		p.bases = append(p.bases, g.from+g.base)
		for _, at := range g.taps {
			p.taps = append(p.taps, tap{g.from + at, i})
		}
	}
	return p
}
