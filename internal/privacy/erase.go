package privacy

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Store reads and erases the data of customers. Each method is one transaction.
type Store interface {
	// Personal is all rows that are held of a customer, as of one moment.
	Personal(ctx context.Context, customerID string) ([]record.PersonalRows, error)
	// Held is what an erasure of a customer decides by.
	Held(ctx context.Context, customerID string) (record.Held, error)
	// PlanErasure writes a plan and returns it with its time.
	PlanErasure(ctx context.Context, e record.Erasure) (record.Erasure, error)
	// Erasure is a plan, or what was carried out. NotFound: there is none, or a plan is older than
	// record.ErasurePlanLife.
	Erasure(ctx context.Context, id string) (record.Erasure, error)
	// Erase carries a plan out, and returns it as it is then; one that was carried out stays as it
	// was. Conflict: something forbids it (record.Held.Permit), or the plan has gone.
	Erase(ctx context.Context, e record.Erasure) (record.Erasure, error)
	// Quiet looks at the next customers who have a checkout, in the order of their ids.
	Quiet(ctx context.Context, q record.QuietSearch) ([]record.QuietCustomer, error)
}

// Service exports and erases. It is safe for concurrent use.
type Service struct{ Store Store }

// Plan is what an erasure would do.
type Plan struct {
	record.Erasure
	// Obstacles forbid it for now.
	Obstacles []record.Obstacle
}

// Preview plans the erasure of a customer, and keeps the plan for a day. Replace says that the id
// itself is personal, and becomes a pseudonym. Errors: NotFound if nothing is held, Unavailable.
func (s Service) Preview(ctx context.Context, by curfew.Actor, customerID string, replace bool) (Plan, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return Plan{}, err
	}
	held, err := s.Store.Held(ctx, customerID)
	if err != nil {
		return Plan{}, err
	}
	if nothing(held.Rows) {
		return Plan{}, unknown(customerID)
	}
	id := uuid.Must(uuid.NewV7()).String()
	e := record.Erasure{ID: id, CustomerID: customerID, Version: held.Version, Held: held.Rows, Actor: by}
	if replace {
		e.Pseudonym = record.Pseudonym(uuid.NewString())
	}
	e, err = s.Store.PlanErasure(ctx, e)
	return Plan{e, held.Obstacles(replace)}, err
}

// Erase carries out a plan: what happened since, in its version, or an obstacle is Conflict.
// Repeated, it returns what was done. The reason is kept.
func (s Service) Erase(ctx context.Context, by curfew.Actor, customerID string, plan record.Erasure) (record.Erasure, error) {
	if plan.Reason == "" {
		return record.Erasure{}, curfew.Errorf(curfew.Invalid, "an erasure needs a reason: say why, and name nobody")
	}
	if err := curfew.CheckText("reason", plan.Reason); err != nil {
		return record.Erasure{}, err
	}
	e, err := s.Store.Erasure(ctx, plan.ID)
	switch {
	case err != nil:
		return record.Erasure{}, err
	case !e.ErasedAt.IsZero() && (e.Pseudonym != "" || e.CustomerID == customerID):
		return e, nil
	case e.CustomerID != customerID:
		return record.Erasure{}, curfew.Errorf(curfew.Conflict, "preview %s is of another customer", plan.ID)
	case e.Version != plan.Version:
		return record.Erasure{}, curfew.Errorf(curfew.Conflict, "preview %s has version %d, not %d", plan.ID, e.Version, plan.Version)
	}
	e.Actor, e.Reason = by, plan.Reason
	return s.Store.Erase(ctx, e)
}

func nothing(rows map[string]int64) bool {
	for _, n := range rows {
		if n > 0 {
			return false
		}
	}
	return true
}

func unknown(customerID string) error {
	return curfew.Errorf(curfew.NotFound, "nothing is held of customer %q", customerID)
}

// Part is something that goes in an erasure, or stays.
type Part struct {
	What string
	Rows int64
}

// Goes returns what an erasure takes away, for people.
func Goes(e record.Erasure) []Part {
	all := []Part{
		{"names, e-mail addresses, metadata and notes of payments", e.Held["checkouts"]},
		{"names in requests", e.Held["session_requests"]},
		{"what people wrote into the history", e.Held["events"]},
		{"deliveries, with their bodies and addresses", e.Held["deliveries"]},
		{"of those, deliveries that were not sent yet, and will not be", e.Held["undelivered"]},
		{"idempotency keys", e.Held["idempotency_keys"]},
		{"signed-in browsers", e.Held["sign_ins"]},
	}
	if e.Pseudonym != "" {
		all = append(all, Part{fmt.Sprintf("the id itself, everywhere: it becomes %s", e.Pseudonym), 1})
	}
	return present(all)
}

// Stays returns what an erasure leaves, for people.
func Stays(e record.Erasure) []Part {
	all := []Part{
		{"sessions, with their states and times", e.Held["sessions"]},
		{"payments, with amounts, outcomes, references and the provider's facts and ids", e.Held["checkouts"]},
		{"events, with numbers, states, times and who acted in what role", e.Held["events"]},
		{"refusals, with their times", e.Held["refusals"]},
	}
	if e.Pseudonym == "" {
		all = append(all, Part{"the customer's id: ask for a pseudonym if it is personal itself, as an e-mail address is", 1})
	}
	return present(all)
}

func present(all []Part) []Part {
	kept := []Part{}
	for _, p := range all {
		if p.Rows > 0 {
			kept = append(kept, p)
		}
	}
	return kept
}
