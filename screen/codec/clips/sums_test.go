package clips

// sums are those of the first four frames of generated clips at 301 x 187 px.
var sums = map[string]uint32{
	"camera-detail": 0x4e880453,
	"camera":        0xf3b71a66,
	"camera-tripod": 0xe1e350ba,
	"camera-grain":  0xa7e6fb9f,
	"panned":        0xc2844ef3,
	"synthetic":     0xa7ce1bbd,
	"mandelbrot":    0x110ed9ff,
	"slides":        0x6de666f2,
	"video-window":  0x95eeb43f,
	"page":          0x1dc128e6,
	"pages":         0xa9e26acf,
	"other-plot":    0x5b456559,
	"other-map":     0xb8185536,
	"other-log":     0x01c3de1c,
	"other-editor":  0x1cad945c,
	"other-symbols": 0x73435efe,
	"other-fade":    0x56e91241,
	"other-lcd":     0x52d35e0f,
}
