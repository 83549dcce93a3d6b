package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/lifecycle"
)

// maxNotice limits a provider's message, in bytes.
const maxNotice = 256 << 10

// Hook reads a provider's message. It returns Invalid for a bad signature, with a reason that is
// safe to show and the same for every message with that fault, and Conflict for a genuine message
// that belongs to another account. A genuine message that cannot be translated is not an error:
// Unread says why.
type Hook interface {
	// Headers returns the names of the headers with the signature.
	Headers() []string
	Read(header http.Header, body []byte) (curfew.Notice, error)
}

// Hooks read the messages of payment providers, each on its own route. The route of a nil hook
// answers NotFound.
type Hooks struct {
	Stripe Hook
	Events Hook // of any provider, translated by the marketplace
}

// door receives the messages of one route.
type door struct {
	name     string // the provider, as far as it is known before a message is read
	hook     Hook   // nil: the door is closed
	setting  string // the setting that opens it
	payments *lifecycle.Payments
	limits   *limit.Limiter
	tasks    *tasks
	timeout  time.Duration
	problems problem.Writer
	// answer responds to the sender once the message is committed.
	answer func(context.Context, http.ResponseWriter, curfew.Notice) error
}

// receive handles one message. Only the signature, which covers the bytes as received, proves the
// sender. A 2xx means that the message is committed; anything else makes the sender send it again.
func (d door) receive(w http.ResponseWriter, r *http.Request) {
	ctx, end := d.tasks.begin(r.Context(), d.timeout)
	defer end()
	n, err := d.accept(ctx, w, r)
	if err == nil {
		err = d.answer(ctx, w, n)
	}
	if err != nil {
		d.problems.Answer(w, r, err)
	}
}

func (d door) accept(ctx context.Context, w http.ResponseWriter, r *http.Request) (n curfew.Notice, err error) {
	if d.hook == nil {
		return n, curfew.Errorf(curfew.NotFound, "no webhook is set up here: set %s", d.setting)
	}
	if err := checkQuery(r, nil); err != nil {
		d.payments.Refuse(ctx, d.name, "the URL has a query: none is taken here")
		return n, err
	}
	body, err := readNotice(w, r)
	if err != nil {
		d.payments.Refuse(ctx, d.name, err.Error())
		return n, err
	}
	n, err = d.hook.Read(r.Header, body)
	if curfew.KindOf(err) == curfew.Invalid {
		d.payments.Refuse(ctx, d.name, err.Error())
		return n, problem.Malformed("the message is not proven to come from the provider: " + err.Error())
	}
	// Only now, because unproven messages must not use up the provider's limit.
	if limited := d.limits.Spend(ctx, limit.Messages, limit.Of(curfew.Actor{Role: curfew.System, ID: d.name}, netip.Addr{})); limited != nil {
		return n, limited
	}
	if curfew.KindOf(err) == curfew.Conflict {
		d.payments.Ignore(ctx, n, err)
		return n, nil
	}
	if err != nil {
		return n, err
	}
	problem.RequestOf(r.Context()).Actor = curfew.Actor{Role: curfew.System, ID: "provider"}
	return n, d.payments.Receive(ctx, n)
}

func readNotice(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, problem.TooLarge(maxNotice)
	}
	if err != nil {
		return nil, problem.Malformed("the body could not be read to its end")
	}
	return body, nil
}

// acknowledge answers a provider that reads only the status.
func acknowledge(_ context.Context, w http.ResponseWriter, _ curfew.Notice) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// stripeOperation describes the webhook for Stripe. Huma does not check the body, because the
// signature covers its bytes.
func (d door) stripeOperation(to *router) *huma.Operation {
	op := d.operation(to)
	op.OperationID, op.Tags = "receiveNotice", []string{"stripe"}
	op.Summary = "Receive a message from Stripe"
	op.Description = "For: Stripe, authenticated by its signature over the bytes of the body. Any status other than 2xx makes Stripe send the message again."
	op.RequestBody = &huma.RequestBody{
		Description: "The message, exactly as the provider signed it", Required: true,
		Content: map[string]*huma.MediaType{jsonType: {Schema: &huma.Schema{Type: huma.TypeObject}}},
	}
	if d.hook != nil {
		op.Parameters = signedBy(d.hook.Headers())
	}
	op.Responses[strconv.Itoa(http.StatusNoContent)] = &huma.Response{
		Description: "The message is stored, was stored before, or does not concern Curfew; it need not be sent again",
	}
	return op
}

// operation describes what all webhooks have in common.
func (d door) operation(to *router) *huma.Operation {
	op := &huma.Operation{Security: []map[string][]string{}, Responses: map[string]*huma.Response{}}
	for status, meaning := range map[int]string{
		http.StatusBadRequest:            "The signature does not prove who sent it",
		http.StatusNotFound:              "No webhook is set up here",
		http.StatusRequestEntityTooLarge: "It is larger than " + strconv.Itoa(maxNotice) + " bytes",
		http.StatusServiceUnavailable:    "It could not be stored now",
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: meaning, Content: to.failure.Content}
	}
	return op
}

// signedBy describes the headers with a signature.
func signedBy(headers []string) (params []*huma.Param) {
	for _, name := range headers {
		params = append(params, &huma.Param{
			Name: name, In: "header", Required: true, Description: "Part of the sender's signature", Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	return params
}
