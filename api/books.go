package api

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Books writes the books of a month to w, as CSV with a row for each currency. The month is in
// UTC and written like 2026-11. After an error, w has only a part of the file.
func (c *Client) Books(ctx context.Context, month string, w io.Writer) error {
	return c.download(ctx, "/api/debug/books"+encoded(url.Values{"month": {month}}), w)
}

// BookLines is Books with a row for each payment.
func (c *Client) BookLines(ctx context.Context, month string, w io.Writer) error {
	return c.download(ctx, "/api/debug/books"+encoded(url.Values{"month": {month}, "lines": {"true"}}), w)
}

// Evidence returns the recorded facts of a disputed payment and its sessions, under the
// names of Stripe's dispute evidence. Fields without a recorded fact are absent.
func (c *Client) Evidence(ctx context.Context, idOrRef string) (map[string]string, error) {
	return get[map[string]string](ctx, c, at("/api/debug/checkouts/%s/evidence", idOrRef))
}

// download writes a response of any length.
func (c *Client) download(ctx context.Context, path string, w io.Writer) error {
	req, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return fmt.Errorf("call GET %s: %w", path, err)
	}
	resp, err := cmp.Or(c.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return fmt.Errorf("call GET %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }() // what was read counts
	if resp.StatusCode >= http.StatusBadRequest {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("call GET %s: %w", path, err)
		}
		return problem(resp.StatusCode, text)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("call GET %s: %w", path, err)
	}
	return nil
}
