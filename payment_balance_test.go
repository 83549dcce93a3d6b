package curfew

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(second int64) time.Time { return time.Unix(1_800_000_000+second, 0).UTC() }

func fact(kind FactKind, object, state string, amount, second int64) Fact {
	return Fact{Kind: kind, Object: object, State: state, Amount: amount, Currency: "eur", At: at(second)}
}

// What each course of a payment leaves, of 29.00 that the shop reported.
func TestBalance(t *testing.T) {
	captured := fact(attemptFact, "pi_1", "captured", 2900, 1)
	type want struct {
		state             string
		worth, gone, open int64
	}
	for name, c := range map[string]struct {
		facts []Fact
		want  want
	}{
		"nobody but the shop has spoken":           {nil, want{"reported", 2900, 0, 0}},
		"the provider captured less":               {[]Fact{fact(attemptFact, "pi_1", "captured", 1000, 1)}, want{"captured", 1000, 0, 0}},
		"a charge and its intent are one":          {[]Fact{captured, fact(attemptFact, "ch_1", "captured", 2900, 1)}, want{"captured", 2900, 0, 0}},
		"a bank says later":                        {[]Fact{fact(promiseFact, "cs_1", "promised", 2900, 1)}, want{"promised", 0, 0, 0}},
		"a debit failed":                           {[]Fact{fact(promiseFact, "cs_1", "failed", 2900, 2), fact(promiseFact, "cs_1", "promised", 2900, 2)}, want{"failed", 0, 0, 0}},
		"a debit of an intent failed":              {[]Fact{fact(attemptFact, "pi_1", "pending", 2900, 1), fact(attemptFact, "pi_1", "failed", 0, 2)}, want{"failed", 0, 0, 0}},
		"a failed debit that was told before":      {[]Fact{fact(promiseFact, "cs_1", "failed", 2900, 1), fact(attemptFact, "pi_1", "pending", 2900, 2)}, want{"failed", 0, 0, 0}},
		"it failed, and came after all":            {[]Fact{fact(promiseFact, "cs_1", "failed", 2900, 1), captured}, want{"captured", 2900, 0, 0}},
		"what was captured stays so":               {[]Fact{captured, fact(attemptFact, "pi_1", "failed", 0, 9)}, want{"captured", 2900, 0, 0}},
		"a declined card ends a try, no payment":   {[]Fact{fact(attemptFact, "ch_1", "failed", 0, 1)}, want{"reported", 2900, 0, 0}},
		"a hold that lapsed":                       {[]Fact{fact(attemptFact, "pi_1", "authorised", 2900, 1), fact(attemptFact, "ch_1", "expired", 2900, 9)}, want{"failed", 0, 0, 0}},
		"a hold after a declined card":             {[]Fact{fact(attemptFact, "ch_1", "failed", 0, 1), fact(attemptFact, "pi_1", "authorised", 2900, 2)}, want{"authorised", 0, 0, 0}},
		"a hold whose capture failed":              {[]Fact{fact(attemptFact, "pi_1", "authorised", 2900, 1), fact(attemptFact, "ch_1", "failed", 0, 2)}, want{"failed", 0, 0, 0}},
		"a hold that was released":                 {[]Fact{fact(attemptFact, "pi_1", "voided", 0, 3), fact(refundTotalFact, "ch_1", "total", 0, 3)}, want{"failed", 0, 0, 0}},
		"a refund is under way":                    {[]Fact{captured, fact(refundFact, "re_1", "pending", 900, 2)}, want{"captured", 2000, 0, 900}},
		"a refund needs the customer":              {[]Fact{captured, fact(refundFact, "re_1", "requires_action", 900, 2)}, want{"captured", 2000, 0, 900}},
		"refunded in part":                         {[]Fact{captured, fact(refundFact, "re_1", "succeeded", 900, 2)}, want{"captured", 2000, 900, 0}},
		"refunded twice":                           {[]Fact{captured, fact(refundFact, "re_1", "succeeded", 900, 2), fact(refundFact, "re_2", "succeeded", 2000, 3)}, want{"captured", 0, 2900, 0}},
		"the total tells more than single refunds": {[]Fact{captured, fact(refundFact, "re_1", "succeeded", 900, 2), fact(refundTotalFact, "ch_1", "total", 2900, 3)}, want{"captured", 0, 2900, 0}},
		"the total tells the same again":           {[]Fact{captured, fact(refundFact, "re_1", "succeeded", 900, 2), fact(refundTotalFact, "ch_1", "total", 900, 2)}, want{"captured", 2000, 900, 0}},
		"the total tells one that is under way":    {[]Fact{captured, fact(refundFact, "re_1", "pending", 900, 2), fact(refundTotalFact, "ch_1", "total", 900, 2)}, want{"captured", 2000, 0, 900}},
		"a refund after the total":                 {[]Fact{captured, fact(refundTotalFact, "ch_1", "total", 500, 2), fact(refundFact, "re_2", "succeeded", 2400, 3)}, want{"captured", 0, 2900, 0}},
		"one that the total told, done later":      {[]Fact{captured, fact(refundTotalFact, "ch_1", "total", 500, 2), fact(refundFact, "re_1", "pending", 500, 2), fact(refundFact, "re_1", "succeeded", 500, 9)}, want{"captured", 2400, 500, 0}},
		"two charges have totals of their own":     {[]Fact{captured, fact(refundTotalFact, "ch_1", "total", 500, 2), fact(refundTotalFact, "ch_2", "total", 400, 2)}, want{"captured", 2000, 900, 0}},
		"a refund failed after it succeeded":       {[]Fact{captured, fact(refundTotalFact, "ch_1", "total", 2900, 2), fact(refundFact, "re_1", "succeeded", 2900, 2), fact(refundFact, "re_1", "failed", 2900, 2)}, want{"captured", 2900, 0, 0}},
		"one failed before the total was told":     {[]Fact{captured, fact(refundFact, "re_1", "failed", 2900, 2), fact(refundTotalFact, "ch_1", "total", 900, 3)}, want{"captured", 2000, 900, 0}},
		"the bank asks":                            {[]Fact{captured, fact(disputeFact, "dp_1", "needs_response", 2900, 2)}, want{"captured", 0, 0, 2900}},
		"the bank only wonders":                    {[]Fact{captured, fact(disputeFact, "dp_1", "warning", 2900, 2)}, want{"captured", 2900, 0, 0}},
		"an old dispute of which nothing is known": {[]Fact{captured, {Kind: disputeFact, Object: "pi_1", State: "unknown"}}, want{"captured", 0, 0, 2900}},
		"a dispute was won":                        {[]Fact{captured, fact(disputeFact, "dp_1", "won", 2900, 3), fact(disputeFact, "dp_1", "needs_response", 2900, 2)}, want{"captured", 2900, 0, 0}},
		"a dispute was lost":                       {[]Fact{captured, fact(disputeFact, "dp_1", "lost", 2900, 3)}, want{"captured", 0, 2900, 0}},
		"lost and won in one second":               {[]Fact{captured, fact(disputeFact, "dp_1", "lost", 2900, 3), fact(disputeFact, "dp_1", "won", 2900, 3)}, want{"captured", 0, 2900, 0}},
		"a dispute that was reopened":              {[]Fact{captured, fact(disputeFact, "dp_1", "won", 2900, 3), fact(disputeFact, "dp_1", "under_review", 2900, 4)}, want{"captured", 0, 0, 2900}},
		"refunded and disputed count once":         {[]Fact{captured, fact(refundFact, "re_1", "succeeded", 2900, 2), fact(disputeFact, "dp_1", "lost", 2900, 3)}, want{"captured", 0, 2900, 0}},
		"a dispute in another currency is all":     {[]Fact{captured, {Kind: disputeFact, Object: "dp_1", State: "lost", Amount: 1, Currency: "usd", At: at(2)}}, want{"captured", 0, 2900, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := Payment{Facts: c.facts}.Balance(2900, "EUR")
			if got := (want{b.State, b.Worth(), b.Gone(), b.Open()}); got != c.want {
				t.Errorf("got %+v, want %+v: %+v", got, c.want, b)
			}
		})
	}
}

// The same facts give the same balance in every order, repeated, and where facts of one state were made one on the way.
func TestBalanceDoesNotDependOnTheOrder(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 29))
		facts := someFacts(random)
		want := Payment{Facts: facts}.Balance(2900, "eur")
		other := append(slices.Clone(facts), facts[:random.IntN(len(facts)+1)]...)
		random.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		got := Payment{Facts: other}.Balance(2900, "eur")
		merged := Payment{Facts: mergedFacts(other)}.Balance(2900, "eur")
		if diff := cmp.Diff(want, got) + cmp.Diff(want, merged); diff != "" {
			t.Fatalf("seed %d: %v\n%s", seed, facts, diff)
		}
		if w := want.Worth(); w < 0 || w > want.Captured || want.Gone()+want.Open()+w != want.Captured {
			t.Fatalf("seed %d: worth %d of %+v", seed, w, want)
		}
	}
}

func someFacts(random *rand.Rand) []Fact {
	kinds := []FactKind{attemptFact, promiseFact, refundFact, refundTotalFact, disputeFact}
	facts := make([]Fact, 1+random.IntN(9))
	for i := range facts {
		kind := kinds[random.IntN(len(kinds))]
		states := factStates[kind]
		facts[i] = fact(kind, string(kind)+string(rune('1'+random.IntN(2))), states[random.IntN(len(states))],
			[]int64{0, 900, 2000, 2900}[random.IntN(4)], random.Int64N(3))
		if random.IntN(9) == 0 {
			facts[i].Currency = "usd"
		}
	}
	return facts
}

// mergedFacts keeps one fact of each object and state, as stores do.
func mergedFacts(facts []Fact) []Fact {
	type key struct {
		kind          FactKind
		object, state string
	}
	known := map[key]Fact{}
	for _, f := range facts {
		k := key{f.Kind, f.Object, f.State}
		if old, ok := known[k]; ok {
			f = old.Known(f)
		}
		known[k] = f
	}
	var all []Fact
	for _, f := range known {
		all = append(all, f)
	}
	return all
}

func TestOnlyPossibleFactsAreKept(t *testing.T) {
	for text, f := range map[string]Fact{
		`unknown kind of fact "gift"`:                    {Kind: "gift", Object: "x", State: "open"},
		`unknown state "lost" of a fact of kind attempt`: {Kind: attemptFact, Object: "x", State: "lost"},
		"the amount of a fact must not be negative":      {Kind: attemptFact, Object: "x", State: "captured", Amount: -1, Currency: "eur"},
		"the amount of a fact needs a currency":          {Kind: attemptFact, Object: "x", State: "captured", Amount: 1},
		"the object of a fact":                           {Kind: attemptFact, State: "captured"},
	} {
		if err := f.Check(); KindOf(err) != Invalid || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", f, err, text)
		}
	}
	for kind, states := range factStates {
		for _, state := range states {
			if err := fact(kind, "x", state, 1, 1).Check(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A charge says until when its money is reserved, and its intent, whichever is told last, does not.
func TestBalance_AuthorisedUntil(t *testing.T) {
	charge := fact(attemptFact, "ch_1", "authorised", 2900, 1)
	charge.Until = at(700)
	declined := fact(attemptFact, "ch_0", "authorised", 2900, 0)
	declined.Until = at(600)
	for name, c := range map[string]struct {
		facts []Fact
		until time.Time
	}{
		"the charge is told first":        {[]Fact{charge, fact(attemptFact, "pi_1", "authorised", 2900, 2)}, at(700)},
		"the charge is told last":         {[]Fact{charge, fact(attemptFact, "pi_1", "authorised", 2900, 0)}, at(700)},
		"nobody says until when":          {[]Fact{fact(attemptFact, "pi_1", "authorised", 2900, 2)}, time.Time{}},
		"another charge is reserved less": {[]Fact{charge, declined}, at(600)},
		"another charge is not reserved":  {[]Fact{charge, declined, fact(attemptFact, "ch_0", "voided", 2900, 0)}, at(700)},
	} {
		if b := (Payment{Facts: c.facts}).Balance(0, ""); b.State != "authorised" || !b.AuthorisedUntil.Equal(c.until) {
			t.Errorf("%s: %+v", name, b)
		}
	}
}
