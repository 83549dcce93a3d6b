package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/sse"
)

// streaming makes a route that is documented as the others are, but answers for itself: huma's way to a handler would
// keep as much memory again for each stream.
func streaming(path string, a auth.Access, name, summary string) route {
	rt := route{method: http.MethodGet, path: path, access: a, name: name, summary: summary, statuses: []int{http.StatusOK}}
	rt.register = func(s *Server, to huma.API, op huma.Operation, rt route) {
		op.Parameters = []*huma.Param{{
			Name: sse.LastEventID, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The id of the last frame that was read; resuming begins 30 s before it",
		}}
		op.Responses["200"] = &huma.Response{
			Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{sse.ContentType: {}},
		}
		to.OpenAPI().AddOperation(&op)
		to.Adapter().Handle(&op, func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			if err := s.stream(w, r, rt); err != nil {
				s.problems.Answer(w, r, err)
			}
		})
	}
	return rt
}

// stream lets a caller in and opens their stream.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, rt route) error {
	ctx, cancel := context.WithTimeout(r.Context(), rt.timeout)
	defer cancel()
	caller, err := s.enter(w, r.WithContext(ctx), rt)
	if err != nil {
		return err
	}
	return s.streams.Serve(ctx, w, r, caller)
}

// EndStreams ends every stream with a bye, refuses new ones, and waits until all have ended. The error is the context's.
func (s *Server) EndStreams(ctx context.Context) error { return s.streams.End(ctx) }
