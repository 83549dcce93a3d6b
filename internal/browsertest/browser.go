// Package browsertest gives a test a real browser. Only tests import it.
package browsertest

import (
	"context"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// programs are what is looked for, the lightest first: a shell without windows takes half of the
// processor that the whole browser does.
var programs = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// Start starts a browser that makes no calls of its own, and ends it with t. Without a browser t fails
// and says what to do. The context is for chromedp, and for windows that share the browser.
func Start(t testing.TB) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(find(t)), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.Env("TMPDIR="+t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	browser, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal("start the browser:", err)
	}
	return browser
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("there is no %s, which these tests drive: run make test, which installs it", programs[0])
	return ""
}
