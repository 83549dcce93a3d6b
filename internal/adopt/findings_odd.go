package adopt

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// selectOdd reads what was found odd about a table by code, each with one example.
const selectOdd = `SELECT DISTINCT ON (f.code) f.code, f.adopted_id, f.detail, count(*) OVER (PARTITION BY f.code), min(f.first_at) OVER (PARTITION BY f.code)
	FROM curfew.adoption_findings f WHERE f.name = $1 ORDER BY f.code, f.first_at, f.adopted_id`

// odd returns findings about odd rows of a table, and since when the table cannot be read.
func (s *Service) odd(ctx context.Context, t mapping.Table) (all []record.Finding, unreadSince time.Time, err error) {
	rows, err := s.Pool.Query(ctx, selectOdd, t.Name)
	if err != nil {
		return nil, time.Time{}, err
	}
	var code, id, detail string
	var f record.Finding
	_, err = pgx.ForEachRow(rows, []any{&code, &id, &detail, &f.Count, &f.Since}, func() error {
		if code == "unread" {
			unreadSince = f.Since
			return nil
		}
		f.Code = prefix + code
		f.Problem = oddProblem(t, code, id, detail, f.Count)
		f.Fix = oddFix(t, code, id)
		all = append(all, f)
		return nil
	})
	return all, unreadSince, err
}

// oddities describes a row for each code.
var oddities = map[string]string{
	"unknown_status":    "has a status that nobody has mapped",
	"second_open":       "is open beside another open session of the customer, and not looked after until that ends",
	"customer_unusable": "has a customer or mechanic that cannot be one",
	"unusable":          "has values that no session can have",
	"reopened":          "was opened again after the end",
	"deleted":           "was deleted while open",
	"drift":             "is not as mirrored",
}

func oddProblem(t mapping.Table, code, id, detail string, n int) string {
	said := curfew.Visible(detail)
	if code == "trigger_failed" {
		return fmt.Sprintf("a trigger on %s failed: %s", t.Relation, said)
	}
	what, ok := oddities[code]
	if !ok {
		what = "is odd (" + code + ")"
	}
	if id == "" {
		return fmt.Sprintf("%s %s: %s", t.Relation, what, said)
	}
	text := fmt.Sprintf("row %s of %s %s: %s", curfew.Visible(id), t.Relation, what, said)
	if n > 1 {
		text += fmt.Sprintf(", and %s", counted(n-1, "other"))
	}
	return text
}

// oddFix suggests a command for a code.
func oddFix(t mapping.Table, code, id string) string {
	r := reading{Table: t}
	open := r.is("t", curfew.Waiting, curfew.Live)
	switch code {
	case "unknown_status":
		return "add the word to adopt." + t.Name + ".status in the settings, under what it means"
	case "second_open":
		return fmt.Sprintf("SELECT %[1]s, count(*) FROM %[2]s t WHERE %[3]s GROUP BY 1 HAVING count(*) > 1", r.customer("t"), t.Relation, open)
	case "customer_unusable", "unusable":
		return fmt.Sprintf("SELECT * FROM %s t WHERE %s = %s", t.Relation, r.id("t"), literal(id))
	}
	return "curfew adopt verify " + t.Name
}
