package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// maxNotice is the largest message of a provider, in bytes.
const maxNotice = 256 << 10

// webhookPath is where a provider tells what happened to payments.
const webhookPath = "/api/stripe/webhook"

// Hook reads a provider's message. Errors: Invalid for a signature or a body
// that proves nothing, Conflict for a true message that is another account's.
type Hook interface {
	// Header is the name of the header with the signature.
	Header() string
	Read(signature string, body []byte) (curfew.Notice, error)
}

// webhook takes a provider's message in. The signature is all that says who
// calls, and it is over the bytes as they came. What is acknowledged is
// committed; anything but a 2xx makes the provider send it again.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	ctx, end := s.works.begin(r.Context(), s.timeout)
	defer end()
	if err := s.receive(ctx, w, r); err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if s.hook == nil {
		return curfew.Errorf(curfew.NotFound, "no webhook is set up here: set stripe.webhook_secret")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem.TooLarge(maxNotice)
	}
	if err != nil {
		return problem.Malformed("the body could not be read to its end")
	}
	n, err := s.hook.Read(r.Header.Get(s.hook.Header()), body)
	switch curfew.KindOf(err) {
	case curfew.Invalid:
		return problem.Malformed("the message is not proven to come from the provider")
	case curfew.Conflict:
		s.log.WarnContext(ctx, "a provider's message is another account's or mode's; nothing was done", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	problem.RequestOf(r.Context()).Actor = curfew.Actor{Role: curfew.System, ID: "provider"}
	return s.engine.Payments.Receive(ctx, n)
}

// webhookOperation describes the webhook. It is no route of the table: no role
// may call it, and its body is not ours to check.
func (s *Server) webhookOperation(problem *huma.Response) *huma.Operation {
	op := &huma.Operation{
		OperationID: "receiveNotice", Method: http.MethodPost, Path: webhookPath,
		Summary:     "Take in a message of the payments' provider",
		Description: "For: the provider, known by its signature over the bytes of the body. Anything but a 2xx asks for the message again.",
		Tags:        []string{"stripe"},
		Security:    []map[string][]string{},
		RequestBody: &huma.RequestBody{
			Description: "The message, exactly as the provider signed it", Required: true,
			Content: map[string]*huma.MediaType{jsonType: {Schema: &huma.Schema{Type: huma.TypeObject}}},
		},
		Responses: map[string]*huma.Response{"default": problem},
	}
	for status, means := range map[int]string{
		http.StatusNoContent:             "It is committed, was before, or is none of ours: it need not come again",
		http.StatusBadRequest:            "It is not proven to come from the provider",
		http.StatusNotFound:              "No webhook is set up here",
		http.StatusRequestEntityTooLarge: "It is larger than " + strconv.Itoa(maxNotice) + " bytes",
		http.StatusServiceUnavailable:    "It could not be committed now",
	} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: means, Content: problem.Content}
	}
	op.Responses[strconv.Itoa(http.StatusNoContent)].Content = nil
	if s.hook != nil {
		op.Parameters = []*huma.Param{{
			Name: s.hook.Header(), In: "header", Required: true, Description: "The provider's signature", Schema: &huma.Schema{Type: huma.TypeString},
		}}
	}
	return op
}
