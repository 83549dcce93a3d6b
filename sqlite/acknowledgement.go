package sqlite

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
)

// acknowledgements is what operators said of findings.
type acknowledgements struct{ *db }

const (
	acknowledgementColumns = `code, actor, reason, severity, count, at, until`
	acknowledgeSQL         = `
INSERT INTO acknowledgements (code, actor, reason, severity, count, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (code) DO UPDATE SET actor = excluded.actor, reason = excluded.reason, severity = excluded.severity,
    count = excluded.count, at = excluded.at, until = excluded.until
RETURNING ` + acknowledgementColumns
	acknowledgementsSQL        = `SELECT ` + acknowledgementColumns + ` FROM acknowledgements WHERE until > $1 ORDER BY code`
	withdrawAcknowledgementSQL = `DELETE FROM acknowledgements WHERE code = $1 AND until > $2`
)

func scanAcknowledgement(r row) (curfew.Acknowledgement, error) {
	var a curfew.Acknowledgement
	var actor string
	var count int64
	err := r.Scan(text(&a.Code), text(&actor), text(&a.Reason), text(&a.Severity), number(&count), moment(&a.At), moment(&a.Until))
	a.By, a.Count = curfew.ParseActor(actor), int(count)
	return a, err
}

// Acknowledge keeps an operator's word, in place of an earlier one.
func (s acknowledgements) Acknowledge(ctx context.Context, a curfew.Acknowledgement) (kept curfew.Acknowledgement, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		kept, err = one(ctx, tx, scanAcknowledgement, acknowledgeSQL, a.Code, a.By.String(), a.Reason, a.Severity, int64(a.Count),
			micros(tx.now), micros(a.Until))
		return err
	})
	if err != nil {
		return kept, fmt.Errorf("acknowledge %s: %w", a.Code, err)
	}
	return kept, nil
}

// Acknowledgements is those that have not ended.
func (s acknowledgements) Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error) {
	all, err := list(ctx, s.reader, scanAcknowledgement, acknowledgementsSQL, micros(s.now()))
	if err != nil {
		return nil, fmt.Errorf("read the acknowledgements: %w", err)
	}
	return all, nil
}

// WithdrawAcknowledgement takes an operator's word back.
func (s acknowledgements) WithdrawAcknowledgement(ctx context.Context, code string) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.exec(ctx, withdrawAcknowledgementSQL, code, micros(tx.now))
		if err == nil && n == 0 {
			return curfew.Errorf(curfew.NotFound, "the finding is not acknowledged")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("withdraw the acknowledgement of %s: %w", code, err)
	}
	return nil
}
