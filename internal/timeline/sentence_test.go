package timeline

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestEveryStepHasASentence(t *testing.T) {
	t.Parallel()
	for _, step := range curfew.OutcomeSteps() {
		if step.From != step.To && payments[step] == "" {
			t.Errorf("no sentence for a payment's step from %q to %q", step.From, step.To)
		}
	}
	for _, step := range curfew.Transitions() {
		if !step.To.Ended() && moves[step] == "" {
			t.Errorf("no sentence for a session's step from %q to %q", step.From, step.To)
		}
	}
	for _, reason := range curfew.EndReasons() {
		if endTexts[reason] == "" {
			t.Errorf("no sentence for the end reason %q", reason)
		}
	}
	for _, kind := range record.EventKinds() {
		if strings.Count(deliveryTexts[kind], "%s") != 1 {
			t.Errorf("no sentence names the recipient of %s", kind)
		}
	}
	for _, tables := range []map[curfew.OutcomeStep]string{payments} {
		for step, text := range tables {
			if strings.Count(text, "%s") != 1 || step.From != "" && !curfew.LegalOutcome(step.From, step.To) {
				t.Errorf("%v: %q", step, text)
			}
		}
	}
}

// Every fact that can be kept has a sentence, and says whose payment it is about.
func TestEveryFactHasASentence(t *testing.T) {
	t.Parallel()
	for kind, texts := range factTexts {
		_, list, _ := strings.Cut(curfew.Fact{Kind: kind, State: "?"}.Check().Error(), "the states are ")
		states := strings.Split(list, ", ")
		if len(states) == 0 || len(texts) > len(states) {
			t.Errorf("%s has the states %q", kind, states)
		}
		for _, state := range states {
			if kind == "promise" && state == "open" {
				continue // nobody has paid yet
			}
			l := record.Ledger{Payment: curfew.Payment{Facts: []curfew.Fact{{Kind: kind, Object: "o_1", State: state, Amount: 990, Currency: "eur"}}}}
			got := factSentence(l, curfew.Checkout{Ref: "p1"}, l.Facts[0])
			if texts[state] == "" || !strings.Contains(got, "payment p1") || !strings.Contains(got, "(o_1)") || strings.Contains(got, "%!") {
				t.Errorf("%s %s: %q", kind, state, got)
			}
		}
	}
}
