package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer is the longest response that the client reads, in bytes.
const maxAnswer = 16 << 20

func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, nil, "")
}

func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	return call[T](ctx, c, http.MethodPost, path, body, "")
}

// call sends a request and decodes the response.
func call[T any](ctx context.Context, c *Client, method, path string, body any, key string) (T, error) {
	var answer T
	_, text, err := c.answered(ctx, method, path, body, key)
	if err != nil {
		return answer, err
	}
	return answer, decode(text, &answer)
}

// answered sends a request and returns the response, unless it is a problem.
func (c *Client) answered(ctx context.Context, method, path string, body any, key string) (int, []byte, error) {
	status, text, err := c.send(ctx, method, path, body, key)
	switch {
	case err != nil:
		return 0, nil, err
	case status >= http.StatusBadRequest:
		return 0, nil, problem(status, text)
	}
	return status, text, pending(status, text)
}

func (c *Client) send(ctx context.Context, method, path string, body any, key string) (int, []byte, error) {
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return 0, nil, fmt.Errorf("call %s %s: %w", method, path, err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := cmp.Or(c.HTTP, http.DefaultClient).Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("call %s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }() // the body was read
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("call %s %s: %w", method, path, err)
	}
	return resp.StatusCode, text, nil
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.ActAs != "" {
		req.Header.Set("X-Curfew-Act-As", c.ActAs)
	}
	return req, nil
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer is not what Curfew answers: %w", err)
	}
	return nil
}

// pending returns the problem of a call that another admin has to approve first, or nil for any
// other response.
func pending(status int, text []byte) error {
	if status != http.StatusAccepted {
		return nil
	}
	p := &Problem{Title: "Nothing was done yet", Status: status}
	if err := json.Unmarshal(text, p); err != nil || p.Code != ApprovalPending {
		return nil
	}
	return p
}

// problem returns the error in a response, even if a proxy answered with another text.
func problem(status int, text []byte) error {
	p := &Problem{}
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
		return &Problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status, Code: "internal",
			Detail: "the answer came from something other than Curfew",
		}
	}
	return p
}
