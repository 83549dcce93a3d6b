package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// linesOf is every line of the books of a span.
func (env *environment) linesOf(from, to time.Time) []record.BookLine {
	env.Helper()
	var all []record.BookLine
	for after := ""; ; {
		lines, next, err := env.Books(env.Context(), from, to, after)
		if err != nil {
			env.Fatal(err)
		}
		if all = append(all, lines...); next == "" {
			return all
		}
		after = next
	}
}

// A marketplace's payments of two months, in two currencies: the sums are those of the lines,
// and the months add up to what is there now.
func TestTheSumsOfTheBooksAreThoseOfTheirLines(t *testing.T) {
	onEachStore(t, func(env *environment) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		start, middle, end := now.AddDate(0, -2, 0), now.AddDate(0, -1, 0), now.Add(time.Minute)
		first, second := start.AddDate(0, 0, 3), middle.AddDate(0, 0, 3)
		pay := func(ref, currency string, at time.Time) {
			p := reportedPayment("c-"+ref, ref)
			p.Currency = currency
			n := paid(p)
			for i := range n.Facts {
				n.Facts[i].At = at
			}
			env.receive(n)
		}
		fact := func(ref, kind, state, currency string, amount int64, at time.Time) {
			env.receive(noticeOf(ref, curfew.Fact{
				Kind: curfew.FactKind(kind), Object: kind + "-" + ref, State: state, Amount: amount, Currency: currency, At: at,
			}))
		}
		pay("served", "eur", first)
		pay("refunded", "eur", first)
		fact("refunded", "refund", "succeeded", "eur", 2900, second)
		pay("failing", "usd", first)
		fact("failing", "refund", "succeeded", "usd", 2900, first)
		fact("failing", "refund", "failed", "usd", 2900, second)
		pay("won", "eur", first)
		fact("won", "dispute", "needs_response", "eur", 2900, first)
		fact("won", "dispute", "won", "eur", 2900, second)
		pay("lost", "usd", second)
		fact("lost", "dispute", "lost", "usd", 2900, second)
		env.credited("c-trust", "trust", 0)
		pay("two", "eur", second)
		env.second("two")

		var sum record.BookFigures
		for span, want := range map[[2]time.Time][]record.BookTotal{
			{start, middle}: {
				{Currency: "eur", Payments: 3, BookFigures: record.BookFigures{Captured: 8700, Disputed: 2900}},
				{Currency: "usd", Payments: 1, BookFigures: record.BookFigures{Captured: 2900, Refunded: 2900}},
			},
			{middle, end}: {
				{Currency: "eur", Payments: 3, OnTrust: 2900, BookFigures: record.BookFigures{Captured: 5800, Refunded: 2900, Credits: 2900, Held: 1450}},
				{Currency: "usd", Payments: 2, BookFigures: record.BookFigures{Captured: 2900, Refunded: -2900, Lost: 2900, Owing: 2900}},
			},
		} {
			got := must(env.BookTotals(env.Context(), span[0], span[1]))(env)
			if diff := cmp.Diff(want, got); diff != "" {
				env.Errorf("the books from %s (-want +got):\n%s", span[0], diff)
			}
			lines := env.linesOf(span[0], span[1])
			if diff := cmp.Diff(got, record.Totals(nil, lines...)); diff != "" {
				env.Errorf("the sums (-totals +lines):\n%s", diff)
			}
			for _, line := range lines {
				sum.Add(line.BookFigures)
			}
		}
		env.moneyIs(sum)
	})
}

// second makes a payment one of two lines. Half of it paid for each, and the second is held.
func (env *environment) second(ref string) {
	env.Helper()
	l := must(env.Store.LedgerOf(env.Context(), ref))(env)
	c := l.Checkouts[0]
	c.ID, c.LineOf, c.Line, c.Version, c.Outcome, c.Amount = uuid.Must(uuid.NewV7()).String(), l.ID, 2, l.Version, curfew.Held, 1450
	must(env.Store.Record(env.Context(), c, shop, "a second line"))(env)
	env.Exec(env, "UPDATE "+env.Schema+"checkouts SET amount = 1450 WHERE id = $1", l.ID)
}

// moneyIs compares figures with what all payments are worth now.
func (env *environment) moneyIs(got record.BookFigures) {
	env.Helper()
	var want record.BookFigures
	for _, row := range env.Query(env, "SELECT id FROM "+env.Schema+"checkouts WHERE line_of IS NULL") {
		b := must(env.Store.Ledger(env.Context(), row[0]))(env).Money()
		want.Captured, want.Refunded, want.Lost = want.Captured+b.Captured, want.Refunded+b.Refunded, want.Lost+b.Lost
	}
	if got.Captured != want.Captured || got.Refunded != want.Refunded || got.Lost != want.Lost {
		env.Errorf("the months add up to %+v, and the payments to %+v", got, want)
	}
}

// The books read a part at a time, and every payment once.
func TestTheBooksOfManyPayments(t *testing.T) {
	onEachStore(t, func(env *environment) {
		var want []string
		for i := range 130 { // more than are read together
			ref := fmt.Sprint("p", i)
			env.pay("c"+ref, ref)
			want = append(want, ref)
		}
		var got []string
		for _, line := range env.linesOf(time.Now().AddDate(0, 0, -1), time.Now().AddDate(0, 0, 1)) {
			got = append(got, line.Reference)
		}
		if !slices.Equal(got, want) {
			env.Errorf("the lines are %v", got)
		}
	})
}

func TestAMonth(t *testing.T) {
	onEachStore(t, func(env *environment) {
		from, to, err := env.Month("2026-12")
		if want := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC); err != nil || !from.Equal(want) || !to.Equal(want.AddDate(0, 1, 0)) {
			env.Errorf("from %s to %s: %v", from, to, err)
		}
		for _, bad := range []string{"", "2026", "2026-13", "2026-1", "12-2026", "2026-12-01"} {
			if _, _, err := env.Month(bad); !errors.Is(err, curfew.Invalid) {
				env.Errorf("%q: %v", bad, err)
			}
		}
	})
}
