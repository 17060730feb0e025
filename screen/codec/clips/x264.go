package clips

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"sightline/screen"
)

// ErrNoFFmpeg says that a comparison needs ffmpeg with libx264. Benchmarks
// skip with it; no test asks for it.
var ErrNoFFmpeg = errors.New("ffmpeg with libx264 is not installed")

// CRFs are the three qualities of x264 that we compare with.
var CRFs = [3]int{18, 23, 28}

// Peer is what x264 made of a clip.
type Peer struct {
	Point
	Worst float64       // PSNR of the worst frame, dB
	Key   int           // bytes of the first frame alone
	CPU   time.Duration // of coding all frames, without reading and conversion
}

// Curve is x264's at CRFs, for Ratio.
func Curve(peers []Peer) []Point {
	points := make([]Point, len(peers))
	for i, p := range peers {
		points[i] = p.Point
	}
	return points
}

// X264 codes a clip with libx264, preset ultrafast, tune zerolatency, 4:2:0,
// one thread, at each of CRFs, decodes that and compares with the clip. It keeps
// the clip in memory meanwhile (Record).
func X264(ctx context.Context, c *Clip) ([]Peer, error) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoFFmpeg, err)
	}
	dir, err := os.MkdirTemp("", "x264")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r, err := c.Record()
	if err != nil {
		return nil, err
	}
	idle, err := encode(ctx, r, "-f", "null", "-pix_fmt", "yuv420p", "-c:v", "wrapped_avframe", "-")
	if err != nil {
		return nil, err
	}
	var peers []Peer
	for _, crf := range CRFs {
		p, err := x264(ctx, r, crf, dir)
		if err != nil {
			return nil, fmt.Errorf("x264 of %s at crf %d: %w", c.Name, crf, err)
		}
		p.CPU = max(0, p.CPU-idle)
		peers = append(peers, p)
	}
	return peers, nil
}

// scaler asks ffmpeg to convert colours as well as it can, to be fair.
const scaler = "bicubic+accurate_rnd+full_chroma_inp+full_chroma_int"

func x264(ctx context.Context, r *Recording, crf int, dir string) (p Peer, err error) {
	options := func(file string) []string {
		return []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", strconv.Itoa(crf),
			"-x264-params", "threads=1:annexb=1", "-threads", "1", "-pix_fmt", "yuv420p", "-f", "h264", "-y", file}
	}
	all, first := filepath.Join(dir, "all.h264"), filepath.Join(dir, "first.h264")
	if _, err = encode(ctx, r.head(), options(first)...); err != nil {
		return p, err
	}
	if p.CPU, err = encode(ctx, r, options(all)...); err != nil {
		return p, err
	}
	if p.Key, err = size(first); err != nil {
		return p, err
	}
	if p.Bytes, err = size(all); err != nil {
		return p, err
	}
	var q Quality
	err = decode(ctx, r, all, func(f, g *screen.Frame) error { q.Add(f, g); return nil })
	p.PSNR, p.Worst = q.PSNR(), q.Worst()
	return p, err
}

func size(file string) (int, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}

func rawFormat(c *Clip) []string {
	return []string{"-f", "rawvideo", "-pix_fmt", "bgr0", "-s", fmt.Sprintf("%dx%d", c.Size.X, c.Size.Y), "-r", strconv.Itoa(c.FPS)}
}

// encode pipes a clip into ffmpeg and tells what CPU that took.
func encode(ctx context.Context, r *Recording, output ...string) (time.Duration, error) {
	args := append([]string{"-nostdin", "-loglevel", "error", "-threads", "1", "-filter_threads", "1", "-sws_flags", scaler}, rawFormat(r.Clip)...)
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, "-i", "pipe:0", "-sws_flags", scaler), output...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	played := r.Play(func(f *screen.Frame, _ screen.Region) error {
		_, err := in.Write(f.Pix)
		return err
	})
	in.Close()
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("ffmpeg: %w: %s", err, said.Bytes())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), played
}

// decode has ffmpeg decode a file and shows each frame of the clip with what came back.
func decode(ctx context.Context, r *Recording, file string, show func(f, g *screen.Frame) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-loglevel", "error", "-i", file, "-sws_flags", scaler, "-f", "rawvideo", "-pix_fmt", "bgr0", "pipe:1")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var back *screen.Frame
	err = r.Play(func(f *screen.Frame, _ screen.Region) error {
		if back == nil {
			back = screen.NewFrame(f.Rect)
		}
		if _, err := io.ReadFull(out, back.Pix); err != nil {
			return fmt.Errorf("read what ffmpeg decoded: %w", err)
		}
		return show(f, back)
	})
	if err != nil {
		cancel()
	}
	if e := cmd.Wait(); err == nil && e != nil {
		err = fmt.Errorf("ffmpeg: %w: %s", e, said.Bytes())
	}
	return err
}

// Player makes a clip look like what a video player puts on a screen: coded
// with x264 (preset fast, crf 23) and decoded again. The frames are kept in dir
// and do not repeat exactly with other versions of x264: for benchmarks only.
func Player(ctx context.Context, c *Clip, dir string) (*Clip, error) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoFFmpeg, err)
	}
	r, err := c.Record()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, c.Name+".h264")
	if _, err := encode(ctx, r, "-c:v", "libx264", "-preset", "fast", "-crf", "23", "-threads", "1", "-pix_fmt", "yuv420p", "-f", "h264", "-y", file); err != nil {
		return nil, err
	}
	p := *c
	p.Name, p.About, p.fixed = c.Name+"-played", c.About+"; as a player shows it", true
	p.open = func(c *Clip) (painter, error) { return openPlayer(ctx, c, file) }
	return &p, nil
}

// player paints what ffmpeg decodes.
type player struct {
	cmd *exec.Cmd
	out io.Reader
	end context.CancelFunc
}

func openPlayer(ctx context.Context, c *Clip, file string) (painter, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-loglevel", "error", "-i", file, "-sws_flags", scaler, "-f", "rawvideo", "-pix_fmt", "bgr0", "pipe:1")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &player{cmd, out, cancel}, nil
}

func (p *player) paint(f *screen.Frame, _ int) error {
	if _, err := io.ReadFull(p.out, f.Pix); err != nil {
		return err
	}
	for i := 3; i < len(f.Pix); i += 4 {
		f.Pix[i] = 0
	}
	return nil
}

// Close ends ffmpeg, which may have frames left.
func (p *player) Close() error {
	p.end()
	p.cmd.Wait() // ended by us: what it says does not matter
	return nil
}
