package storetest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// messages checks that the text of a refusal depends only on the refusal, not on the store.
var messages = contract{
	"every store names what is missing in the same words":  saysWhatIsMissing,
	"every store names what has changed in the same words": saysWhatHasMoved,
}

// says compares refusals with the words that every store uses. ID stands for an id that is not
// known in advance.
func (f *operationFixture) says(refused map[string]error, want map[string]string, ids ...string) {
	f.Helper()
	got := map[string]string{}
	for call, err := range refused {
		listed, ok := errors.AsType[*curfew.Error](err)
		if !ok {
			got[call] = "no words: " + errorText(err)
			continue
		}
		text := listed.Message
		for _, id := range ids {
			text = strings.ReplaceAll(text, id, "ID")
		}
		got[call] = string(listed.Kind) + ": " + text
	}
	for _, call := range slices.Sorted(maps.Keys(got)) {
		if got[call] != want[call] {
			f.Errorf("%s is refused with\n%s\nnot\n%s", call, got[call], want[call])
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "it was not refused"
	}
	return err.Error()
}

func second[T any](_ T, err error) error { return err }

func saysWhatIsMissing(f *fixture) {
	ctx, st, id := f.Context(), f.Store, newID()
	f.says(map[string]error{
		"Session":    second(st.Session(ctx, id)),
		"SessionOf":  second(st.SessionOf(ctx, id)),
		"Open":       second(st.Open(ctx, "ada")),
		"Slot":       second(st.Slot(ctx, "max")),
		"Checkout":   second(st.Checkout(ctx, id)),
		"Reference":  second(st.Reference(ctx, "ref-1")),
		"Key":        second(st.Key(ctx, "ada", "key-1")),
		"Credit":     second(st.Credit(ctx, "ada", "chat10")),
		"Deferred":   second(st.Deferred(ctx, "ada")),
		"Ledger":     second(st.Ledger(ctx, id)),
		"LedgerOf":   second(st.LedgerOf(ctx, "ref-1")),
		"Run":        second(st.Run(ctx, id)),
		"FinishRun":  second(st.FinishRun(ctx, curfew.Run{ID: id, Outcome: curfew.RunSucceeded})),
		"Preview":    second(st.Preview(ctx, id)),
		"Revival":    second(st.Revival(ctx, "ada", id)),
		"no session": second(st.Session(ctx, "x' OR 1=1")),
	}, map[string]string{
		"Session":    `not_found: there is no session "ID"`,
		"SessionOf":  `not_found: there is no request "ID"`,
		"Open":       `not_found: customer "ada" has no open session`,
		"Slot":       `not_found: mechanic "max" is not busy`,
		"Checkout":   `not_found: there is no checkout "ID"`,
		"Reference":  `not_found: the payment reference "ref-1" was never seen`,
		"Key":        `not_found: the key "key-1" was never seen`,
		"Credit":     `not_found: customer "ada" has no credit of plan "chat10"`,
		"Deferred":   `not_found: customer "ada" has no deferred payment`,
		"Ledger":     `not_found: there is no payment "ID"`,
		"LedgerOf":   `not_found: the payment reference "ref-1" was never seen`,
		"Run":        `not_found: there is no run "ID"`,
		"FinishRun":  `not_found: there is no run "ID"`,
		"Preview":    `not_found: there is no preview "ID": they are kept for a day`,
		"Revival":    `not_found: nothing revives session "ID"`,
		"no session": `not_found: there is no session "x' OR 1=1"`,
	}, id)
}

func saysWhatHasMoved(f *fixture) {
	ctx, st := f.Context(), f.Store
	live, waiting, open := f.live("ada", "max"), f.admit("bob"), f.admit("cyd")
	moved, stale := accepting(f.admit("dan"), "mia"), f.paidBy(waiting)
	moved.From.Version = 7
	stale.Version = 7
	held := f.record(curfew.Nobody, curfew.Held)
	heldMoved := held
	heldMoved.Version = 7
	again := admission("eve")
	again.Checkout.Ref = f.paidBy(open).Ref
	extension := extending(live)
	extension.From.Version = 7
	deferral := admission("fay").Checkout
	deferral.Ref = again.Checkout.Ref
	unwritten := unrecorded("fay", curfew.Held)
	unwritten.Ref = again.Checkout.Ref
	reported := admissionOf("hal", f.reports(reported(nil, "cs-1")))
	reported.Checkout.Version = 7
	f.must(st.ClaimOnce(ctx, "once", time.Hour))
	f.says(map[string]error{
		"Change":           second(st.Change(ctx, moved)),
		"Change, busy":     second(st.Change(ctx, accepting(waiting, "max"))),
		"ChangeCheckout":   second(st.ChangeCheckout(ctx, record.CheckoutChange{From: stale, To: curfew.Credited, Reason: "x", Actor: shop})),
		"Admit, reference": second(st.Admit(ctx, again)),
		"Admit, told of":   second(st.Admit(ctx, reported)),
		"Admit, open":      second(st.Admit(ctx, admission("cyd"))),
		"Extend":           second(st.Extend(ctx, extension)),
		"Defer":            second(st.Defer(ctx, deferral, shop, time.Hour)),
		"Record":           second(st.Record(ctx, unwritten, shop, "x")),
		"Annotate":         second(st.Annotate(ctx, record.Annotation{From: heldMoved, Reason: "x", Actor: shop, Note: "x"})),
		"Reassign":         second(st.Reassign(ctx, record.Reassignment{From: heldMoved, CustomerID: "gil", Plan: "chat10", Retry: time.Hour, Reason: "x", Actor: shop})),
		"FreeSlot":         st.FreeSlot(ctx, record.Slot{MechanicID: "max", CustomerID: "ada", SessionID: live.ID}),
		"ClaimOnce":        st.ClaimOnce(ctx, "once", time.Hour),
	}, map[string]string{
		"Change":           `conflict: session ID has moved`,
		"Change, busy":     `mechanic_busy: mechanic max is busy`,
		"ChangeCheckout":   `conflict: checkout ID has moved`,
		"Admit, reference": `conflict: another was first`,
		"Admit, told of":   `conflict: payment ID has moved`,
		"Admit, open":      `conflict: another was first`,
		"Extend":           `conflict: session ID has moved`,
		"Defer":            `conflict: another was first`,
		"Record":           `conflict: another was first`,
		"Annotate":         `conflict: checkout ID has moved`,
		"Reassign":         `conflict: checkout ID has moved`,
		"FreeSlot":         `conflict: the slot of mechanic max is held by session ID or has changed`,
		"ClaimOnce":        `conflict: another was first`,
	}, live.ID, moved.From.ID, stale.ID, held.ID, reported.Checkout.ID)
}
