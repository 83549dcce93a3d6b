package curfew

import "context"

// Trace is told that a step of work begins, by a name without anybody's data,
// and returns the context of what happens inside and what ends it. Rooms are
// given one to show where time goes; nil: nobody looks, and it costs nothing.
type Trace func(ctx context.Context, step string) (context.Context, func())

// Begin begins a step, also where nobody looks.
func (t Trace) Begin(ctx context.Context, step string) (context.Context, func()) {
	if t == nil {
		return ctx, func() {}
	}
	return t(ctx, step)
}

// Keys of notes that are not OpenTelemetry's own.
const (
	OutcomeNote   = "curfew.outcome"    // what became of an admission
	RequestIDNote = "curfew.request_id" // an answer's X-Request-Id
)

type notesKey struct{}

// WithNotes is a context whose step is told what is learnt of it.
func WithNotes(ctx context.Context, note func(key, value string)) context.Context {
	return context.WithValue(ctx, notesKey{}, note)
}

// Note tells the step that ctx is in something about itself: a key of
// OpenTelemetry's semantic conventions or one of ours, and a value without
// anybody's data. Where nobody looks it does nothing.
func Note(ctx context.Context, key, value string) {
	if note, ok := ctx.Value(notesKey{}).(func(key, value string)); ok && note != nil {
		note(key, value)
	}
}
