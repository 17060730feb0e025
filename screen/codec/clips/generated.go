package clips

import "image"

// generated lists what is painted on demand.
func generated() []*Clip {
	size := image.Pt(1920, 1080)
	list := []*Clip{
		{Name: "camera", About: "hand-held camera: pan, zoom, moving things, light that changes, little noise", open: openCamera(handheld)},
		{Name: "camera-tripod", About: "camera that stands: still background with noise, people pass", open: openCamera(tripod)},
		{Name: "camera-detail", About: "hand-held camera over leaves and petals: detail and noise everywhere", open: openCamera(detailed)},
		{Name: "camera-grain", About: "night and film grain", open: openCamera(grainy)},
		{Name: "panned", About: "a photo is panned and zoomed, without noise", open: openCamera(panned)},
		{Name: "synthetic", About: "test card: bars, saturated colours, things that turn and run", open: openCard},
		{Name: "mandelbrot", About: "zoom into the Mandelbrot set, saturated colours", open: openMandelbrot},
		{Name: "slides", About: "another full-screen photo every second", open: openSlides},
		{Name: "video-window", About: "desktop in which a video of 640x360 plays", open: openVideoWindow},
		{Name: "page", About: "web page with side bars scrolls by the wheel", open: openPage},
		{Name: "pages", About: "another web page every 20 frames", open: openPages},
		{Name: "other-plot", About: "dark chart that runs", open: openPlot},
		{Name: "other-map", About: "street map that is pulled around", open: openMap},
		{Name: "other-log", About: "dark terminal with a coloured log", open: openLog},
		{Name: "other-editor", About: "dark program editor with the whole file in small beside it", open: openEditor},
		{Name: "other-symbols", About: "page of made-up ideographs scrolls smoothly", open: openSymbols},
		{Name: "other-fade", About: "page fades into photo fades into page", open: openFade},
		{Name: "other-lcd", About: "document in striped (sub-pixel) text scrolls smoothly", open: openLCD},
	}
	for _, c := range list {
		c.Size, c.FPS = size, 30
		if c.Frames == 0 {
			c.Frames = 90
		}
	}
	return list
}
