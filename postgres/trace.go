package postgres

import (
	"cmp"
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// tracer records each round trip as a step, with OpenTelemetry's semantic conventions for
// databases. It records no arguments, and no error texts, which may quote arguments.
type tracer struct {
	trace    curfew.Trace
	database string
}

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
} = tracer{}

// endKey is where a context keeps what ends its step.
type endKey struct{}

func (t tracer) begin(ctx context.Context, o operation) context.Context {
	ctx, end := t.trace(ctx, o.summary)
	curfew.Note(ctx, "db.system.name", "postgresql")
	curfew.Note(ctx, "db.namespace", t.database)
	curfew.Note(ctx, "db.operation.name", o.name)
	curfew.Note(ctx, "db.query.summary", o.summary)
	if o.table != "" {
		curfew.Note(ctx, "db.collection.name", o.table)
	}
	return context.WithValue(ctx, endKey{}, end)
}

func end(ctx context.Context, err error) {
	if err != nil {
		noteError(ctx, err)
	}
	if end, ok := ctx.Value(endKey{}).(func()); ok {
		end()
	}
}

// noteError notes the server's code, or else the kind.
func noteError(ctx context.Context, err error) {
	kind := code(err)
	if kind != "" {
		curfew.Note(ctx, "db.response.status_code", kind)
	}
	curfew.Note(ctx, "error.type", cmp.Or(kind, string(kindOf(err))))
}

// TraceQueryStart implements pgx.QueryTracer.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return t.begin(ctx, operationOf(q.SQL))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	end(ctx, q.Err)
}

// TraceBatchStart implements pgx.BatchTracer: the batch is one round trip, and
// is named by its first statement.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	o := operation{name: "BATCH", summary: "BATCH"}
	if n := len(b.Batch.QueuedQueries); n > 0 {
		first := operationOf(b.Batch.QueuedQueries[0].SQL)
		o = operation{name: "BATCH " + first.name, summary: "BATCH " + first.summary, table: first.table}
	}
	ctx = t.begin(ctx, o)
	curfew.Note(ctx, "db.operation.batch.size", strconv.Itoa(b.Batch.Len()))
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchEndData) {
	end(ctx, b.Err)
}

// operation describes a statement: its first word, the first table that it names, and
// both together.
type operation struct{ name, table, summary string }

var (
	operations sync.Map // by statement: they are constants
	firstTable = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE|TABLE)\s+(curfew\.\w+)`)
)

func operationOf(sql string) operation {
	if known, ok := operations.Load(sql); ok {
		o, _ := known.(operation) // nothing else is stored
		return o
	}
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	o := operation{name: strings.ToUpper(strings.TrimSpace(word))}
	if m := firstTable.FindStringSubmatch(sql); m != nil {
		o.table = m[1]
	}
	o.summary = strings.TrimSpace(o.name + " " + o.table)
	operations.Store(sql, o)
	return o
}
