package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// tracer shows each round trip as a step that is named by what it does. No
// argument is shown, and no error's text: it may quote one.
type tracer struct{ trace curfew.Trace }

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
} = tracer{}

// endKey is where a context keeps what ends its step.
type endKey struct{}

func (t tracer) begin(ctx context.Context, what string) context.Context {
	ctx, end := t.trace(ctx, "postgres "+what)
	return context.WithValue(ctx, endKey{}, end)
}

func end(ctx context.Context) {
	if end, ok := ctx.Value(endKey{}).(func()); ok {
		end()
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return t.begin(ctx, verb(q.SQL))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) { end(ctx) }

// TraceBatchStart implements pgx.BatchTracer.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.begin(ctx, "batch")
}

// TraceBatchQuery implements pgx.BatchTracer: the batch is one round trip.
func (tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) { end(ctx) }

// verb is a statement's first word.
func verb(sql string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	return strings.ToLower(word)
}
