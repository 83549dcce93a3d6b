package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// acknowledgements stores operators' acknowledgements of findings.
type acknowledgements struct{ *db }

const (
	acknowledgementColumns = `code, actor, reason, severity, count, at, until`
	upsertAcknowledgement  = `
INSERT INTO acknowledgements (code, actor, reason, severity, count, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (code) DO UPDATE SET actor = excluded.actor, reason = excluded.reason, severity = excluded.severity,
    count = excluded.count, at = excluded.at, until = excluded.until
RETURNING ` + acknowledgementColumns
	selectAcknowledgements = `SELECT ` + acknowledgementColumns + ` FROM acknowledgements WHERE until > $1 ORDER BY code`
	deleteAcknowledgement  = `DELETE FROM acknowledgements WHERE code = $1 AND until > $2`
)

func scanAcknowledgement(r row) (curfew.Acknowledgement, error) {
	var a curfew.Acknowledgement
	var actor string
	var count int64
	err := r.Scan(text(&a.Code), text(&actor), text(&a.Reason), text(&a.Severity), number(&count), moment(&a.At), moment(&a.Until))
	a.By, a.Count = record.ParseActor(actor), int(count)
	return a, err
}

// Acknowledge stores an acknowledgement, replacing an earlier one of the same finding.
func (s acknowledgements) Acknowledge(ctx context.Context, a curfew.Acknowledgement) (kept curfew.Acknowledgement, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		kept, err = one(ctx, tx, scanAcknowledgement, upsertAcknowledgement, a.Code, record.ActorText(a.By), a.Reason, a.Severity, int64(a.Count),
			micros(tx.now), micros(a.Until))
		return err
	})
	return kept, wrap(err, "acknowledge %s", a.Code)
}

// Acknowledgements returns those that have not expired, by code.
func (s acknowledgements) Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error) {
	all, err := many(ctx, s.db, scanAcknowledgement, selectAcknowledgements, micros(s.now()))
	return all, wrap(err, "read the acknowledgements")
}

// WithdrawAcknowledgement deletes an acknowledgement; NotFound if there is none.
func (s acknowledgements) WithdrawAcknowledgement(ctx context.Context, code string) error {
	n, err := s.exec(ctx, deleteAcknowledgement, code, fromNow(0))
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.NotFound, "the finding is not acknowledged")
	}
	return wrap(err, "withdraw the acknowledgement of %s", code)
}
