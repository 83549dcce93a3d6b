package curfew_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

// Whatever a reason says, outsiders read a code of the list, and never the text.
func TestOutsidersReadCodesAndRolesAlone(t *testing.T) {
	t.Parallel()
	const canary = "CANARY"
	for _, reason := range []string{
		"", canary, canary + ": expired", "expired: " + canary, "released: " + canary, "refunded: " + canary, "cleared: " + canary,
		"revived: " + canary, "refused: " + canary, "extended by " + canary, "accepted" + canary,
	} {
		for _, step := range []curfew.OutcomeStep{{From: "", To: "held"}, {From: "held", To: "deferred"}, {From: "waiting", To: "waiting"}, {From: canary, To: canary}} {
			e := curfew.Event{
				From: string(step.From), To: string(step.To), Reason: reason, Actor: curfew.Actor{Role: curfew.Admin, ID: canary}, RunID: canary,
			}.Outside()
			if !slices.Contains(curfew.ReasonCodes(), e.Reason) {
				t.Errorf("reason %q of %v has the code %q, which is not listed", reason, step, e.Reason)
			}
			if e.Actor != curfew.OutsideOperator || strings.Contains(e.From+e.To, canary) {
				t.Errorf("reason %q of %v becomes %+v", reason, step, e)
			}
		}
	}
	for role, want := range map[curfew.Role]curfew.OutsideRole{
		curfew.Customer: "customer", curfew.Mechanic: "mechanic", curfew.Admin: "operator", curfew.Service: "service", curfew.System: "system", canary: "system",
	} {
		if got := (curfew.Actor{Role: role, ID: canary}).Outside(); got != want {
			t.Errorf("role %s becomes %s", role, got)
		}
	}
	if got := (curfew.Session{EndReason: canary}).Outside().EndReason; got != curfew.Foreign {
		t.Errorf("another program's end reason becomes %q", got)
	}
}

func TestAReasonHasItsCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to, reason string
		want             curfew.ReasonCode
	}{
		{"", "waiting", "admitted", "admitted"},
		{"waiting", "waiting", "released: the phone is off", "released"},
		{"waiting", "cancelled", "expired: monday", "expired"},
		{"live", "live", "extended by 15 minutes", "extended"},
		{"live", "cancelled", "refunded: they asked", "refunded"},
		{"", "waiting", "another program", "foreign"},
		{"fulfilled", "refund_due", "they asked twice", "refund_decided"},
		{"refund_due", "refunded", "by bank transfer", "refund_decided"},
		{"forfeited", "credited", "goodwill", "credit_decided"},
		{"held", "deferred", "it is Kim's", "repaired"},
		{"ignored", "deferred", "it is Kim's", "repaired"},
		{"", "held", `there is no plan "x"`, "held"},
		{"", "refund_due", "session 1 is completed", "too_late"},
		{"fulfilled", "fulfilled", "5 of 10 eur were given back", "noted"},
		{"fulfilled", "fulfilled", curfew.DisputedReason, "disputed"},
		{"waiting", "waiting", "forgotten: m1", "forgotten"},
		{"waiting", "waiting", "transferred: m2", "transferred"},
		{"live", "live", "prolonged by 5 minutes: the road is closed", "prolonged"},
	} {
		if got := (curfew.Event{From: c.from, To: c.to, Reason: c.reason}).Code(); got != c.want {
			t.Errorf("%s>%s because of %q is %s, want %s", c.from, c.to, c.reason, got, c.want)
		}
	}
}

// Every reason that the code can write stands in reason.go or is an end reason,
// and has a code that says more than "other".
func TestEveryReasonHasACode(t *testing.T) {
	t.Parallel()
	texts := reasonTexts(t)
	if len(texts) < 20 {
		t.Fatalf("only %d reasons were found", len(texts))
	}
	for _, r := range curfew.EndReasons() {
		texts = append(texts, string(r))
	}
	for _, text := range texts {
		code := (curfew.Event{From: "a", To: "b", Reason: text + " by 5 minutes"}).Code()
		if text != curfew.ExtendedReason && text != curfew.ProlongedReason {
			code = (curfew.Event{From: "a", To: "b", Reason: text}).Code()
		}
		if code == "other" {
			t.Errorf("%q has no code", text)
		}
	}
}

// reasonTexts is every constant of reason.go that ends with Reason.
func reasonTexts(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{curfew.DisputedReason}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasSuffix(v.Names[0].Name, "Reason") || len(v.Values) != 1 {
			return true
		}
		if lit, ok := v.Values[0].(*ast.BasicLit); ok {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return true
	})
	return texts
}

func TestTheCodesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range curfew.ReasonCodes() {
		if !strings.Contains(string(text), "`"+string(code)+"`") {
			t.Errorf("docs/notifications.md says nothing of %s", code)
		}
	}
	for _, role := range curfew.OutsideRoles() {
		if !strings.Contains(string(text), "`"+string(role)+"`") {
			t.Errorf("docs/notifications.md says nothing of %s", role)
		}
	}
}
