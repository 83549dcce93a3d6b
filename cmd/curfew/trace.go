package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/server"
)

// tracing shows where time goes, in spans of the three layers: the request, what
// lifecycle was asked for, and each round trip to the database. A span's name and
// attributes are our own words, the route's pattern and the status: nobody's id,
// address or name. Its zero value shows nothing and costs nothing.
type tracing struct {
	provider *sdk.TracerProvider
	request  server.Trace
	step     curfew.Trace
	store    curfew.Trace
}

// tracing is set up where an endpoint is named, by us or by the standard's
// variables, which the exporter reads itself.
func (s *settings) tracing(ctx context.Context, log *slog.Logger) (tracing, error) {
	var options []otlptracehttp.Option
	switch {
	case s.TraceEndpoint != nil:
		options = append(options, otlptracehttp.WithEndpointURL(string(*s.TraceEndpoint)+"/v1/traces"))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return tracing{}, usagef("trace_endpoint: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are lost", "error", err) }))
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "curfew"), attribute.String("service.version", version())), resource.WithFromEnv())
	if err != nil {
		return tracing{}, usagef("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return newTracing(sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))), nil
}

func newTracing(provider *sdk.TracerProvider) tracing {
	tracer := provider.Tracer("github.com/curfewhq/curfew")
	return tracing{provider: provider, request: requests(tracer), step: steps(tracer), store: insideOnly(steps(tracer))}
}

// requests continues a trace that the caller began, and names the span once the
// route is known.
func requests(tracer trace.Tracer) server.Trace {
	return func(r *http.Request) (context.Context, func(string, int)) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
		return ctx, func(route string, status int) {
			if route != "" {
				span.SetName(route)
			}
			span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}

func steps(tracer trace.Tracer) curfew.Trace {
	return func(ctx context.Context, step string) (context.Context, func()) {
		ctx, span := tracer.Start(ctx, step)
		return ctx, func() { span.End() }
	}
}

// insideOnly shows the steps of something that is shown: the database is asked
// every second by nobody in particular.
func insideOnly(all curfew.Trace) curfew.Trace {
	return func(ctx context.Context, step string) (context.Context, func()) {
		if !trace.SpanFromContext(ctx).IsRecording() {
			return ctx, func() {}
		}
		return all(ctx, step)
	}
}

// stop sends what is left.
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
