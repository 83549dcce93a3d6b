package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
)

// tracing traces three layers: the request, the operation of lifecycle, and each round trip to the database. Spans follow
// OpenTelemetry's semantic conventions for HTTP and databases, without what identifies callers: path, address and agent.
// The zero value traces nothing and costs nothing.
type tracing struct {
	provider *sdk.TracerProvider
	request  httpapi.Trace
	step     curfew.Trace
	store    curfew.Trace
}

// tracing traces if an endpoint is set, by trace_endpoint or by the standard variables, which the
// exporter reads itself.
func (s *settings) tracing(ctx context.Context, log *slog.Logger) (tracing, error) {
	var options []otlptracehttp.Option
	switch {
	case s.TraceEndpoint != nil:
		options = append(options, otlptracehttp.WithEndpointURL(string(*s.TraceEndpoint)+"/v1/traces"))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return untraced(), nil
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return tracing{}, usagef("trace_endpoint: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.WarnContext(ctx, "traces are lost", "error", err) }))
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "curfew"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		return tracing{}, usagef("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return newTracing(sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))), nil
}

func newTracing(provider *sdk.TracerProvider) tracing {
	tracer := provider.Tracer("github.com/curfewhq/curfew")
	return tracing{
		provider: provider, request: requests(tracer), step: steps(tracer, trace.SpanKindInternal),
		store: insideOnly(steps(tracer, trace.SpanKindClient)),
	}
}

// untraced sends no spans, but continues a caller's trace, so that log lines name it.
func untraced() tracing { return tracing{request: requests(noop.NewTracerProvider().Tracer(""))} }

// requests traces requests. It continues the trace of the caller, and names the span once the route is known.
func requests(tracer trace.Tracer) httpapi.Trace {
	return func(r *http.Request, requestID string) (context.Context, func(string, int)) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", methodOf(r)), attribute.String(curfew.RequestIDNote, requestID)))
		ctx = curfew.WithNotes(ctx, notesOn(span, nil))
		return ctx, func(route string, status int) { endRequest(span, route, status) }
	}
}

func endRequest(span trace.Span, route string, status int) {
	if route != "" {
		span.SetName(route)
		_, path, _ := strings.Cut(route, " ")
		span.SetAttributes(attribute.String("http.route", path))
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// methodOf returns a request's method if it is a standard one, because callers can send anything.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "_OTHER"
}

// steps traces the steps of a request. A step's outcome is also set on its request.
func steps(tracer trace.Tracer, kind trace.SpanKind) curfew.Trace {
	return func(ctx context.Context, step string) (context.Context, func()) {
		outer := trace.SpanFromContext(ctx)
		ctx, span := tracer.Start(ctx, step, trace.WithSpanKind(kind))
		return curfew.WithNotes(ctx, notesOn(span, outer)), func() { span.End() }
	}
}

func notesOn(span, outer trace.Span) func(key, value string) {
	return func(key, value string) {
		switch key {
		case "db.operation.batch.size":
			n, _ := strconv.Atoi(value) // our own
			span.SetAttributes(attribute.Int(key, n))
			return
		case "error.type":
			span.SetStatus(codes.Error, "")
		case curfew.OutcomeNote:
			if outer != nil {
				outer.SetAttributes(attribute.String(key, value))
			}
		}
		span.SetAttributes(attribute.String(key, value))
	}
}

// insideOnly traces only steps within something that is traced: background work queries the
// database every second.
func insideOnly(all curfew.Trace) curfew.Trace {
	return func(ctx context.Context, step string) (context.Context, func()) {
		if !trace.SpanFromContext(ctx).IsRecording() {
			return curfew.WithNotes(ctx, nil), func() {}
		}
		return all(ctx, step)
	}
}

// stop flushes the remaining spans.
func (t tracing) stop(ctx context.Context) {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}
