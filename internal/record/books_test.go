package record_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The months of these tests, each with the first day of the next.
var (
	october  = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	november = october.AddDate(0, 1, 0)
	december = november.AddDate(0, 1, 0)
)

// day is noon of a day of a month.
func day(month time.Time, n int) time.Time { return month.AddDate(0, 0, n-1).Add(12 * time.Hour) }

func captured(amount int64, at time.Time) curfew.Fact {
	return curfew.Fact{Kind: "attempt", Object: "ch", State: "captured", Amount: amount, Currency: "eur", At: at}
}

func refund(state string, amount int64, at time.Time) curfew.Fact {
	return curfew.Fact{Kind: "refund", Object: "re", State: state, Amount: amount, Currency: "eur", At: at}
}

func dispute(state string, amount int64, at time.Time) curfew.Fact {
	return curfew.Fact{Kind: "dispute", Object: "dp", State: state, Amount: amount, Currency: "eur", At: at}
}

// step is an outcome that a checkout reached.
type step struct {
	at time.Time
	to curfew.Outcome
}

// paidFor is a payment of 29.00 EUR with these checkouts, by what became of each.
type paidFor struct {
	facts     []curfew.Fact
	checkouts [][]step
	change    func([]curfew.Checkout)
}

// in is the payment as the books of a month see it.
func (p paidFor) in(month time.Time) record.Booked {
	b := record.Booked{From: month, To: month.AddDate(0, 1, 0), Began: map[string]curfew.Outcome{}, Ended: map[string]curfew.Outcome{}}
	b.Facts = p.facts
	for i, steps := range p.checkouts {
		c := curfew.Checkout{
			ID: string(rune('a' + i)), Ref: "p1", CustomerID: "ada", Plan: "chat10", Line: int64(i + 1), CreatedAt: steps[0].at,
			Amount: 2900 / int64(len(p.checkouts)), Currency: "eur",
		}
		for _, s := range steps {
			c.Outcome = s.to
			if s.at.Before(b.From) {
				b.Began[c.ID] = s.to
			}
			if s.at.Before(b.To) {
				b.Ended[c.ID] = s.to
			}
		}
		if i > 0 {
			c.LineOf = "a"
		}
		b.Checkouts = append(b.Checkouts, c)
	}
	if p.change != nil {
		p.change(b.Checkouts)
	}
	b.ID = "a"
	return b
}

func TestTheBooksOfAPayment(t *testing.T) {
	t.Parallel()
	served := [][]step{{{day(october, 3), curfew.Fulfilled}}}
	for sentence, test := range map[string]struct {
		paid     paidFor
		october  record.BookFigures
		november record.BookFigures
	}{
		"what is captured counts once": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3))}, checkouts: served},
			record.BookFigures{Captured: 2900},
			record.BookFigures{},
		},
		"what the provider got in one month and told in the next counts in the first": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 31))}, checkouts: [][]step{{{day(november, 1), curfew.Fulfilled}}}},
			record.BookFigures{Captured: 2900},
			record.BookFigures{},
		},
		"the first moment of a month belongs to it": {
			paidFor{facts: []curfew.Fact{captured(2900, november)}, checkouts: served},
			record.BookFigures{},
			record.BookFigures{Captured: 2900},
		},
		"what only the shop reported counts when it did": {
			paidFor{checkouts: served},
			record.BookFigures{Captured: 2900},
			record.BookFigures{},
		},
		"what the provider says replaces what the shop reported, for every month": {
			paidFor{facts: []curfew.Fact{captured(3451, day(november, 1))}, checkouts: served},
			record.BookFigures{},
			record.BookFigures{Captured: 3451},
		},
		"a fact without a time counts when its payment was recorded": {
			paidFor{facts: []curfew.Fact{captured(2900, time.Time{})}, checkouts: served},
			record.BookFigures{Captured: 2900},
			record.BookFigures{},
		},
		"what is only reserved is not there": {
			paidFor{facts: []curfew.Fact{
				{Kind: "attempt", Object: "ch", State: "authorised", Amount: 2900, Currency: "eur", At: day(october, 31)}, captured(1000, day(november, 1)),
			}, checkouts: served},
			record.BookFigures{},
			record.BookFigures{Captured: 1000},
		},
		"a refund counts when it succeeds": {
			paidFor{facts: []curfew.Fact{
				captured(2900, day(october, 3)), refund("pending", 1000, day(october, 30)), refund("succeeded", 1000, day(november, 2)),
			}, checkouts: served},
			record.BookFigures{Captured: 2900},
			record.BookFigures{Refunded: 1000},
		},
		"a refund that fails later is taken back": {
			paidFor{facts: []curfew.Fact{
				captured(2900, day(october, 3)), refund("succeeded", 2900, day(october, 30)), refund("failed", 2900, day(november, 2)),
			}, checkouts: [][]step{{{day(october, 3), curfew.Fulfilled}, {day(october, 30), curfew.Refunded}, {day(november, 2), curfew.RefundDue}}}},
			record.BookFigures{Captured: 2900, Refunded: 2900},
			record.BookFigures{Refunded: -2900, Owing: 2900},
		},
		"a dispute is open, and then won": {
			paidFor{facts: []curfew.Fact{
				captured(2900, day(october, 3)), dispute("needs_response", 2900, day(october, 30)), dispute("won", 2900, day(november, 2)),
			}, checkouts: served},
			record.BookFigures{Captured: 2900, Disputed: 2900},
			record.BookFigures{},
		},
		"a dispute is lost": {
			paidFor{facts: []curfew.Fact{
				captured(2900, day(october, 3)), dispute("needs_response", 2900, day(october, 30)), dispute("lost", 2900, day(november, 2)),
			}, checkouts: served},
			record.BookFigures{Captured: 2900, Disputed: 2900},
			record.BookFigures{Lost: 2900},
		},
		"a dispute that was lost is won after all": {
			paidFor{facts: []curfew.Fact{
				captured(2900, day(october, 3)), dispute("lost", 2900, day(october, 30)), dispute("won", 2900, day(november, 2)),
			}, checkouts: served},
			record.BookFigures{Captured: 2900, Lost: 2900},
			record.BookFigures{Lost: -2900},
		},
		"a dispute stays open month after month": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3)), dispute("under_review", 900, day(october, 4))}, checkouts: served},
			record.BookFigures{Captured: 2900, Disputed: 900},
			record.BookFigures{Disputed: 900},
		},
		"a credit is open until it is spent": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3))}, checkouts: [][]step{
				{{day(october, 3), curfew.Fulfilled}, {day(october, 4), curfew.Credited}, {day(november, 2), curfew.Fulfilled}},
			}},
			record.BookFigures{Captured: 2900, Credits: 2900},
			record.BookFigures{},
		},
		"what is deferred is open, and what is held then": {
			paidFor{checkouts: [][]step{{{day(october, 31), curfew.Deferred}, {day(november, 1), curfew.Held}}}},
			record.BookFigures{Captured: 2900, Deferred: 2900},
			record.BookFigures{Held: 2900},
		},
		"what is disputed of a credit is not open twice": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3)), dispute("needs_response", 2900, day(october, 30))}, checkouts: [][]step{
				{{day(october, 3), curfew.Fulfilled}, {day(october, 4), curfew.Credited}},
			}},
			record.BookFigures{Captured: 2900, Disputed: 2900},
			record.BookFigures{Disputed: 2900},
		},
		"a forfeited payment is credited out of goodwill": {
			paidFor{checkouts: [][]step{
				{{day(october, 3), curfew.Fulfilled}, {day(october, 4), curfew.Forfeited}, {day(november, 2), curfew.Credited}},
			}},
			record.BookFigures{Captured: 2900, Forfeited: 2900},
			record.BookFigures{Forfeited: -2900, Credits: 2900},
		},
		"a payment for two has one line": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3)), refund("succeeded", 1450, day(november, 2))}, checkouts: [][]step{
				{{day(october, 3), curfew.Fulfilled}},
				{{day(october, 3), curfew.Deferred}, {day(october, 5), curfew.RefundDue}, {day(november, 2), curfew.Refunded}},
			}},
			record.BookFigures{Captured: 2900, Owing: 1450},
			record.BookFigures{Refunded: 1450},
		},
		"what turned out to be the same payment counts once": {
			paidFor{checkouts: [][]step{{{day(october, 3), curfew.Fulfilled}}, {{day(october, 4), curfew.Void}}}, change: func(all []curfew.Checkout) {
				all[0].Amount, all[1].Amount, all[1].Line = 2900, 2900, 1
			}},
			record.BookFigures{Captured: 2900},
			record.BookFigures{},
		},
		"what is not ours has no line": {
			paidFor{facts: []curfew.Fact{captured(2900, day(october, 3))}, checkouts: [][]step{{{day(october, 3), curfew.Ignored}}}},
			record.BookFigures{},
			record.BookFigures{},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			for month, want := range map[time.Time]record.BookFigures{october: test.october, november: test.november, december.AddDate(1, 0, 0): {}} {
				got, ok := test.paid.in(month).Line()
				if month.After(december) { // nothing moves any more; what is open stays so
					want = test.november
					want.Captured, want.Refunded, want.Lost, want.Forfeited = 0, 0, 0, 0
				}
				if diff := cmp.Diff(want, got.BookFigures); diff != "" || ok != (want != record.BookFigures{}) {
					t.Errorf("%s (%v; -want +got):\n%s", month.Format("January 2006"), ok, diff)
				}
			}
		})
	}
}

func TestALineSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	b := paidFor{facts: []curfew.Fact{captured(2900, day(october, 2))}, checkouts: [][]step{
		{{day(october, 3), curfew.Fulfilled}}, {{day(october, 3), curfew.Deferred}, {day(november, 2), curfew.Fulfilled}},
	}}.in(october)
	b.Provider, b.Account = "stripe", "acct_1"
	got, _ := b.Line()
	want := record.BookLine{
		At: day(october, 2), Reference: "p1", Provider: "stripe", Account: "acct_1", CustomerID: "ada", Plans: []string{"chat10", "chat10"},
		Outcomes: []curfew.Outcome{curfew.Fulfilled, curfew.Deferred}, Currency: "eur", BookFigures: record.BookFigures{Captured: 2900, Deferred: 1450},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	nobodys, _ := paidFor{checkouts: [][]step{{{day(october, 3), curfew.Held}}}, change: func(all []curfew.Checkout) { all[0].CustomerID = curfew.Nobody }}.in(october).Line()
	if nobodys.CustomerID != "" || !nobodys.OnTrust || !nobodys.At.Equal(day(october, 3)) {
		t.Errorf("the line of a payment without an owner is %+v", nobodys)
	}
}

func TestTotalsAreByCurrency(t *testing.T) {
	t.Parallel()
	got := record.Totals(nil,
		record.BookLine{Currency: "usd", BookFigures: record.BookFigures{Captured: 1, Owing: 2}},
		record.BookLine{Currency: "eur", OnTrust: true, BookFigures: record.BookFigures{Captured: 10, Lost: -3}},
		record.BookLine{Currency: "usd", BookFigures: record.BookFigures{Captured: 5}})
	got = record.Totals(got, record.BookLine{Currency: "eur", BookFigures: record.BookFigures{Captured: 100}}, record.BookLine{Currency: ""})
	want := []record.BookTotal{
		{Currency: "", Payments: 1},
		{Currency: "eur", Payments: 2, OnTrust: 10, BookFigures: record.BookFigures{Captured: 110, Lost: -3}},
		{Currency: "usd", Payments: 2, BookFigures: record.BookFigures{Captured: 6, Owing: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the totals (-want +got):\n%s", diff)
	}
}

// Whatever is told and whenever, the months add up to what the payment is now, to the cent.
func TestTheMonthsAddUpToTheBalance(t *testing.T) {
	t.Parallel()
	amounts, moments := rapid.Int64Range(1, 5000), rapid.IntRange(0, 89)
	rapid.Check(t, func(t *rapid.T) {
		at := func() time.Time { return day(october, 1).AddDate(0, 0, moments.Draw(t, "day")) }
		facts := []curfew.Fact{captured(amounts.Draw(t, "captured"), at())}
		for _, object := range []string{"re-1", "re-2"} {
			for _, state := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"pending", "succeeded", "failed"}), rapid.ID).Draw(t, object) {
				f := refund(state, 700, at())
				f.Object = object
				facts = append(facts, f)
			}
		}
		for _, state := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"needs_response", "won", "lost"}), rapid.ID).Draw(t, "dispute") {
			facts = append(facts, dispute(state, 900, at()))
		}
		p := paidFor{facts: facts, checkouts: [][]step{{{at(), curfew.Fulfilled}}}}
		if rapid.Bool().Draw(t, "on trust") {
			p.facts = slices.DeleteFunc(p.facts, func(f curfew.Fact) bool { return f.Kind == "attempt" })
		}
		var sum record.BookFigures
		for month := october; month.Before(october.AddDate(0, 4, 0)); month = month.AddDate(0, 1, 0) {
			line, _ := p.in(month).Line()
			sum.Add(line.BookFigures)
		}
		now := p.in(october).Money()
		if got, want := []int64{sum.Captured, sum.Refunded, sum.Lost}, []int64{now.Captured, now.Refunded, now.Lost}; !slices.Equal(got, want) {
			t.Fatalf("the months add up to %v, and it is %v: %+v", got, want, p.facts)
		}
	})
}
