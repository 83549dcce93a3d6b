package adopt

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// dueSQL reads the open rows by the rule that ends them. A NULL deadline starts only when Curfew
// sees the row.
const dueSQL = `WITH open AS MATERIALIZED (
	SELECT %s AS id, %s AS customer, %s AS rule, coalesce(%s, %s) AS deadline FROM %s t WHERE %s AND %s
)
SELECT o.rule, o.open, o.overdue, o.customers, o.unseen, coalesce(d.id, ''), coalesce(d.customer, ''), coalesce(d.deadline, '0001-01-01 00:00:00Z')
FROM (SELECT rule, count(*) AS open, count(*) FILTER (WHERE deadline <= now()) AS overdue,
		count(DISTINCT customer) FILTER (WHERE deadline <= now()) AS customers, count(*) FILTER (WHERE deadline IS NULL) AS unseen
	FROM open WHERE customer IS NOT NULL GROUP BY rule) o
LEFT JOIN LATERAL (SELECT * FROM open WHERE open.rule = o.rule AND deadline <= now() AND customer IS NOT NULL ORDER BY deadline, id LIMIT 1) d ON true`

// due returns what each rule would end now.
func (r reading) due(ctx context.Context, q querier) ([]Due, error) {
	sql := fmt.Sprintf(dueSQL, r.id("t"), r.customer("t"), r.rule("t"), r.expires("t"), r.until("t"), r.Relation, r.there("t"),
		r.is("t", curfew.Scheduled, curfew.Waiting, curfew.Live))
	all, err := collect(ctx, q, func(row pgx.CollectableRow) (d Due, err error) {
		err = row.Scan(&d.Rule, &d.Open, &d.Overdue, &d.Customers, &d.Unseen, &d.Oldest, &d.Customer, &d.Deadline)
		if d.Oldest == "" {
			d.Deadline = d.Deadline.UTC()
		}
		return d, err
	}, sql)
	slices.SortFunc(all, func(a, b Due) int {
		return slices.Index(mapping.Reasons(), a.Rule) - slices.Index(mapping.Reasons(), b.Rule)
	})
	return all, err
}
