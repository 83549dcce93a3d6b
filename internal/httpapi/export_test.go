package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
)

// RouteLine is what the tests need of a route.
type RouteLine struct {
	Method, Path   string
	Roles          []curfew.Role
	Params, Fields []string
}

// RouteTable is every route.
func RouteTable() []RouteLine {
	var all []RouteLine
	for _, rt := range (&Server{}).routes() {
		all = append(all, RouteLine{rt.method, rt.path, rt.access.roles, rt.params, rt.fields})
	}
	return all
}

// Sample keeps what health says now for the charts.
func (s *Server) Sample(ctx context.Context) { s.history.Record(ctx) }

// Recall keeps what was before the server for the charts.
func (s *Server) Recall(ctx context.Context) { s.history.Recall(ctx) }

// IssueAs issues a token of another type.
func (i *Identity) IssueAs(typ string, a curfew.Actor) (string, error) {
	return i.issue(typ, a, cookieTTL)
}

// KeyTimes is the rhythm of a key server, in a test.
type KeyTimes struct{ Refresh, Retry, Unknown, Fetch, Wait, Keep time.Duration }

// Refused is what a server says at its start of a table with such a route;
// relations are numbered in their order.
func Refused(path string, relates int, roles ...curfew.Role) error {
	return everyRouteHasAccess([]route{{method: "GET", path: path, access: access{roles, relation(relates)}}})
}

// RefusedPage is Refused for a page.
func RefusedPage(roles ...curfew.Role) error {
	return everyPageHasAccess([]view{{path: "/page", roles: roles}})
}

// UsualKeyTimes is the rhythm of production.
func UsualKeyTimes() KeyTimes {
	t := usualKeyTimes
	return KeyTimes{t.refresh, t.retry, t.unknown, t.fetch, t.wait, t.keep}
}

// NewIdentityTimed is NewIdentity with another rhythm, and a key server that is
// reached by trusted, where that is given.
func NewIdentityTimed(ctx context.Context, o AuthOptions, t KeyTimes, trusted http.RoundTripper) (*Identity, error) {
	times := keyTimes{t.Refresh, t.Retry, t.Unknown, t.Fetch, t.Wait, t.Keep}
	if trusted == nil {
		return newIdentity(ctx, o, times)
	}
	return newIdentity(ctx, o, times, func(k *KeyServer) { k.client.Transport = trusted })
}

// The types of our tokens.
const (
	TicketType = ticketType
	CookieType = cookieType
)

// Quicken gives streams shorter times. It is called before the server serves.
func (s *Server) Quicken(beat, writing time.Duration) { s.beat, s.writing = beat, writing }

// What a stream may tell is held to what the gate lets pass.
var (
	TopicsOf = topicsOf
	Reaches  = reaches
)
