package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// AuditReader reads the audit log.
type AuditReader interface {
	AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error)
}

// auditShown is how many entries a page lists.
const auditShown = 50

// Audit lists what staff did and looked at.
type Audit struct {
	State   State
	Filters AuditFilters
	Rows    []AuditRow
	More    Link
}

// AuditFilters are the filters of the list, as they were given.
type AuditFilters struct {
	Actor, Subject, Action, From string
	Some                         bool
}

// AuditRow is an entry of the audit log.
type AuditRow struct {
	Number, Actor, Action, Via, Status, CustomerID, Object, Detail, RequestID, ISO string
	At                                                                             Moment
	Erased                                                                         bool
}

// auditParams are the filters of the list, in the order of the form.
var auditParams = []string{"actor", "subject", "action", "from"}

// auditView lists the entries that the filters choose, the newest first.
func (s *Site) auditView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, append([]string{"cursor"}, auditParams...)...)
	if err != nil {
		return nil, err
	}
	search, err := auditSearch(q)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(search.Customer, "", "")
	all, err := s.audit.AuditEntries(ctx, search)
	if err != nil {
		return nil, err
	}
	v := Audit{State: State{Sentence: "What staff did and looked at, newest first."}, Filters: AuditFilters{Actor: search.Actor, Subject: search.Customer, Action: search.Action, From: q.Get("from")}}
	v.Filters.Some = len(given(q, auditParams)) > 0
	all, v.More = pageOf(all, auditShown, "Earlier entries", given(q, auditParams), func(e record.AuditEntry) string { return strconv.FormatInt(e.Number, 10) })
	at := moments{time.Now()}
	for _, e := range all {
		v.Rows = append(v.Rows, auditRow(e, at))
	}
	return v, nil
}

// auditSearch reads the filters of the list.
func auditSearch(q url.Values) (record.AuditSearch, error) {
	s := record.AuditSearch{Actor: q.Get("actor"), Customer: q.Get("subject"), Action: q.Get("action"), Limit: auditShown + 1}
	for name, text := range map[string]string{"actor": s.Actor, "subject": s.Customer, "action": s.Action} {
		if text == "" {
			continue
		}
		if err := curfew.CheckID(name, text); err != nil {
			return s, err
		}
	}
	if c := q.Get("cursor"); c != "" {
		var err error
		if s.After, err = strconv.ParseInt(c, 10, 64); err != nil || s.After < 1 {
			return s, problem.Malformed("cursor is none that Curfew gave: leave it out for the first page")
		}
	}
	var err error
	s.Since, err = day(q, "from")
	return s, err
}

func auditRow(e record.AuditEntry, at moments) AuditRow {
	a := wire.Audit(e)
	v := AuditRow{
		Number: strconv.FormatInt(a.Number, 10), Actor: a.Actor, Action: a.Action, Via: a.Via, CustomerID: a.Subject, Object: a.Object, Detail: a.Detail,
		RequestID: a.RequestID, ISO: a.At.Format(time.RFC3339Nano), At: at.at(a.At), Erased: a.Erased,
	}
	if a.Status != 0 {
		v.Status = strconv.Itoa(a.Status)
	}
	return v
}
