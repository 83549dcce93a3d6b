package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admission returns a paid admission with every field set that a caller may set.
func admission(customer string) record.Admission {
	session, checkout := newID(), newID()
	return record.Admission{
		Checkout: curfew.Checkout{
			ID: checkout, CustomerID: customer, Ref: "pay_" + checkout, Plan: "chat10",
			Amount: 990, Currency: "eur", Email: "ada@example.org", Name: "Ada",
			Metadata: map[string]string{"campaign": "spring"}, Line: 1,
		},
		Session: curfew.Session{
			ID: session, CustomerID: customer, CheckoutID: checkout,
			Plan: "chat10", Kind: curfew.Chat, Duration: 30 * time.Minute,
		},
		Request:  curfew.Request{ID: newID(), SessionID: session, CustomerID: customer, CustomerName: "Ada"},
		Deadline: curfew.Deadline{After: 15 * time.Minute},
		Actor:    shop,
		Reason:   "paid",
	}
}

// keyed returns an admission under a caller's idempotency key.
func keyed(customer, key string) record.Admission {
	a := admission(customer)
	a.Key = key
	return a
}

// spending returns an admission that an existing checkout pays for.
func spending(c curfew.Checkout) record.Admission {
	a := admission(c.CustomerID)
	a.Checkout, a.From = c, c.Outcome
	a.Session.CheckoutID, a.Session.Plan = c.ID, c.Plan
	a.Reason = "spent"
	return a
}

func accepting(st curfew.Snapshot, mechanic string) record.Change {
	return record.Change{
		From: st.Session, Guard: record.Guard{Overdue: record.No},
		To: curfew.Waiting, Reason: "accepted", Actor: curfew.Actor{Role: curfew.Mechanic, ID: mechanic},
		Deadline: curfew.Deadline{After: 30 * time.Minute},
		Assign:   mechanic, RequestTo: curfew.Accepted,
	}
}

func releasing(st curfew.Snapshot) record.Change {
	return record.Change{
		From: st.Session,
		To:   curfew.Waiting, Reason: "released", Actor: curfew.Actor{Role: curfew.Mechanic, ID: st.MechanicID},
		Deadline: curfew.Deadline{After: 15 * time.Minute, Limit: st.CreatedAt.Add(time.Hour)},
		Release:  true, RequestTo: curfew.Pending,
	}
}

func starting(st curfew.Snapshot) record.Change {
	return record.Change{
		From: st.Session,
		To:   curfew.Live, Reason: "both joined", Actor: curfew.Actor{Role: curfew.Customer, ID: st.CustomerID},
		Deadline:      curfew.Deadline{After: st.Duration + 15*time.Minute},
		CustomerJoins: true, MechanicJoins: true,
	}
}

// endChange ends a session and settles its checkout: a cancelled one is credited.
func endChange(st curfew.Snapshot, to curfew.SessionStatus, by curfew.EndReason) record.Change {
	c := record.Change{
		From: st.Session,
		To:   to, Reason: string(by), EndedBy: by, Actor: curfew.Actor{Role: curfew.Customer, ID: st.CustomerID},
		RequestTo: curfew.RequestCompleted, Owed: curfew.Fulfilled,
	}
	if to == curfew.Cancelled {
		c.RequestTo, c.Owed = curfew.RequestCancelled, curfew.Credited
	}
	return c
}

// batch ends sessions by their rule, with its own reason.
func batch(owed curfew.Outcome, snapshots ...curfew.Snapshot) record.Batch {
	rule, _ := record.RuleFor(snapshots[0], record.Terms{})
	b := record.Batch{Rule: rule, Actor: curfew.Sweeper, RunID: newID()}
	for _, st := range snapshots {
		b.Ends = append(b.Ends, record.PlannedEnd{
			CustomerID: st.CustomerID, SessionID: st.ID, Version: st.Version, Reason: rule.Reason, Owed: owed,
		})
	}
	return b
}
