package wire

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Books is the sums of a month as JSON, in minor units.
type Books struct {
	Month      string         `json:"month"`
	Currencies []BookCurrency `json:"currencies"`
}

// BookCurrency is the sums of one currency. The last five are as the month ended.
type BookCurrency struct {
	Currency     string `json:"currency"` // ISO 4217, lower case; empty: unknown
	Payments     int    `json:"payments"`
	Captured     int64  `json:"captured"`
	OnTrust      int64  `json:"onTrust"`
	Refunded     int64  `json:"refunded"`
	DisputesLost int64  `json:"disputesLost"`
	Forfeited    int64  `json:"forfeited"`
	DisputesOpen int64  `json:"disputesOpen"`
	CreditsOpen  int64  `json:"creditsOpen"`
	DeferredOpen int64  `json:"deferredOpen"`
	HeldOpen     int64  `json:"heldOpen"`
	RefundsOwed  int64  `json:"refundsOwed"`
}

// BookTotals converts the sums of a month.
func BookTotals(month string, totals []record.BookTotal) Books {
	out := Books{Month: month, Currencies: make([]BookCurrency, len(totals))}
	for i, t := range totals {
		out.Currencies[i] = BookCurrency{
			Currency: t.Currency, Payments: t.Payments, Captured: t.Captured, OnTrust: t.OnTrust, Refunded: t.Refunded,
			DisputesLost: t.Lost, Forfeited: t.Forfeited, DisputesOpen: t.Disputed, CreditsOpen: t.Credits, DeferredOpen: t.Deferred,
			HeldOpen: t.Held, RefundsOwed: t.Owing,
		}
	}
	return out
}

// bookColumns are the amounts of a row of the books, in the order of bookAmounts.
const bookColumns = "captured,refunded,disputes_lost,forfeited,disputes_open,credits_open,deferred_open,held_open,refunds_owed"

func bookAmounts(f record.BookFigures, currency string) []string {
	var cells []string
	for _, minor := range []int64{f.Captured, f.Refunded, f.Lost, f.Forfeited, f.Disputed, f.Credits, f.Deferred, f.Held, f.Owing} {
		cells = append(cells, decimal(minor, currency))
	}
	return cells
}

// WriteBookTotals writes the sums of a month as CSV, a row for each currency.
func WriteBookTotals(w io.Writer, month string, totals []record.BookTotal) error {
	rows := [][]string{strings.Split("month,currency,payments,on_trust,"+bookColumns, ",")}
	for _, t := range totals {
		row := []string{month, strings.ToUpper(t.Currency), decimal(int64(t.Payments), ""), decimal(t.OnTrust, t.Currency)}
		rows = append(rows, append(row, bookAmounts(t.BookFigures, t.Currency)...))
	}
	return writeRows(w, rows...)
}

// WriteBookLines writes payments as CSV, a row for each. It reads them part by part, each time
// behind the last, and keeps no more than one part.
func WriteBookLines(w io.Writer, read func(after string) (lines []record.BookLine, next string, err error)) error {
	header := strings.Split("date,reference,provider,account,customer,plan,outcome,currency,"+bookColumns+",on_trust", ",")
	for after, rows := "", [][]string{header}; ; rows = nil {
		lines, next, err := read(after)
		if err != nil {
			return err
		}
		for _, line := range lines {
			rows = append(rows, bookRow(line))
		}
		if err := writeRows(w, rows...); err != nil || next == "" {
			return err
		}
		after = next
	}
}

func bookRow(line record.BookLine) []string {
	outcomes := make([]string, len(line.Outcomes))
	for i, o := range line.Outcomes {
		outcomes[i] = string(o)
	}
	row := []string{
		line.At.UTC().Format(time.DateOnly), cell(line.Reference), cell(line.Provider), cell(line.Account), cell(line.CustomerID),
		cell(strings.Join(line.Plans, " + ")), cell(strings.Join(outcomes, " + ")), strings.ToUpper(line.Currency),
	}
	row = append(row, bookAmounts(line.BookFigures, line.Currency)...)
	return append(row, map[bool]string{true: "yes"}[line.OnTrust])
}

// writeRows writes whole rows, so that a buffered writer never splits a character.
func writeRows(w io.Writer, rows ...[]string) error {
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}

// cell is a text that no spreadsheet takes for a formula.
func cell(text string) string {
	if strings.IndexAny(text, "=+-@\t\r") == 0 {
		text = "'" + text
	}
	return curfew.Visible(text)
}

// decimal is an amount without separators of thousands, for programs: 1234.50. Without a
// currency it is in minor units.
func decimal(minor int64, currency string) string {
	number, _, _ := strings.Cut(curfew.Amount(minor, currency), " ")
	return strings.ReplaceAll(number, ",", "")
}
