package postgres

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// acknowledgements stores operators' acknowledgements of findings.
type acknowledgements struct{ *db }

const (
	acknowledgementColumns = `code, actor, reason, severity, count, at, until`
	upsertAcknowledgement  = `INSERT INTO curfew.acknowledgements (code, actor, reason, severity, count, until)
			VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (code) DO UPDATE SET actor = excluded.actor, reason = excluded.reason, severity = excluded.severity,
			count = excluded.count, at = excluded.at, until = excluded.until
		RETURNING ` + acknowledgementColumns
	selectAcknowledgements = `SELECT ` + acknowledgementColumns + ` FROM curfew.acknowledgements WHERE until > now() ORDER BY code`
	deleteAcknowledgement  = `DELETE FROM curfew.acknowledgements WHERE code = $1 AND until > now()`
)

func scanAcknowledgement(r row) (curfew.Acknowledgement, error) {
	var a curfew.Acknowledgement
	var actor string
	err := r.Scan(&a.Code, &actor, &a.Reason, &a.Severity, &a.Count, (*moment)(&a.At), (*moment)(&a.Until))
	a.By = record.ParseActor(actor)
	return a, err
}

// Acknowledge stores an acknowledgement, replacing an earlier one of the same finding.
func (s acknowledgements) Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error) {
	kept, err := one(ctx, s.db, scanAcknowledgement, upsertAcknowledgement, a.Code, record.ActorText(a.By), a.Reason, a.Severity, a.Count,
		a.Until.Truncate(time.Microsecond))
	return kept, wrap(err, "acknowledge %s", a.Code)
}

// Acknowledgements returns those that have not expired, by code.
func (s acknowledgements) Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error) {
	all, err := many(ctx, s.db, scanAcknowledgement, selectAcknowledgements)
	return all, wrap(err, "read the acknowledgements")
}

// WithdrawAcknowledgement deletes an acknowledgement; NotFound if there is none.
func (s acknowledgements) WithdrawAcknowledgement(ctx context.Context, code string) error {
	n, err := s.exec(ctx, deleteAcknowledgement, code)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.NotFound, "the finding is not acknowledged")
	}
	return wrap(err, "withdraw the acknowledgement of %s", code)
}
