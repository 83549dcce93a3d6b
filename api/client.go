package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client calls Curfew over HTTP. Its methods are safe for concurrent use. Error
// responses are returned as *Problem.
type Client struct {
	// BaseURL is the address of Curfew, for instance http://127.0.0.1:3001.
	BaseURL string
	// Token identifies the caller; `curfew token` prints one.
	Token string
	// ActAs lets a service act for somebody: customer:ID or mechanic:ID, the id percent-encoded.
	ActAs string
	// HTTP makes the calls; nil: http.DefaultClient.
	HTTP *http.Client
}

// FulfillCheckout reports a paid checkout. It is safe to repeat at any time.
func (c *Client) FulfillCheckout(ctx context.Context, p Purchase) (Fulfillment, error) {
	return post[Fulfillment](ctx, c, "/api/checkouts", p)
}

// Checkouts returns a customer's payments.
func (c *Client) Checkouts(ctx context.Context, customerID string) (Checkouts, error) {
	return get[Checkouts](ctx, c, at("/api/customers/%s/checkouts", customerID))
}

// CreateSession creates a session of a free plan, or spends a credit. A key makes
// it safe to repeat; without one it is not.
func (c *Client) CreateSession(ctx context.Context, s NewSession, idempotencyKey string) (Fulfillment, error) {
	return call[Fulfillment](ctx, c, http.MethodPost, "/api/sessions", s, idempotencyKey)
}

// Session returns a session.
func (c *Client) Session(ctx context.Context, id string) (Session, error) {
	return get[Session](ctx, c, at("/api/sessions/%s", id))
}

// Events returns a session's history.
func (c *Client) Events(ctx context.Context, id string) (Events, error) {
	return get[Events](ctx, c, at("/api/sessions/%s/events", id))
}

// Join joins a session.
func (c *Client) Join(ctx context.Context, id string) (Session, error) {
	return post[Session](ctx, c, at("/api/sessions/%s/join", id), nil)
}

// End ends a session.
func (c *Client) End(ctx context.Context, id string) (Session, error) {
	return post[Session](ctx, c, at("/api/sessions/%s/end", id), nil)
}

// Extend adds paid time to a live session.
func (c *Client) Extend(ctx context.Context, id string, x Extension) (Extended, error) {
	return post[Extended](ctx, c, at("/api/sessions/%s/extend", id), x)
}

// Cancel cancels a session. A mechanic releases it instead if it is not live yet.
func (c *Client) Cancel(ctx context.Context, id string) (Session, error) {
	return post[Session](ctx, c, at("/api/sessions/%s/cancel", id), nil)
}

// Forecast returns how long a customer will wait for a mechanic, or would wait if a session
// began now.
func (c *Client) Forecast(ctx context.Context, customerID string) (Forecast, error) {
	return get[Forecast](ctx, c, at("/api/customers/%s/forecast", customerID))
}

// SessionStatus reports what blocks a customer.
func (c *Client) SessionStatus(ctx context.Context, customerID string) (SessionStatus, error) {
	return get[SessionStatus](ctx, c, at("/api/customers/%s/session-status", customerID))
}

// Clear ends a customer's open session.
func (c *Client) Clear(ctx context.Context, customerID string, what Clearing) (Cleared, error) {
	return post[Cleared](ctx, c, at("/api/customers/%s/clear", customerID), what)
}

// Queue returns the requests that mechanics may accept.
func (c *Client) Queue(ctx context.Context, p Page) (Queue, error) {
	return get[Queue](ctx, c, "/api/mechanics/requests"+p.query())
}

// Accept accepts a request.
func (c *Client) Accept(ctx context.Context, requestID string) (Offered, error) {
	return post[Offered](ctx, c, at("/api/mechanics/requests/%s/accept", requestID), nil)
}

// Release puts an accepted request back into the queue.
func (c *Client) Release(ctx context.Context, requestID string) (Offered, error) {
	return post[Offered](ctx, c, at("/api/mechanics/requests/%s/release", requestID), nil)
}

// PreviewCleanup returns what a cleanup would change. It stores nothing.
func (c *Client) PreviewCleanup(ctx context.Context, s Selection) (Preview, error) {
	return get[Preview](ctx, c, cleanupPath+s.query())
}

// StorePreview stores what a cleanup would change, so that exactly that can be
// executed.
func (c *Client) StorePreview(ctx context.Context, what Cleanup) (Preview, error) {
	what.DryRun = true
	return post[Preview](ctx, c, cleanupPath, what)
}

// RunCleanup cleans up, and waits for the end. If it fails, the Problem has its CleanupResult.
func (c *Client) RunCleanup(ctx context.Context, what Cleanup) (CleanupResult, error) {
	what.DryRun = false
	return await[CleanupResult](ctx, c, cleanupPath, what)
}

// CleanupRuns returns the record of cleanups.
func (c *Client) CleanupRuns(ctx context.Context, p Page) (Runs, error) {
	return get[Runs](ctx, c, "/api/debug/cleanup-runs"+p.query())
}

// FindCheckouts returns the selected payments, oldest first.
func (c *Client) FindCheckouts(ctx context.Context, s CheckoutSelection) (CheckoutPage, error) {
	return get[CheckoutPage](ctx, c, "/api/debug/checkouts"+s.query())
}

// Checkout returns a payment with its history, by its id or its reference.
func (c *Client) Checkout(ctx context.Context, idOrRef string) (CheckoutDetail, error) {
	return get[CheckoutDetail](ctx, c, at("/api/debug/checkouts/%s", idOrRef))
}

// FulfillHeld creates the session of a held payment.
func (c *Client) FulfillHeld(ctx context.Context, idOrRef string, r Repair) (Fulfillment, error) {
	return post[Fulfillment](ctx, c, at("/api/debug/checkouts/%s/fulfil", idOrRef), r)
}

// AssignCheckout assigns a held payment to a customer, and fulfills it.
func (c *Client) AssignCheckout(ctx context.Context, idOrRef string, a Assignment) (Fulfillment, error) {
	return post[Fulfillment](ctx, c, at("/api/debug/checkouts/%s/assign", idOrRef), a)
}

// RefundCheckout refunds a payment.
func (c *Client) RefundCheckout(ctx context.Context, idOrRef string, r Refund) (CheckoutDetail, error) {
	return post[CheckoutDetail](ctx, c, at("/api/debug/checkouts/%s/refund", idOrRef), r)
}

// CreditCheckout lets a customer spend a forfeited payment.
func (c *Client) CreditCheckout(ctx context.Context, idOrRef string, why Reason) (CheckoutDetail, error) {
	return post[CheckoutDetail](ctx, c, at("/api/debug/checkouts/%s/credit", idOrRef), why)
}

// IgnoreCheckout marks a held payment as not for anything sold here.
func (c *Client) IgnoreCheckout(ctx context.Context, idOrRef string, why Reason) (CheckoutDetail, error) {
	return post[CheckoutDetail](ctx, c, at("/api/debug/checkouts/%s/ignore", idOrRef), why)
}

// RestoreCheckout holds an ignored payment for an operator after all.
func (c *Client) RestoreCheckout(ctx context.Context, idOrRef string, why Reason) (CheckoutDetail, error) {
	return post[CheckoutDetail](ctx, c, at("/api/debug/checkouts/%s/restore", idOrRef), why)
}

// Health returns the health report. A report of status "error" is returned without
// an error.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	status, body, err := c.send(ctx, http.MethodGet, "/api/debug/session-health", nil, "")
	if err != nil {
		return h, err
	}
	if status != http.StatusOK && !bytes.Contains(body, []byte(`"health"`)) {
		return h, problem(status, body)
	}
	return h, decode(body, &h)
}

// Settings returns the settings that the process was started with.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	return get[Settings](ctx, c, "/api/debug/settings")
}

// History returns the last hours of the process, from a Unix time on.
func (c *Client) History(ctx context.Context, since int64) (History, error) {
	return get[History](ctx, c, "/api/debug/history?since="+strconv.FormatInt(since, 10))
}

const cleanupPath = "/api/debug/cleanup-sessions"

func (p Page) query() string {
	q := url.Values{}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	if p.Limit != 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	return encoded(q)
}

func (s Selection) query() string {
	q := url.Values{}
	if s.CustomerID != "" {
		q.Set("customerId", s.CustomerID)
	}
	if len(s.Rules) > 0 {
		q.Set("rules", strings.Join(s.Rules, ","))
	}
	if s.MaxAgeMinutes != 0 {
		q.Set("maxAgeMinutes", strconv.Itoa(s.MaxAgeMinutes))
	}
	return encoded(q)
}

func (s CheckoutSelection) query() string {
	q := url.Values{}
	for name, value := range map[string]string{"outcome": s.Outcome, "customerId": s.CustomerID, "email": s.Email, "after": s.After} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if s.Limit != 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	return encoded(q)
}

func encoded(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// at returns a path with an id in it.
func at(path, id string) string { return fmt.Sprintf(path, url.PathEscape(id)) }
