package timeline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
)

func TestTheEvidenceOfAServedSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := purchase("c", "p1")
		p.Email, p.Metadata = "kim@example.org", map[string]string{"cart": "7"}
		f := must(env.Admission.FulfillCheckout(env.Context(), shop, p))(env)
		must(env.Queue.Accept(env.Context(), f.RequestID, "mechanic-max"))(env)
		must(env.Queue.Unassign(env.Context(), admin, f.SessionID, "he is ill"))(env)
		must(env.Queue.Accept(env.Context(), f.RequestID, "mechanic-eve"))(env)
		for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: "c"}, {Role: curfew.Mechanic, ID: "mechanic-eve"}} {
			must(env.Sessions.Join(env.Context(), f.SessionID, by))(env)
		}
		env.Age(env, f.SessionID, 20*time.Minute)
		s := must(env.Sessions.End(env.Context(), f.SessionID, admin))(env)
		c := must(env.Checkouts.Checkout(env.Context(), "p1"))(env)
		must(env.Store.Annotate(env.Context(), record.Annotation{From: c, Reason: "a liar", Note: "a liar", Actor: admin}))(env)
		got := must(env.Evidence(env.Context(), "p1"))(env)
		if byID := must(env.Evidence(env.Context(), c.ID))(env); byID != got {
			env.Errorf("by its id it is %+v", byID)
		}
		s = must(env.Sessions.Session(env.Context(), s.ID))(env)
		for text, want := range map[string]string{
			got.CustomerName: "Kim", got.CustomerEmailAddress: "kim@example.org", got.ServiceDate: s.StartedAt.UTC().Format("2 January 2006"),
			got.ProductDescription: "Live help by a mechanic (chat), plan chat10, 30 minutes: 29.00 EUR.",
			plainly(got.AccessActivityLog): `TIME  The customer joined session ID.
TIME  The mechanic joined session ID.
TIME  Both were in session ID, and its clock began to run.
TIME  Session ID ended. It had been live for 20 minutes.
`,
			plainly(got.UncategorizedText): `TIME  Session ID (chat10, 30 minutes) began to wait for a mechanic (by the shop).
TIME  Payment p1 (29.00 EUR, chat10) brought its session (by the shop).
TIME  A mechanic accepted session ID (by the mechanic).
TIME  Session ID was put back into the queue (by an operator).
TIME  A mechanic accepted session ID (by the mechanic).
TIME  One of its parties came into session ID (by the customer).
TIME  Both were in: session ID went live, and its clock runs (by the mechanic).
TIME  Session ID was ended before its deadline: it is completed (by an operator).
`,
		} {
			if diff := cmp.Diff(want, text); diff != "" {
				env.Errorf("(-want +got):\n%s", diff)
			}
		}
		for _, secret := range []string{"anna", "liar", "ill", "mechanic-", "shop\""} {
			if text := string(must(json.Marshal(got))(env)); strings.Contains(text, secret) {
				env.Errorf("it names %q: %s", secret, text)
			}
		}
	})
}

// What did not happen is not claimed.
func TestTheEvidenceOfWhatNeverTookPlace(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("c", "p1")
		env.pay("c", "p2") // waits for the slot
		got := must(env.Evidence(env.Context(), "p2"))(env)
		if got.ServiceDate != "" || got.AccessActivityLog != "" || got.CustomerEmailAddress != "" ||
			got.ProductDescription != "Live help by a mechanic, plan chat10: 29.00 EUR." {
			env.Errorf("it claims %+v", got)
		}
		if _, err := env.Evidence(env.Context(), "p3"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("of a payment that nobody knows: %v", err)
		}
	})
}

// Stripe's own types know each of the fields, and take what is in them.
func TestStripeTakesTheEvidence(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.pay("c", "p1")
		c := must(env.Checkouts.Checkout(env.Context(), "p1"))(env)
		for range 120 {
			c = must(env.Store.Annotate(env.Context(), record.Annotation{
				From: c, Actor: curfew.Provider, Reason: "the provider reports: " + strings.Repeat("ä", 200),
			}))(env)
		}
		got := must(env.Evidence(env.Context(), "p1"))(env)
		if n := utf8.RuneCountInString(got.UncategorizedText); n > 20_000 || n < 19_000 || !strings.HasSuffix(got.UncategorizedText, " more.\n") {
			env.Errorf("%d characters, with the end %q", n, got.UncategorizedText[len(got.UncategorizedText)-30:])
		}
		full := timeline.Evidence{AccessActivityLog: "a", CustomerEmailAddress: "b", CustomerName: "c", ProductDescription: "d", ServiceDate: "e", UncategorizedText: "f"}
		strict := json.NewDecoder(bytes.NewReader(must(json.Marshal(full))(env)))
		strict.DisallowUnknownFields()
		var theirs stripe.DisputeEvidenceParams
		if err := strict.Decode(&theirs); err != nil || *theirs.UncategorizedText != "f" {
			env.Errorf("Stripe reads %+v: %v", theirs, err)
		}
	})
}
