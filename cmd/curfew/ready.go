package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// readyTime limits the request. Health checks are repeated soon, so it can be short.
const readyTime = 3 * time.Second

type readyCommand struct{}

// Run asks the service on this machine, at listen_ops or on the platform's one port, whether it is
// ready. It serves health checks in containers that have no HTTP client.
func (c *readyCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) error {
	at := s.ListenOps
	if from.withoutOps() {
		at = s.Listen
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.URL()+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no service answers at listen_ops: start `curfew serve`, or name its listen_ops with --listen-ops: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	term.printf("ready\n")
	return nil
}
