package wire_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

var november = time.Date(2026, 11, 2, 23, 59, 0, 0, time.UTC)

func TestABookLineAsCSV(t *testing.T) {
	t.Parallel()
	parts := map[string][]record.BookLine{
		"": {{
			At: november, Reference: "p1", Provider: "stripe", Account: "acct_1", CustomerID: "ada", Currency: "eur",
			Plans: []string{"chat10", "video15"}, Outcomes: []curfew.Outcome{curfew.Fulfilled, curfew.Credited},
			BookFigures: record.BookFigures{Captured: 123450, Refunded: -990, Credits: 5},
		}},
		"next": {{At: november, Reference: "p2", Currency: "jpy", OnTrust: true, BookFigures: record.BookFigures{Captured: 1000000}}},
	}
	var text bytes.Buffer
	err := wire.WriteBookLines(&text, func(after string) ([]record.BookLine, string, error) {
		next := map[string]string{"": "empty", "empty": "next"}[after]
		return parts[after], next, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `date,reference,provider,account,customer,plan,outcome,currency,captured,refunded,disputes_lost,forfeited,disputes_open,credits_open,deferred_open,held_open,refunds_owed,on_trust
2026-11-02,p1,stripe,acct_1,ada,chat10 + video15,fulfilled + credited,EUR,1234.50,-9.90,0.00,0.00,0.00,0.05,0.00,0.00,0.00,
2026-11-02,p2,,,,,,JPY,1000000,0,0,0,0,0,0,0,0,yes
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("the lines (-want +got):\n%s", diff)
	}
}

// Whoever opens the file in a spreadsheet runs nobody's formula. An amount stays a number.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"} {
		line := record.BookLine{
			Reference: text, Provider: text, Account: text, CustomerID: text, Plans: []string{text}, Currency: "eur",
			BookFigures: record.BookFigures{Refunded: -100},
		}
		var out bytes.Buffer
		if err := wire.WriteBookLines(&out, func(string) ([]record.BookLine, string, error) { return []record.BookLine{line}, "", nil }); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, cell := range rows[1] {
			if strings.IndexAny(cell, "=+-@\t\r") == 0 && cell != "-1.00" {
				t.Errorf("%q makes column %s begin with %q", text, rows[0][i], cell)
			}
		}
	}
}

func TestTheSumsOfAMonthAsCSV(t *testing.T) {
	t.Parallel()
	totals := []record.BookTotal{
		{Currency: "", Payments: 1, BookFigures: record.BookFigures{Captured: 1234}},
		{Currency: "kwd", Payments: 1000, OnTrust: 5, BookFigures: record.BookFigures{Captured: 1, Lost: 12345, Owing: 10}},
	}
	var text bytes.Buffer
	if err := wire.WriteBookTotals(&text, "2026-11", totals); err != nil {
		t.Fatal(err)
	}
	want := `month,currency,payments,on_trust,captured,refunded,disputes_lost,forfeited,disputes_open,credits_open,deferred_open,held_open,refunds_owed
2026-11,,1,0,1234,0,0,0,0,0,0,0,0
2026-11,KWD,1000,0.005,0.001,0.000,12.345,0.000,0.000,0.000,0.000,0.000,0.010
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("the sums (-want +got):\n%s", diff)
	}
}

func TestBooksThatCannotBeReadFail(t *testing.T) {
	t.Parallel()
	err := wire.WriteBookLines(&bytes.Buffer{}, func(string) ([]record.BookLine, string, error) { return nil, "", curfew.Unavailable })
	if !errors.Is(err, curfew.Unavailable) {
		t.Errorf("got %v", err)
	}
}
