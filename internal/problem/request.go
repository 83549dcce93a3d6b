package problem

import (
	"cmp"
	"context"
	"net/netip"
	"sync"

	"github.com/curfewhq/curfew"
)

// RequestInfo is what is known of a request. Who the caller is becomes known only once it is authenticated.
type RequestInfo struct {
	ID    string
	Actor curfew.Actor
	// From is the sender's address, as trusted proxies report it. It is not valid if that is unknown. It is never logged.
	From netip.Addr

	mu                       sync.Mutex // work may outlive the request
	customer, object, detail string
}

// Describe says for the audit log which customer a request is about, the id of what else, and in some words what. What is
// empty leaves what was said before.
func (i *RequestInfo) Describe(customerID, object, detail string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if customerID != curfew.Nobody {
		i.customer = cmp.Or(customerID, i.customer)
	}
	i.object, i.detail = cmp.Or(object, i.object), cmp.Or(detail, i.detail)
}

// Subject returns whom and what a request is about, as far as handlers have described it.
func (i *RequestInfo) Subject() (customerID, object, detail string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.customer, i.object, i.detail
}

type requestKey struct{}

// WithRequest returns a context that carries what is known of its request.
func WithRequest(ctx context.Context, info *RequestInfo) context.Context {
	return context.WithValue(ctx, requestKey{}, info)
}

// RequestOf returns the information about the request that ctx belongs to. It is empty, and not shared, if ctx
// belongs to none.
func RequestOf(ctx context.Context) *RequestInfo {
	if v, ok := ctx.Value(requestKey{}).(*RequestInfo); ok {
		return v
	}
	return &RequestInfo{}
}

// RequestID returns the id of the request that ctx belongs to, as the X-Request-Id of its answer has it, or the empty
// text.
func RequestID(ctx context.Context) string { return RequestOf(ctx).ID }
