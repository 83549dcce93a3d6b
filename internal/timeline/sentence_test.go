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
			t.Errorf("no sentence tells a payment's step from %q to %q", step.From, step.To)
		}
	}
	for _, step := range curfew.Transitions() {
		if !step.To.Ended() && moves[step] == "" {
			t.Errorf("no sentence tells a session's step from %q to %q", step.From, step.To)
		}
	}
	for _, reason := range curfew.EndReasons() {
		if endTexts[reason] == "" {
			t.Errorf("no sentence tells an end by %q", reason)
		}
	}
	for _, kind := range record.EventKinds() {
		if strings.Count(deliveryTexts[kind], "%s") != 1 {
			t.Errorf("no sentence tells whom of %s", kind)
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
