package main

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/curfewhq/curfew/internal/discreet"
	"github.com/curfewhq/curfew/internal/problem"
)

// inContext adds the ids of the request and the trace to each log line.
type inContext struct{ slog.Handler }

// Handle implements slog.Handler.
func (h inContext) Handle(ctx context.Context, line slog.Record) error {
	if id := problem.RequestID(ctx); id != "" && !has(line, "request_id") {
		line.AddAttrs(slog.String("request_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (h inContext) WithAttrs(attrs []slog.Attr) slog.Handler {
	return inContext{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h inContext) WithGroup(name string) slog.Handler { return inContext{h.Handler.WithGroup(name)} }

func has(line slog.Record, key string) (found bool) {
	line.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}

// logger returns a logger for records at or above both the configured level and least. It redacts
// personal data.
func (s *settings) logger(to io.Writer, least slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: max(slog.Level(s.LogLevel), least), ReplaceAttr: discreet.Replace}
	if s.LogFormat == "json" {
		return slog.New(inContext{slog.NewJSONHandler(to, options)})
	}
	return slog.New(inContext{slog.NewTextHandler(to, options)})
}
