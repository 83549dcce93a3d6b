package console

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// paymentSearch reads the filters of the list.
func paymentSearch(q url.Values, by map[curfew.Outcome]int) (record.PaymentSearch, error) {
	s := record.PaymentSearch{
		Outcome: chosenOutcome(q, by), Plan: q.Get("plan"), CustomerID: q.Get("customerId"), After: wire.CanonicalID(q.Get("after")), Limit: paymentsShown,
	}
	var err error
	if s.From, s.To, err = days(q); err != nil {
		return s, err
	}
	if s.Amounts, err = amountsLike(q.Get("amount")); err != nil {
		return s, err
	}
	return s, s.Check()
}

// amountsLike returns what an amount may be in minor units: currencies have none, or two digits of them.
func amountsLike(text string) ([]int64, error) {
	if text == "" {
		return nil, nil
	}
	whole, cents, _ := strings.Cut(strings.ReplaceAll(text, ",", "."), ".")
	units, err := strconv.ParseInt(whole, 10, 48)
	if err != nil || units < 0 || len(cents) > 2 {
		return nil, curfew.Errorf(curfew.Invalid, "amount is not a number: write it like 15 or 15.00")
	}
	minor, err := strconv.ParseInt((cents + "00")[:2], 10, 64)
	switch {
	case err != nil:
		return nil, curfew.Errorf(curfew.Invalid, "amount is not a number: write it like 15 or 15.00")
	case cents == "":
		return []int64{units * 100, units}, nil
	}
	return []int64{units*100 + minor}, nil
}

// paymentQuery returns the query of the API that chooses the same payments.
func paymentQuery(s record.PaymentSearch) url.Values {
	q := apiQuery(record.SessionSearch{Plan: s.Plan, CustomerID: s.CustomerID, From: s.From, To: s.To})
	if s.Outcome != "" {
		q.Set("outcome", string(s.Outcome))
	}
	amounts := make([]string, len(s.Amounts))
	for i, a := range s.Amounts {
		amounts[i] = strconv.FormatInt(a, 10)
	}
	if len(amounts) > 0 {
		q.Set("amount", strings.Join(amounts, ","))
	}
	return q
}

func paymentFilters(q url.Values, s record.PaymentSearch) PaymentFilters {
	f := PaymentFilters{
		Plan: s.Plan, CustomerID: s.CustomerID, Amount: q.Get("amount"), From: q.Get("from"), To: q.Get("to"), Outcome: string(cmp.Or(s.Outcome, everyOutcome)),
	}
	f.Some = f.Plan+f.CustomerID+f.Amount+f.From+f.To != ""
	return f
}
