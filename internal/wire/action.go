package wire

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// actionCalls has the call that carries out each action: a POST to path, in which {id} is the action's id.
var actionCalls = map[lifecycle.ActionName]struct {
	path string
	body map[string]any
}{
	lifecycle.ClearCustomer:  {"/api/customers/{id}/clear", map[string]any{"reason": ""}},
	lifecycle.ForceClear:     {"/api/customers/{id}/clear", map[string]any{"force": true, "reason": ""}},
	lifecycle.ReleaseSlot:    {"/api/debug/sessions/{id}/release", map[string]any{"reason": ""}},
	lifecycle.RefundPayment:  {"/api/debug/checkouts/{id}/refund", map[string]any{"reason": ""}},
	lifecycle.CreditPayment:  {"/api/debug/checkouts/{id}/credit", map[string]any{"reason": ""}},
	lifecycle.FulfillPayment: {"/api/debug/checkouts/{id}/fulfil", map[string]any{"reason": ""}},
	lifecycle.UndoRun:        {"/api/debug/cleanup-runs/{id}/undo", map[string]any{"reason": ""}},
}

// Action converts an action to its call; ok is false if the API has no call for it.
func Action(a timeline.Action) (action api.Action, ok bool) {
	call, ok := actionCalls[a.Name]
	return api.Action{
		Name: string(a.Name), Label: a.Label, Consequence: a.Consequence, Method: http.MethodPost,
		Path: strings.Replace(call.path, "{id}", url.PathEscape(a.ID), 1), Body: call.body,
	}, ok
}
