package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// maxBlocked is how many customers a finding lists.
	maxBlocked = 100
	// swept is how long an overdue session of an enforced table may wait for the sweeper.
	swept = 30 * time.Second
	// unreadFor is how long a table may be unreadable before that is critical.
	unreadFor = time.Minute
	// regretsFor is how long health reports a regret.
	regretsFor = 7 * 24 * time.Hour
)

// Codes of health findings about adopted tables. What curfew.adopt found odd about rows has its
// code from adoption_findings after prefix.
const (
	prefix      = "adopted_"
	unread      = prefix + "unread"
	blocked     = prefix + "blocked"
	unprotected = prefix + "unprotected"
	regrets     = prefix + "regrets"
)

// Findings returns the health findings about adopted tables, at most one of each code.
func (s *Service) Findings(ctx context.Context) ([]record.Finding, error) {
	all, err := readAdoptions(ctx, s.Pool)
	if err != nil {
		return nil, err
	}
	var found []record.Finding
	for _, a := range sorted(all) {
		if a.Mode == record.AdoptOff {
			continue
		}
		who, n, err := s.blocked(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("look at the adopted table %s: %w", a.Name, err)
		}
		of, err := s.findingsOf(ctx, a, who, n)
		if err != nil {
			return nil, fmt.Errorf("look at the adopted table %s: %w", a.Name, err)
		}
		found = append(found, of...)
	}
	return merged(found), nil
}

func sorted(all map[string]record.Adoption) []record.Adoption {
	list := make([]record.Adoption, 0, len(all))
	for _, a := range all {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b record.Adoption) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// findingsOf returns what is wrong with one table, which blocks n customers.
func (s *Service) findingsOf(ctx context.Context, a record.Adoption, who []record.BlockedRow, n int) (all []record.Finding, err error) {
	t, err := s.Table(a.Name)
	if err != nil {
		return []record.Finding{{
			Code: unread, Critical: true, Count: 1, Since: a.ReadAt,
			Problem: fmt.Sprintf("%s is in mode %s, and the settings of this process do not map it", a.Name, a.Mode),
			Fix:     "put its mapping back under adopt in the settings, or run curfew adopt release " + a.Name,
		}}, nil
	}
	odd, since, err := s.odd(ctx, t)
	if err != nil {
		return nil, err
	}
	all = append(all, s.unread(t, a, since), s.blockedBy(a, who, n))
	if a.Mode == record.AdoptEnforce {
		all = append(all, s.unprotected(ctx, t, a))
	} else {
		f, err := s.regretsOf(ctx, a)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	all = append(all, odd...)
	return slices.DeleteFunc(all, func(f record.Finding) bool { return f.Count == 0 }), nil
}

// unread reports that a table cannot be read, or that no process reads it.
func (s *Service) unread(t mapping.Table, a record.Adoption, since time.Time) record.Finding {
	f := record.Finding{Code: unread, Count: 1, Since: since}
	switch {
	case a.Mode != record.AdoptShadow:
		return record.Finding{}
	case a.Unread != "":
		f.Critical = a.Now.Sub(since) > unreadFor
		f.Problem = fmt.Sprintf("%s cannot be read, so it is unknown whom its sessions block: %s", t.Relation, a.Unread)
		f.Fix = s.remedy(t, a.Unread)
	case a.Now.Sub(latest(a.ReadAt, a.Since)) > max(unreadFor, 2*share*a.ReadTook):
		f.Critical, f.Since = true, latest(a.ReadAt, a.Since)
		f.Problem = fmt.Sprintf("nobody reads %s, so Curfew does not know whom its sessions block", t.Relation)
		f.Fix = "run curfew serve with adopt." + t.Name + " in its settings"
	default:
		return record.Finding{}
	}
	return f
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// remedy suggests a fix for the reason a table cannot be read.
func (s *Service) remedy(t mapping.Table, why string) string {
	role := "ROLE"
	if p, err := s.poller(t); err == nil {
		role = p.theirs.role()
	}
	switch {
	case strings.Contains(why, "row-level security"):
		return "as a superuser there, run: ALTER ROLE " + role + " BYPASSRLS"
	case strings.Contains(why, "permission denied for schema"):
		return "as its owner, run: GRANT USAGE ON SCHEMA " + name(t.Schema()) + " TO " + role
	case strings.Contains(why, insufficientPrivilege):
		return "as its owner, run: GRANT SELECT ON " + t.Relation + " TO " + role
	case strings.Contains(why, "there is no table"), strings.Contains(why, "has no column"), strings.Contains(why, "in which zone"):
		return "mend adopt." + t.Name + " in the settings (curfew adopt inspect " + t.Relation + " shows what there is), or run curfew adopt off " + t.Name
	}
	return "curfew adopt status " + t.Name
}

const selectBlocked = `SELECT s.id::text, s.adopted_id, s.customer_id, s.status, s.expires_at, count(*) OVER ()
	FROM curfew.sessions s
	WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.status IN ('scheduled', 'waiting', 'live') AND s.status <> 'scheduled'
		AND s.expires_at < now() - $2::interval
	ORDER BY s.expires_at, s.id LIMIT $3`

// blocked lists at most maxBlocked of the customers blocked now, longest first, and counts them
// all.
func (s *Service) blocked(ctx context.Context, a record.Adoption) (who []record.BlockedRow, n int, err error) {
	grace := time.Duration(0)
	if a.Mode == record.AdoptEnforce {
		grace = swept
	}
	who, err = collect(ctx, s.Pool, func(row pgx.CollectableRow) (b record.BlockedRow, err error) {
		err = row.Scan(&b.Session, &b.Row, &b.Customer, &b.Status, &b.Since, &n)
		return b, err
	}, selectBlocked, a.Name, grace, maxBlocked)
	return who, n, err
}

// blockedBy reports that sessions of a table block n customers.
func (s *Service) blockedBy(a record.Adoption, who []record.BlockedRow, n int) record.Finding {
	if len(who) == 0 {
		return record.Finding{}
	}
	first := who[0]
	f := record.Finding{Code: blocked, Count: n, Since: first.Since, Critical: a.Now.Sub(first.Since) > s.Policy.VeryStaleAfter}
	for _, b := range who {
		f.Sessions, f.Customers = append(f.Sessions, b.Session), append(f.Customers, b.Customer)
	}
	f.Problem = fmt.Sprintf("%s of %s %s blocked by a session past its deadline, the first one %s by row %s, since %s",
		counted(f.Count, "customer"), a.Name, isAre(f.Count), curfew.Visible(first.Customer), curfew.Visible(first.Row), first.Since.UTC().Format(time.RFC3339))
	f.Fix = "curfew adopt plan " + a.Name + "; curfew adopt enforce " + a.Name
	if a.Mode == record.AdoptEnforce {
		f.Fix = "curfew adopt status " + a.Name
	}
	return f
}

// counted formats a count with its noun: "1 row", "2 rows".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// unprotected reports triggers of an enforced table that are missing or out of date.
func (s *Service) unprotected(ctx context.Context, t mapping.Table, a record.Adoption) record.Finding {
	wrong, err := s.table(t).Installed(ctx, endReasons(a.Rules))
	if err != nil {
		wrong = "it is unknown whether its triggers are there: " + reasonOf(err)
	}
	if wrong == "" {
		return record.Finding{}
	}
	return record.Finding{
		Code: unprotected, Critical: true, Count: 1, Problem: t.Name + " is enforced, but " + wrong,
		Fix: "curfew adopt enforce " + t.Name + ruleFlags(a.Rules),
	}
}

func ruleFlags(rules []string) string {
	text := ""
	for _, rule := range rules {
		text += " --rule " + rule
	}
	return text
}

const selectRegrets = `SELECT v.session_id::text, v.adopted_id, v.became_at, count(*) OVER () FROM curfew.adoption_verdicts v
	WHERE v.name = $1 AND v.became = 'lived' AND v.became_at > now() - $2::interval ORDER BY v.became_at LIMIT $3`

// regretsOf reports sessions that would have been ended and went on to be live.
func (s *Service) regretsOf(ctx context.Context, a record.Adoption) (f record.Finding, err error) {
	rows, err := s.Pool.Query(ctx, selectRegrets, a.Name, regretsFor, maxBlocked)
	if err != nil {
		return f, err
	}
	var session, id, first string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&session, &id, &at, &f.Count}, func() error {
		if f.Sessions = append(f.Sessions, session); first == "" {
			f.Since, first = at, id
		}
		return nil
	})
	f.Code = regrets
	f.Problem = fmt.Sprintf("%s of %s would have been ended and lived on, the first one row %s: the policy is too strict for it",
		counted(f.Count, "session"), a.Name, curfew.Visible(first))
	f.Fix = "curfew adopt status " + a.Name + " shows by which rule; raise waiting_ttl, join_ttl or live_grace before you enforce that rule"
	return f, err
}

// merged merges findings with the same code.
func merged(all []record.Finding) []record.Finding {
	var one []record.Finding
	for _, f := range all {
		i := slices.IndexFunc(one, func(o record.Finding) bool { return o.Code == f.Code })
		if i < 0 {
			one = append(one, f)
			continue
		}
		o := &one[i]
		o.Count += f.Count
		o.Critical = o.Critical || f.Critical
		o.Sessions, o.Customers = append(o.Sessions, f.Sessions...), append(o.Customers, f.Customers...)
		if o.Since.IsZero() || !f.Since.IsZero() && f.Since.Before(o.Since) {
			o.Since = f.Since
		}
		o.Problem, o.Fix = o.Problem+"; "+f.Problem, o.Fix+"; "+f.Fix
	}
	return one
}
