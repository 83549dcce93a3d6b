package stripe

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/form"
)

// calls makes the few calls that Curfew needs through the library's backend. The library's full
// client would make a program six megabytes larger.
type calls struct {
	backend stripe.Backend
	key     string
}

// resource is a Stripe object that remembers the response it came in.
type resource[T any] interface {
	*T
	stripe.LastResponseSetter
}

// call makes one call.
func call[T any, P resource[T]](ctx context.Context, c calls, method, path string, params stripe.ParamsContainer) (P, error) {
	params.GetParams().Context = ctx
	answer := P(new(T))
	return answer, c.backend.Call(method, path, c.key, params, answer)
}

// get reads an object by its id: of("/v1/charges/%s", "ch_1").
func get[T any, P resource[T]](ctx context.Context, c calls, path string, params stripe.ParamsContainer) (P, error) {
	return call[T, P](ctx, c, http.MethodGet, path, params)
}

// of formats a path with an id in it.
func of(path, id string) string { return stripe.FormatURLPath(path, id) }

// page is one page of a list.
type page struct {
	stripe.APIResource
	stripe.ListMeta
	Data []json.RawMessage `json:"data"`
}

// list reads a list page by page. Each item remembers its own part of the response.
func list[T any, P resource[T]](ctx context.Context, c calls, path string, params stripe.ListParamsContainer) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		for more := true; more; {
			var p page
			if err := c.page(ctx, path, params, &p); err != nil {
				yield(nil, err)
				return
			}
			more = p.HasMore && len(p.Data) > 0
			for _, raw := range p.Data {
				item := P(new(T))
				err := p.item(raw, item, params)
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

func (c calls) page(ctx context.Context, path string, params stripe.ListParamsContainer, p *page) error {
	query := &form.Values{}
	form.AppendTo(query, params)
	of := params.GetListParams().GetParams()
	of.Context = ctx
	return c.backend.CallRaw(http.MethodGet, path, c.key, []byte(query.Encode()), of, p)
}

// item decodes one item of a page, and records it as the place where the list continues.
func (p *page) item(raw json.RawMessage, item stripe.LastResponseSetter, params stripe.ListParamsContainer) error {
	var named struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, item); err != nil {
		return err
	}
	answer := *p.LastResponse
	answer.RawJSON = raw
	item.SetLastResponse(&answer)
	params.GetListParams().StartingAfter = stripe.String(named.ID)
	return nil
}
