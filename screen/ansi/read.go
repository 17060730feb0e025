package ansi

import (
	"image"
	"sync"
	"time"

	"sightline/screen"
)

// read is the goroutine that turns input and changes of size into events until
// Close or until the terminal is gone, which asks for the end.
func (w *Window) read() {
	chunks, used := make(chan []byte), make(chan struct{})
	var feeder sync.WaitGroup
	feeder.Go(w.guarded(func() { w.feed(chunks, used) }))
	defer feeder.Wait()

	w.mu.Lock()
	size := w.dotsLocked()
	w.mu.Unlock()
	w.emit(screen.Resize{Size: size, Visible: true})

	escape := time.NewTimer(escapeWait)
	escape.Stop()
	for {
		select {
		case b, more := <-chunks:
			if !more {
				w.emit(screen.AskEnd)
				return
			}
			w.resize()
			w.parser.feed(b, w.take)
			select {
			case used <- struct{}{}:
			case <-w.done:
			}
			escape.Stop()
			if w.parser.waiting() {
				escape.Reset(escapeWait)
			}
		case <-escape.C:
			w.parser.flush(w.take)
		case <-w.tty.resized():
			w.resize()
		case <-w.done:
			for range chunks { // the feeder ends when its Read is cancelled
			}
			return
		}
	}
}

// feed hands over what the terminal says, piece by piece, and waits for each
// to be used, as it goes on in the same memory.
func (w *Window) feed(chunks chan<- []byte, used <-chan struct{}) {
	defer close(chunks)
	buf := make([]byte, 4096)
	for {
		n, err := w.tty.Read(buf)
		if n > 0 {
			select {
			case chunks <- buf[:n]:
			case <-w.done:
				return
			}
			select {
			case <-used:
			case <-w.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// resize looks whether the terminal has another size.
func (w *Window) resize() {
	w.mu.Lock()
	changed := w.measureLocked()
	size := w.dotsLocked()
	w.mu.Unlock()
	if changed {
		w.wakeUp()
		w.emit(screen.Resize{Size: size, Visible: true})
	}
}

// emit waits until there is room for the event, or drops it on Close.
func (w *Window) emit(e screen.Event) {
	select {
	case w.events <- e:
	case <-w.done:
	}
}

// take acts on one token.
func (w *Window) take(t token) {
	w.mu.Lock()
	w.hand.viewOnly = w.state.ViewOnly
	w.mu.Unlock()
	if c := w.hand.take(t, w.place, w.emit); c != cmdNone {
		w.obey(c)
	}
}

// place tells what is behind the middle of a cell.
func (w *Window) place(cell image.Point) place {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, in := w.view.picturePoint(image.Pt(cell.X, 2*cell.Y+1))
	return place{
		any: !w.view.src.Empty(), id: w.shown, at: at,
		in: in && cell.Y < w.size.Y-1, // the status line is not the picture
	}
}

// obey carries out a command of the menu.
func (w *Window) obey(c command) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.status = w.hand.asked, true
	defer w.wakeUp()
	if c == cmdMenu {
		return
	}
	src := w.view.src
	pan := image.Pt(max(1, src.Dx()/4), max(1, src.Dy()/4))
	w.centre = src.Min.Add(src.Size().Div(2))
	switch c {
	case cmdZoomIn:
		w.zoomLocked(w.zoom + 1)
	case cmdZoomOut:
		w.zoomLocked(w.zoom - 1)
	case cmdFit:
		w.zoom = 0
	case cmdLeft:
		w.centre.X -= pan.X
	case cmdRight:
		w.centre.X += pan.X
	case cmdUp:
		w.centre.Y -= pan.Y
	case cmdDown:
		w.centre.Y += pan.Y
	case cmdNext:
		w.nextLocked()
	}
	w.placeLocked()
}

// zoomLocked zooms such that what is under the pointer stays there.
func (w *Window) zoomLocked(zoom int) {
	p, ok := w.layout.Find(w.shown)
	old := w.view.src
	if !ok || old.Empty() {
		return
	}
	w.zoom = min(max(zoom, 0), oneToOne(p.Rect.Size(), w.dotsLocked()))
	if !w.hand.seen || w.hand.picture != w.shown || !w.hand.at.In(old) {
		return
	}
	size := viewOf(p.Seen(), w.dotsLocked(), w.zoom, w.centre).src.Size()
	in := w.hand.at.Sub(old.Min)
	in = image.Pt(in.X*size.X/old.Dx(), in.Y*size.Y/old.Dy())
	w.centre = w.hand.at.Sub(in).Add(size.Div(2))
}

// nextLocked looks at the next picture of the layout.
func (w *Window) nextLocked() {
	if w.layout == nil || len(w.layout.Pictures) < 2 {
		return
	}
	i := (w.indexLocked() + 1) % len(w.layout.Pictures)
	w.showLocked(w.layout.Pictures[i].ID)
}
