// Package openapi completes the description that huma derives from Go's types, so that generators make good clients of it:
// problems as a union by code, outcomes as unions, named lists of words, server-sent events and webhooks with their shapes, examples.
//
// It changes a description, and nothing that a server checks: it must be given one that no server uses.
package openapi
