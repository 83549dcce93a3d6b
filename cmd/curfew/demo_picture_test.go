package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew/internal/browsertest"
)

var (
	consoleLine  = regexp.MustCompile(`console +(http://\S+)`)
	mechanicLine = regexp.MustCompile(`a mechanic's +(.+)`)
	figuresLine  = regexp.MustCompile(`^\d+:\d\d h `)
)

// TestPicturesOfTheDemo takes the screenshots for scripts/screenshots, after the
// demo has run for a minute.
func TestPicturesOfTheDemo(t *testing.T) {
	folder := os.Getenv("CURFEW_SCREENSHOTS")
	if folder == "" {
		t.Skip("CURFEW_SCREENSHOTS names no folder: run scripts/screenshots")
	}
	console, mechanic := demonstrated(t)
	browser := browsertest.Start(t)
	operator, mia := window(browser, t), window(browser, t)
	signIn(operator, t, console, 1280, 800)
	for name, page := range map[string]struct{ path, ready string }{
		"overview": {"/", "document.querySelectorAll('.uplot canvas').length === 2 && document.querySelector('.finding')"},
		"customer": {"/console/customer?q=kim", "document.body.textContent.includes('pi_kim_1')"},
	} {
		for _, scheme := range []string{"light", "dark"} {
			picture(operator, t, at(console, page.path), scheme, page.ready, filepath.Join(folder, "demo-"+name+"-"+scheme+".png"))
		}
	}
	login := exec.CommandContext(t.Context(), "bash", "-c", mechanic)
	login.Env = withoutSettings(os.Environ())
	link, err := login.Output()
	if err != nil {
		t.Fatal(err)
	}
	signIn(mia, t, strings.TrimSpace(string(link)), 390, 844)
	picture(mia, t, at(console, "/mechanic.html"), "light", "document.body.textContent.includes('Your session')", filepath.Join(folder, "demo-mechanic-phone.png"))
}

// demonstrated runs a demo for a minute and returns the links that it printed.
func demonstrated(t *testing.T) (console, mechanic string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "curfew", "demo", "--listen=127.0.0.1:0")
	cmd.Env = append(withoutSettings(os.Environ()), "TMPDIR="+t.TempDir())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	lines := bufio.NewScanner(pipe)
	for seconds := 0; seconds < 60 && lines.Scan(); {
		if m := consoleLine.FindStringSubmatch(lines.Text()); m != nil {
			console = m[1]
		}
		if m := mechanicLine.FindStringSubmatch(lines.Text()); m != nil {
			mechanic = m[1]
		}
		if figuresLine.MatchString(lines.Text()) {
			seconds++
		}
	}
	go func() {
		for lines.Scan() { // unread output would block it
		}
	}()
	return console, mechanic
}

// window has cookies of its own.
func window(browser context.Context, t *testing.T) context.Context {
	t.Helper()
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(leave)
	return ctx
}

// signIn follows a sign-in link, clicks its button, and waits for the page behind it.
func signIn(ctx context.Context, t *testing.T, link string, width, height int64) {
	t.Helper()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate(link),
		chromedp.Click(chromedp.CSS("#sign-in")), chromedp.WaitVisible(chromedp.CSS(".who")))
	if err != nil {
		t.Fatal(link, err)
	}
}

// picture takes a screenshot of the window once the page is ready and live. The
// demo may need some minutes to produce what it is to show.
func picture(ctx context.Context, t *testing.T, address, scheme, ready, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 5*readyIn)
	defer cancel()
	emulate := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
	if err := chromedp.Do(ctx, emulate, chromedp.Navigate(address)); err != nil {
		t.Fatal(address, err)
	}
	const live = "document.querySelector('#connection').dataset.state === 'live'"
	promise := "new Promise((done) => { const look = () => (" + live + " && " + ready + ") ? done(true) : setTimeout(look, 50); look(); })"
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](promise, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatalf("%s: never %s: %v", address, ready, err)
	}
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, image, 0o600)
	}
	if err != nil {
		t.Fatal(file, err)
	}
}

// at returns another page of the console.
func at(link, path string) string {
	base, _, _ := strings.Cut(link, "/login")
	return base + path
}
