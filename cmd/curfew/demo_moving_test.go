package main

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew/internal/browsertest"
)

const (
	movingFrames  = 20 // a second apart
	movingLargest = 1 << 20
)

// TestTheDemoMoves keeps for scripts/screenshots what the overview shows while the demo runs.
func TestTheDemoMoves(t *testing.T) {
	folder := os.Getenv("CURFEW_SCREENSHOTS")
	if folder == "" {
		t.Skip("CURFEW_SCREENSHOTS names no folder: run scripts/screenshots")
	}
	console, _ := demonstrated(t)
	operator := window(browsertest.Start(t), t)
	signIn(operator, t, console, 1000, 640)
	picture(operator, t, at(console, "/"), "light", "document.querySelectorAll('.uplot canvas').length === 2", filepath.Join(folder, "demo-overview-light.png"))
	movingPicture(operator, t, filepath.Join(folder, "demo-overview.gif"))
}

// movingPicture keeps a page that changes, as a GIF. It shows twice as fast what takes movingFrames seconds.
func movingPicture(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	var frames []image.Image
	for range movingFrames {
		shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(file, err)
		}
		frame, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			t.Fatal(file, err)
		}
		frames = append(frames, frame)
		const second = "new Promise((done) => setTimeout(() => done(true), 1000))"
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](second, chromedp.EvalAwaitPromise)); err != nil {
			t.Fatal(file, err)
		}
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, animated(frames)); err != nil || b.Len() > movingLargest {
		t.Fatalf("%s: %d bytes (%v)", file, b.Len(), err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// animated keeps of each frame what differs from the one before, in the colours that most of the pixels have.
func animated(frames []image.Image) *gif.GIF {
	pages := painter{palette: palette(frames), nearest: map[color.RGBA]uint8{}}
	moving := &gif.GIF{}
	for i, frame := range frames {
		var before image.Image
		if i > 0 {
			before = frames[i-1]
		}
		moving.Image = append(moving.Image, pages.paint(frame, before))
		moving.Delay = append(moving.Delay, 50)
		moving.Disposal = append(moving.Disposal, gif.DisposalNone)
	}
	moving.Delay[len(frames)-1] = 250
	return moving
}

// palette is the transparent colour, and the 255 that are seen most.
func palette(frames []image.Image) color.Palette {
	count := map[color.RGBA]int{}
	for _, frame := range frames {
		eachPixel(frame, func(x, y int) { count[at8(frame, x, y)]++ })
	}
	seen := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return cmp.Compare(count[b], count[a]) })
	all := color.Palette{color.RGBA{}}
	for _, c := range seen[:min(len(seen), 255)] {
		all = append(all, c)
	}
	return all
}

// painter paints in the colours of a palette.
type painter struct {
	palette color.Palette
	nearest map[color.RGBA]uint8
}

func (p painter) paint(frame, before image.Image) *image.Paletted {
	painted := image.NewPaletted(frame.Bounds(), p.palette)
	eachPixel(frame, func(x, y int) {
		c := at8(frame, x, y)
		if before != nil && c == at8(before, x, y) {
			return // transparent
		}
		index, ok := p.nearest[c]
		if !ok {
			index = 1 + uint8(p.palette[1:].Index(c))
			p.nearest[c] = index
		}
		painted.SetColorIndex(x, y, index)
	})
	return painted
}

func eachPixel(frame image.Image, do func(x, y int)) {
	for y := frame.Bounds().Min.Y; y < frame.Bounds().Max.Y; y++ {
		for x := frame.Bounds().Min.X; x < frame.Bounds().Max.X; x++ {
			do(x, y)
		}
	}
}

func at8(frame image.Image, x, y int) color.RGBA {
	return color.RGBAModel.Convert(frame.At(x, y)).(color.RGBA) //nolint:errcheck,forcetypeassert // the model's own
}
