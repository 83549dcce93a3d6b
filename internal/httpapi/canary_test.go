package httpapi_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
)

// operatorName is the name of an admin, which no outsider may read.
const operatorName = "MARK-operator@ops.example"

// canaries is a process whose operators write markers, and everything that outsiders get from it.
type canaries struct {
	*environment
	sent *sent

	mu      sync.Mutex
	outside bytes.Buffer // every body that an outsider got
	marks   []string     // what operators wrote
	cookies map[curfew.Actor]string
}

// mark is a text that only operators may read.
func (c *canaries) mark(what string) string {
	text := "MARK-" + what
	c.marks = append(c.marks, text)
	return text
}

func (c *canaries) search(what string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.outside, "\n--- %s\n%s\n", what, body)
}

// RoundTrip keeps the responses that outsiders get.
func (c *canaries) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.search(r.Method+" "+r.URL.Path, body)
	return resp, err
}

// outsider returns a client whose responses are kept.
func (c *canaries) outsider(role curfew.Role, id string) *api.Client {
	client := c.as(role, id)
	client.HTTP = &http.Client{Transport: c}
	return client
}

// prolong moves a session's deadline: the client, which is not only for operators, has no method for that.
func (c *canaries) prolong(op *api.Client, session, reason string) {
	c.Helper()
	body := strings.NewReader(`{"minutes":5,"reason":"` + reason + `"}`)
	req, err := http.NewRequestWithContext(c.Context(), http.MethodPost, op.BaseURL+"/api/debug/sessions/"+session+"/prolong", body)
	must(c.T, err)
	req.Header.Set("Authorization", "Bearer "+op.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(c.T, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.Fatalf("prolong: %s", resp.Status)
	}
}

func (c *canaries) operator() *api.Client { return c.as(curfew.Admin, operatorName) }

// deliver sends everything to a real webhook receiver and a real mail server.
func (c *canaries) deliver() {
	c.Helper()
	c.sent = deliver(c.T, c.Store.(deliveryStore), c.url, c.identity, c.mark("endpoint"), c.search) //nolint:errcheck,forcetypeassert // both are
}

// deliveryStore is the part of a store that webhooks and mails need.
type deliveryStore interface {
	notify.Store
	webhook.Store
	mail.Store
}

// sent is what was delivered.
type sent struct {
	hooks atomic.Int64
	mails *mailtest.Server
}

// deliver sends everything of a store to a real webhook receiver and a real mail server, until the test has ended.
func deliver(t *testing.T, store deliveryStore, url string, signer mail.Signer, endpoint string, search func(what string, body []byte)) *sent {
	t.Helper()
	s := &sent{}
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		search("webhook", fmt.Appendf(body, "\n%v", r.Header))
		s.hooks.Add(1)
	}))
	t.Cleanup(receiver.Close)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	endpoints := webhook.Endpoints{Store: store, AllowPrivate: loopback}
	w, err := endpoints.Add(t.Context(), record.Endpoint{URL: receiver.URL, Description: endpoint})
	must(t, err)
	_, err = endpoints.Test(t.Context(), w.ID)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	s.mails = mailtest.NewServer(t, mailtest.Options{Received: func(m mailtest.Mail) { search("mail", fmt.Append(nil, m)) }})
	letters, err := mail.NewChannel(store, mail.Options{
		Server: mail.Server{Host: s.mails.Host, Port: s.mails.Port, TLS: mail.NoTLS}, From: &netmail.Address{Address: "help@shop.example"},
		BaseURL: url, Signer: signer,
	})
	must(t, err)
	worker := notify.New(store, notify.Options{Channels: []notify.Channel{
		webhook.NewChannel(store, webhook.Options{AllowPrivate: loopback, Roots: roots}), letters,
	}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = worker.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return s
}

// operate carries out every action of operators, each with a marker of its own.
func (c *canaries) operate() (sessions []string) {
	c.Helper()
	ctx, op := c.Context(), c.operator()
	done := func(_ any, err error) {
		c.Helper()
		must(c.T, err)
	}
	begin := func(customer string) api.Fulfillment {
		f := c.fulfilled(customer, "pay-"+customer)
		sessions = append(sessions, f.SessionID)
		return f
	}
	accept := func(f api.Fulfillment, mechanic string) {
		done(c.outsider(curfew.Mechanic, mechanic).Accept(ctx, f.RequestID))
	}
	live := func(customer, mechanic string) api.Fulfillment {
		f := begin(customer)
		accept(f, mechanic)
		done(c.outsider(curfew.Customer, customer).Join(ctx, f.SessionID))
		done(c.outsider(curfew.Mechanic, mechanic).Join(ctx, f.SessionID))
		return f
	}
	released := begin("kim")
	accept(released, "max")
	done(op.Unassign(ctx, released.SessionID, api.Reason{Reason: c.mark("unassign")}))
	accept(released, "moe") // the next mechanic
	c.prolong(op, released.SessionID, c.mark("prolong"))
	done(op.Clear(ctx, "kim", api.Clearing{Reason: c.mark("clear")}))
	live("lea", "mia")
	done(op.Clear(ctx, "lea", api.Clearing{Force: true, Reason: c.mark("force")}))
	done(op.Cancel(ctx, begin("cal").SessionID))
	done(op.End(ctx, begin("eva").SessionID))
	live("rex", "rob")
	done(op.RefundCheckout(ctx, "pay-rex", api.Refund{Reason: c.mark("refund")}))
	begin("hal")
	done(op.RefundCheckout(ctx, "pay-hal", api.Refund{Reason: c.mark("by-hand"), ByHand: true}))
	c.repair(op)
	c.Age(c.T, begin("run").SessionID, 20*time.Minute)
	run, err := op.RunCleanup(ctx, api.Cleanup{Reason: c.mark("cleanup")})
	must(c.T, err)
	done(op.UndoRun(ctx, run.RunID, api.Undo{Reason: c.mark("undo")}))
	begin("pre")
	minute := 1
	c.Age(c.T, sessions[len(sessions)-1], 5*time.Minute)
	preview, err := op.StorePreview(ctx, api.Cleanup{CustomerID: "pre", MaxAgeMinutes: &minute})
	must(c.T, err)
	done(op.RunCleanup(ctx, api.Cleanup{PreviewID: *preview.PreviewID, Reason: c.mark("preview")}))
	c.Exec(c.T, "UPDATE "+c.Schema+"runs SET outcome = 'failed', error = 'MARK-error' WHERE reason = 'MARK-preview'") // a finding of health
	return sessions
}

// repair carries out what operators do with payments that are held or forfeited.
func (c *canaries) repair(op *api.Client) {
	c.Helper()
	for ref, p := range map[string]storetest.Report{
		"held-nobody": {Plan: "chat10"}, "held-plan": {CustomerID: "ivy", Plan: "nothing"},
	} {
		p.Ref, p.Paid, p.Amount, p.Currency, p.PaymentID, p.Email = ref, true, 990, "eur", "pi-"+ref, "ivy@mail.example"
		must(c.T, c.keeper.Payments.Receive(c.Context(), p.Notice()))
	}
	for ref, what := range map[string]string{"held-nobody": "assign", "held-plan": "assign-plan"} {
		_, err := op.AssignCheckout(c.Context(), ref, api.Assignment{CustomerID: "ivy", Plan: "chat10", Reason: c.mark(what)})
		must(c.T, err)
	}
	soon := time.Now().Add(time.Hour)
	lost, err := c.as(curfew.Service, "shop").FulfillCheckout(c.Context(), api.Purchase{
		PaymentRef: "pay-fin", CustomerID: "fin", Plan: "chat10", StartsAt: &soon, Email: "fin@mail.example",
	})
	must(c.T, err)
	_, err = c.outsider(curfew.Customer, "fin").Cancel(c.Context(), lost.SessionID)
	must(c.T, err)
	_, err = op.CreditCheckout(c.Context(), "pay-fin", api.Reason{Reason: c.mark("credit")})
	must(c.T, err)
}

// read gets every GET route of the API and every page, as every outsider.
func (c *canaries) read(sessions []string) {
	c.Helper()
	people := []curfew.Actor{{Role: curfew.Service, ID: "shop"}}
	var ids []string
	for _, row := range c.Query(c.T, "SELECT DISTINCT customer_id FROM "+c.Schema+"checkouts") {
		people, ids = append(people, curfew.Actor{Role: curfew.Customer, ID: row[0]}), append(ids, row[0])
	}
	for _, id := range []string{"max", "moe", "mia", "rob"} {
		people = append(people, curfew.Actor{Role: curfew.Mechanic, ID: id})
	}
	for _, row := range c.Query(c.T, "SELECT id FROM "+c.Schema+"sessions") {
		if !slices.Contains(sessions, row[0]) {
			sessions = append(sessions, row[0])
		}
	}
	for _, who := range people {
		for _, rt := range httpapi.RouteTable() {
			if rt.Method != http.MethodGet || rt.Path == "/api/stream" {
				continue
			}
			for _, id := range append(slices.Clone(ids), sessions...) {
				path := strings.Replace(rt.Path, "{id}", url.PathEscape(id), 1)
				if strings.HasSuffix(path, "/explain") {
					path += "?subject=" + url.QueryEscape(id)
				}
				c.get(who, path)
				if !strings.Contains(rt.Path, "{id}") {
					break
				}
			}
		}
		for _, page := range []string{"/", "/clear-my-sessions.html", "/mechanic.html", "/console/customer?q=kim", "/console/payments", "/cleanup-sessions-admin.html"} {
			c.get(who, page)
		}
	}
}

// cookie returns the cookie of somebody's browser, which signs in when it is first asked for.
func (c *canaries) cookie(who curfew.Actor) string {
	c.Helper()
	if known, ok := c.cookies[who]; ok {
		return known
	}
	ticket, err := c.identity.LoginTicket(who)
	must(c.T, err)
	req, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+"/login", strings.NewReader("ticket="+url.QueryEscape(ticket)))
	must(c.T, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := c.RoundTrip(req)
	must(c.T, err)
	_ = resp.Body.Close()
	c.cookies[who], _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	return c.cookies[who]
}

func (c *canaries) get(who curfew.Actor, path string) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.url+path, nil)
	must(c.T, err)
	req.Header.Set("Authorization", "Bearer "+c.token(who.Role, who.ID, time.Hour))
	if !strings.HasPrefix(path, "/api/") {
		req.Header.Del("Authorization")
		req.Header.Set("Cookie", c.cookie(who))
	}
	resp, err := c.RoundTrip(req)
	must(c.T, err)
	_ = resp.Body.Close()
}

// What operators write, and who they are, reaches only operators: after all their actions, everything that anybody else got
// is searched.
func TestOperatorsWordsReachOperatorsOnly(t *testing.T) {
	onBothStores(t, func(env *environment) {
		c := &canaries{environment: env, cookies: map[curfew.Actor]string{}}
		c.deliver()
		var received []*streamReader
		for _, who := range []curfew.Actor{
			{Role: curfew.Customer, ID: "kim"},
			{Role: curfew.Customer, ID: "lea"},
			{Role: curfew.Customer, ID: "rex"},
			{Role: curfew.Mechanic, ID: "moe"},
			{Role: curfew.Mechanic, ID: "mia"},
			{Role: curfew.Service, ID: "shop"},
		} {
			received = append(received, env.listen(who.Role, who.ID, ""))
		}
		anna := env.listen(curfew.Admin, "anna", "")
		sessions := c.operate()
		last := c.fulfilled("last", "pay-last")
		for _, l := range append(slices.Clone(received[5:]), anna) {
			l.nextOf(last.SessionID)
		}
		resumed := env.listen(curfew.Service, "shop", time.Now().UTC().Format(time.RFC3339Nano))
		resumed.nextOf(last.SessionID)
		c.read(sessions)
		c.delivered(last.SessionID)
		for _, l := range append(received, resumed) {
			l.drain()
			c.search("stream", []byte(l.all()))
		}
		c.nothingLeaked()
		c.operatorsSee(anna.all())
	})
}

// drain reads what has arrived by now.
func (l *streamReader) drain() {
	for {
		select {
		case f, ok := <-l.events:
			if !ok {
				return
			}
			l.received = append(l.received, f)
		default:
			return
		}
	}
}

// delivered waits until the receiver has got the events of a session, and all earlier ones.
func (c *canaries) delivered(sessionID string) {
	c.Helper()
	for deadline := time.Now().Add(testTimeout); ; <-time.After(10 * time.Millisecond) {
		c.mu.Lock()
		done := strings.Contains(c.outside.String(), `"type":"session.waiting"`) && strings.Contains(c.outside.String(), sessionID+`","status`)
		c.mu.Unlock()
		pending := c.Query(c.T, "SELECT count(*) FROM "+c.Schema+"deliveries WHERE state = 'pending' AND failures = 0")
		if done && pending[0][0] == "0" {
			break
		}
		if time.Now().After(deadline) {
			c.Fatalf("%v deliveries are still pending", pending)
		}
	}
	for _, row := range c.Query(c.T, "SELECT body FROM "+c.Schema+"deliveries") {
		c.search("stored delivery", []byte(row[0]))
	}
	if c.sent.hooks.Load() == 0 || len(c.sent.mails.Mails()) == 0 {
		c.Fatalf("%d webhooks and %d mails arrived", c.sent.hooks.Load(), len(c.sent.mails.Mails()))
	}
}

func (c *canaries) nothingLeaked() {
	c.Helper()
	text := c.outside.String()
	for part := range strings.SplitSeq(text, "\n--- ") {
		for _, word := range []string{"MARK", "there is no plan", "does not say whose", "admin:"} {
			if at := strings.Index(part, word); at >= 0 {
				c.Errorf("what only operators may read in\n%s", part[max(0, at-300):min(len(part), at+100)])
			}
		}
	}
	for _, role := range []string{`"actor":"operator"`, `"reason":"cleared"`, `"reason":"released"`, `"reason":"refunded"`} {
		if !strings.Contains(strings.ReplaceAll(text, `": "`, `":"`), role) {
			c.Errorf("nobody was told %s", role)
		}
	}
}

// operatorsSee checks that an admin can read every text, and who wrote it.
func (c *canaries) operatorsSee(stream string) {
	c.Helper()
	ctx, op := c.Context(), c.as(curfew.Admin, "anna")
	text := stream
	for _, row := range c.Query(c.T, "SELECT DISTINCT customer_id FROM "+c.Schema+"checkouts") {
		got, err := op.Explain(ctx, row[0], "")
		must(c.T, err)
		text += asText(c.T, got)
		for _, s := range got.Sessions {
			events, err := op.Events(ctx, s.ID)
			must(c.T, err)
			text += asText(c.T, events)
		}
	}
	runs, err := op.CleanupRuns(ctx, api.Page{})
	must(c.T, err)
	endpoints, err := op.Endpoints(ctx)
	must(c.T, err)
	text += asText(c.T, runs) + asText(c.T, endpoints)
	for _, mark := range append(c.marks, operatorName) {
		if !strings.Contains(text, mark) {
			c.Errorf("an admin does not see %q", mark)
		}
	}
	for _, mark := range []string{"MARK-unassign", operatorName} {
		if !strings.Contains(stream, mark) {
			c.Errorf("an admin's stream does not tell %q", mark)
		}
	}
}

func asText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return string(text)
}
