package curfew

import "context"

// Trace begins a span for a step of work. The step's name contains no personal data. It
// returns the span's context, and the function that ends it. A nil Trace records
// nothing.
type Trace func(ctx context.Context, step string) (context.Context, func())

// Begin begins a step. It works on a nil Trace, too.
func (t Trace) Begin(ctx context.Context, step string) (context.Context, func()) {
	if t == nil {
		return ctx, func() {}
	}
	return t(ctx, step)
}

// Keys of notes that are not OpenTelemetry's own.
const (
	OutcomeNote   = "curfew.outcome"    // what became of an admission
	RequestIDNote = "curfew.request_id" // the X-Request-Id of a response
)

type notesKey struct{}

// WithNotes returns a context that passes notes about its step to a function.
func WithNotes(ctx context.Context, note func(key, value string)) context.Context {
	return context.WithValue(ctx, notesKey{}, note)
}

// Note adds an attribute to the context's current step: a key of OpenTelemetry's semantic
// conventions or one of ours, and a value without personal data. Without a step it does
// nothing.
func Note(ctx context.Context, key, value string) {
	if note, ok := ctx.Value(notesKey{}).(func(key, value string)); ok && note != nil {
		note(key, value)
	}
}
