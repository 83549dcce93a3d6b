package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/lifecycle"
)

// maxNotice is the largest message of a provider, in bytes.
const maxNotice = 256 << 10

// Hook reads a provider's message. The error's kind is Invalid for a signature that proves nothing, with a reason that
// is safe to show, and Conflict for a genuine message that belongs to another account. A genuine message that cannot be
// translated is no error: it says why in Unread.
type Hook interface {
	// Header returns the name of the header with the signature.
	Header() string
	Read(signature string, body []byte) (curfew.Notice, error)
}

// webhookHandlers take in the messages of a payment provider.
type webhookHandlers struct {
	hook     Hook // nil: no webhook is set up
	payments *lifecycle.Payments
	tasks    *tasks
	timeout  time.Duration
	problems problem.Writer
	log      *slog.Logger
}

// receive takes in one message. Only the signature says who calls, and it covers the bytes as they came. What is
// acknowledged has been committed; anything but a 2xx makes the provider send the message again.
func (h webhookHandlers) receive(w http.ResponseWriter, r *http.Request) {
	ctx, end := h.tasks.begin(r.Context(), h.timeout)
	defer end()
	if err := h.accept(ctx, w, r); err != nil {
		h.problems.Answer(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h webhookHandlers) accept(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if h.hook == nil {
		return curfew.Errorf(curfew.NotFound, "no webhook is set up here: set stripe.webhook_secret")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.TooLarge(maxNotice)
	}
	if err != nil {
		return problem.Malformed("the body could not be read to its end")
	}
	n, err := h.hook.Read(r.Header.Get(h.hook.Header()), body)
	switch curfew.KindOf(err) {
	case curfew.Invalid:
		h.log.WarnContext(ctx, "refused a message that is not proven to come from the provider", "why", err)
		return problem.Malformed("the message is not proven to come from the provider: " + err.Error())
	case curfew.Conflict:
		h.log.WarnContext(ctx, "ignored a provider's message for another account or mode", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	problem.RequestOf(r.Context()).Actor = curfew.Actor{Role: curfew.System, ID: "provider"}
	return h.payments.Receive(ctx, n)
}

// operation describes receive. Huma does not check the body, because the signature covers it as it is.
func (h webhookHandlers) operation(failure *huma.Response) *huma.Operation {
	op := &huma.Operation{
		OperationID: "receiveNotice",
		Summary:     "Take in a message of the payments' provider",
		Description: "For: the provider, known by its signature over the bytes of the body. Anything but a 2xx asks for the message again.",
		Tags:        []string{"stripe"},
		Security:    []map[string][]string{},
		RequestBody: &huma.RequestBody{
			Description: "The message, exactly as the provider signed it", Required: true,
			Content: map[string]*huma.MediaType{jsonType: {Schema: &huma.Schema{Type: huma.TypeObject}}},
		},
		Responses: map[string]*huma.Response{},
	}
	for status, meaning := range map[int]string{
		http.StatusNoContent:             "It is committed, was before, or is none of ours: it need not come again",
		http.StatusBadRequest:            "It is not proven to come from the provider",
		http.StatusNotFound:              "No webhook is set up here",
		http.StatusRequestEntityTooLarge: "It is larger than " + strconv.Itoa(maxNotice) + " bytes",
		http.StatusServiceUnavailable:    "It could not be committed now",
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: meaning, Content: failure.Content}
	}
	op.Responses[strconv.Itoa(http.StatusNoContent)].Content = nil
	if h.hook != nil {
		op.Parameters = []*huma.Param{{
			Name: h.hook.Header(), In: "header", Required: true, Description: "The provider's signature", Schema: &huma.Schema{Type: huma.TypeString},
		}}
	}
	return op
}
