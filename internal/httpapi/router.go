package httpapi

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// router mounts routes, and holds what they need to answer.
type router struct {
	mux      *http.ServeMux
	api      huma.API
	failure  *huma.Response // the problem that every operation may answer with
	gate     *auth.Gate
	tasks    *tasks
	problems problem.Writer // of the API: always problems
	pages    problem.Writer // of what belongs to no route: pages for browsers
	log      *slog.Logger
	timeout  time.Duration // of routes without a time of their own
}

func newRouter(version string, timeout time.Duration, gate *auth.Gate, running *tasks, log *slog.Logger) *router {
	mux := http.NewServeMux()
	documented := humago.New(mux, humaConfig(version))
	return &router{
		mux: mux, api: documented, failure: problemResponse(documented.OpenAPI().Components.Schemas),
		gate: gate, tasks: running, problems: problem.Writer{Log: log}, pages: problem.Writer{Log: log, Page: console.ProblemPage}, log: log, timeout: timeout,
	}
}

// ServeHTTP passes a request to its route. For a path or method without one it answers with a
// problem, or to a browser with a page, where the mux alone would answer in plain text.
func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, pattern := t.mux.Handler(r)
	if rec, ok := w.(*recorder); ok {
		rec.route = pattern
	}
	if pattern != "" {
		t.mux.ServeHTTP(w, r)
		return
	}
	plain := &discarded{header: http.Header{}}
	h.ServeHTTP(plain, r)
	if plain.status == http.StatusMethodNotAllowed {
		t.pages.Answer(w, r, problem.WrongMethod(strictjson.Short(r.Method), plain.header.Get("Allow")))
		return
	}
	if problem.Browses(r) {
		t.pages.Answer(w, r, curfew.Errorf(curfew.NotFound, "there is no page at this address"))
		return
	}
	t.problems.Answer(w, r, curfew.Errorf(curfew.NotFound, "there is no such route: /docs lists them"))
}
