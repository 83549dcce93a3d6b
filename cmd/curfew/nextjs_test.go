package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew/internal/browsertest"
)

// nextExample is an app that has the disease in one branch of its code, and Curfew in the other.
const nextExample = "../../examples/nextjs"

const nextSecret = "the secret that the app and its keeper share"

// nextPage is a window in the app.
type nextPage struct {
	*testing.T
	ctx context.Context
	app string
}

// The example is built as its users build it, and driven in a browser: its customer pays twice, and nobody accepts the first time.
func TestTheNextJSExample(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("building it takes a minute: make long")
	}
	builtTypeScript(t)
	inNext(t, "cp", "-r", filepath.Join("../..", "clients/typescript/dist"), "node_modules/@curfew/client/")
	inNext(t, nextNode(t), "node_modules/next/dist/bin/next", "build")
	browser := browsertest.Start(t)
	t.Run("has the disease", func(t *testing.T) {
		t.Parallel()
		app := nextApp(t, "KEEPER=own", "STRIPE_WEBHOOK_SECRET="+nextSecret)
		pay(t, app, "cs_1", "kim", "chat10", http.StatusOK)
		kim := nextVisit(browser, t, app, "customer", "kim")
		kim.until("Kim waits", "document.querySelector('[data-status=waiting]') !== null")
		pay(t, app, "cs_2", "kim", "chat10", http.StatusOK) // its money is kept, and it has no session
		kim.do(chromedp.Reload())
		kim.until("Kim waits for the first", "document.querySelector('[data-status=waiting]') !== null")
		kim.do(chromedp.Click(chromedp.CSS("[name=session]")))
		kim.until("what was paid is lost", "document.querySelector('[data-status=free]')?.textContent.includes('Talk to a mechanic')")
	})
	t.Run("is cured", func(t *testing.T) {
		t.Parallel()
		cured(browser, t)
	})
}

func cured(browser context.Context, t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	plans := "plans:\n  chat10: {kind: chat, duration: 30m, waitingTtl: 4s}\n  video15: {kind: video, duration: 45m}\n"
	if err := os.WriteFile(filepath.Join(dir, "curfew.yaml"), []byte(plans), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := serving(t, dir, []string{"CURFEW_AUTH_JWT_SECRET=" + nextSecret, "CURFEW_STRIPE_WEBHOOK_SECRET=" + nextSecret}, "--config=curfew.yaml")
	app := nextApp(t, "CURFEW_URL="+serve.url, "CURFEW_AUTH_JWT_SECRET="+nextSecret)
	kim, mia, anna := nextVisit(browser, t, app, "customer", "kim"), nextVisit(browser, t, app, "mechanic", "mia"), nextVisit(browser, t, app, "admin", "anna")
	live := "document.querySelector('[data-live=live]') !== null && document.body.textContent.includes(%q)"
	kim.until("Kim may buy", fmt.Sprintf(live, "Talk to a mechanic"))
	kim.picture("customer-free")
	mia.until("Mia sees an empty queue", fmt.Sprintf(live, "Nobody is waiting"))

	pay(t, app, "cs_1", "kim", "chat10", http.StatusNoContent)
	kim.until("Kim's page says without a click that nobody came, and that the money is kept", fmt.Sprintf(live, "What you paid is kept"))
	pay(t, app, "cs_2", "kim", "video15", http.StatusNoContent)
	kim.until("Kim waits again", fmt.Sprintf(live, "Waiting for a mechanic"))
	mia.until("Mia sees Kim", "document.querySelector('[name=request]') !== null")
	mia.picture("mechanic-queue")
	mia.do(chromedp.Click(chromedp.CSS("[name=request]")))
	kim.until("Kim sees that Mia comes", fmt.Sprintf(live, "A mechanic has taken it"))
	mia.until("the queue is empty", fmt.Sprintf(live, "Nobody is waiting"))
	kim.picture("customer-taken")
	anna.do(chromedp.Reload())
	anna.until("all is well", "document.querySelector('[data-health=healthy]') !== null")
	anna.picture("admin-health")
}

// inNext runs a program in the example's folder, without telemetry.
func inNext(t *testing.T, program string, args ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(nextExample, "node_modules/.package-lock.json")); err != nil {
		t.Fatalf("the packages of examples/nextjs are not installed: run scripts/install-test-deps long (%v)", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = nextExample, append(withoutSettings(os.Environ()), "NEXT_TELEMETRY_DISABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// nextNode is the Node of the TypeScript package's tests: Debian's is older than Next.js allows.
func nextNode(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(typeScript, "test/node/node_modules/.bin/node"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// nextApp serves the built example until the test ends, and returns its address.
func nextApp(t *testing.T, env ...string) string {
	t.Helper()
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := reserved.Addr().String()
	_, port, _ := strings.Cut(address, ":")
	if err := reserved.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, nextNode(t), "node_modules/next/dist/bin/next", "start", "--hostname=127.0.0.1", "--port="+port)
	cmd.Dir, cmd.Env = nextExample, append(append(withoutSettings(os.Environ()), "NEXT_TELEMETRY_DISABLED=1"), env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	app := "http://" + address
	until(t.Context(), t, "the example answers", func() bool {
		answer, err := http.Get(app)
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	return app
}

// pay posts Stripe's message of a payment to the app, whose answer must have a status.
func pay(t *testing.T, app, id, customer, plan string, status int) {
	t.Helper()
	body := fmt.Sprintf(`{"id":"evt_%s","object":"event","api_version":"2025-03-31.basil","created":%d,"livemode":false,"type":"checkout.session.completed",
		"data":{"object":{"id":"%s","object":"checkout.session","mode":"payment","status":"complete","payment_status":"paid","amount_total":2900,
		"amount_subtotal":2900,"currency":"eur","payment_intent":"pi_%s","client_reference_id":"%s","metadata":{"plan":"%s"}}}}`,
		id, time.Now().Unix(), id, id, customer, plan)
	mac := hmac.New(sha256.New, []byte(nextSecret))
	now := time.Now().Unix()
	_, _ = fmt.Fprintf(mac, "%d.%s", now, body) // a hash takes everything
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app+"/stripe/webhook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != status {
		t.Fatalf("payment %s is answered %d (%v), want %d", id, answer.StatusCode, err, status)
	}
}

// nextVisit signs somebody in to the app, by its form.
func nextVisit(browser context.Context, t *testing.T, app, role, id string) nextPage {
	t.Helper()
	p := nextPage{t, window(browser, t), app}
	if err := chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("the page of %s throws: %s %+v", id, e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		}
	}); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(app))
	p.until("the form is there", fmt.Sprintf("(document.querySelector('[name=id]').value = %q) && document.readyState === 'complete'", id))
	p.do(chromedp.Click(chromedp.CSS("[value=" + role + "]")))
	p.until("the page of a "+role, fmt.Sprintf("location.pathname === %q && document.querySelector('h1') !== null", "/"+url.PathEscape(role)))
	return p
}

func (p nextPage) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, readyIn)
	defer cancel()
	for _, s := range steps {
		if err := chromedp.Do(ctx, s); err != nil {
			p.Fatal(err)
		}
	}
}

// until waits for an expression to be true in the page.
func (p nextPage) until(what, expression string) {
	p.Helper()
	until(p.ctx, p.T, what, func() bool {
		so, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](expression)) // an error: between two pages
		return err == nil && so
	})
}

// picture looks at the page wide and on a phone, by day and by night: it fits in each. What is seen is written into $CURFEW_SCREENSHOTS.
func (p nextPage) picture(name string) {
	p.Helper()
	for size, width := range map[string]int64{"wide": 1280, "phone": 390} {
		for _, scheme := range []string{"light", "dark"} {
			p.do(chromedp.EmulateViewport(width, 800), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}))
			p.until(name+" fits on a "+size+" screen", "document.documentElement.scrollWidth <= innerWidth")
			if folder := os.Getenv("CURFEW_SCREENSHOTS"); folder != "" {
				p.shoot(filepath.Join(folder, "next-"+name+"-"+size+"-"+scheme+".png"))
			}
		}
	}
}

func (p nextPage) shoot(file string) {
	p.Helper()
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(file, image, 0o600); err != nil {
		p.Fatal(err)
	}
}
