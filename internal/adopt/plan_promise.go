package adopt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// facts are what the promises depend on.
type facts struct {
	reading
	rel       *Relation
	strangers int64 // open rows without a customer
}

// promises lists what enforce guarantees and what it cannot.
func (f facts) promises() []Promise {
	all := []Promise{
		f.insert(), f.sweep(),
		{"accept", true, "A row that a mechanic accepts at the same moment is not ended: its status, mechanic and deadline are compared while it is locked, and rows locked by others are left for the next sweep."},
		{"rollback", true, "What your programs roll back leaves no trace in Curfew, because mirrors are written in their transactions."},
		{"failure", true, "No write of yours fails because of Curfew's triggers: whatever goes wrong in one becomes a finding. Only serialization failures and deadlocks are passed on, for your programs to retry."},
		{"release", true, "After release your schema is what it was, to the byte of pg_dump --schema-only."},
		{"check_then_insert", false, "A program that first looks for an open session and does not even try to insert if there is one is freed by the sweeper alone, within a second or so of the deadline. If every process of Curfew is dead, it stays blocked: no trigger runs on a SELECT."},
		f.oneOpen(),
		{"steps", false, "In mode shadow, changes between two reads are not seen: a session that was accepted and ended between them has one event, not three."},
		{"replica_role", false, "Writes under session_replication_role = replica fire no triggers, so they neither end nor mirror anything. The comparison (curfew adopt verify) finds them."},
		f.strangersToo(),
		{"undo", false, "A row that was ended is not reopened: to undo an ending, your program creates a new row."},
		f.money(),
	}
	if f.rel.RLS {
		all = append(all, Promise{"row_security", true, "Row-level security hides no row from this role. If it did, a sweep would fail instead of ending only some of them."})
	}
	return all
}

func (f facts) insert() Promise {
	if _, ok := f.End[curfew.Expired]; !ok {
		return Promise{"insert", false, "An INSERT ends no overdue session of the same customer first, because the mapping has no ending for expired."}
	}
	return Promise{"insert", true, fmt.Sprintf("An INSERT into %s for a customer whose session is overdue ends that one first, in the same transaction, even with every process of Curfew dead.", f.Relation)}
}

func (f facts) sweep() Promise {
	var rules, missing []string
	for _, rule := range mapping.Reasons() {
		if _, ok := f.End[rule]; ok {
			rules = append(rules, string(rule))
		} else if rule != curfew.Missed || len(f.Words(curfew.Scheduled)) > 0 {
			missing = append(missing, string(rule))
		}
	}
	if rules == nil {
		return Promise{"sweep", false, "Nothing is ended, because the mapping has no endings."}
	}
	text := "While one process of Curfew runs, overdue rows are ended within a second or so of their deadline, for " + strings.Join(rules, ", ") + "."
	if missing != nil {
		text += " Never for " + strings.Join(missing, ", ") + ": the mapping has no ending for it."
	}
	return Promise{"sweep", true, text}
}

// oneOpen holds if a unique index of the table limits a customer to one open row.
func (f facts) oneOpen() Promise {
	for _, i := range f.rel.Indexes {
		if i.Unique && i.Predicate != "" && len(f.Customer) == 1 && slices.Equal(i.Columns, f.Customer) && strings.Contains(i.Predicate, f.Status.Column) {
			return Promise{"one_open", true, fmt.Sprintf("Your unique index %s keeps a customer from having two open sessions.", i.Name)}
		}
	}
	return Promise{"one_open", false, fmt.Sprintf("Nothing keeps a customer from having two open sessions: %s has no unique index on %s for rows that are open. Curfew mirrors one of them and reports the other.",
		f.Relation, strings.Join(f.Customer, ", "))}
}

func (f facts) strangersToo() Promise {
	text := "A row without a customer is neither mirrored nor ended until it has one."
	if f.strangers > 0 {
		text += fmt.Sprintf(" Open ones now: %d.", f.strangers)
	}
	return Promise{"no_customer", false, text}
}

func (f facts) money() Promise {
	if f.Payment == nil {
		return Promise{"money", false, "No payment is refunded: the mapping names none."}
	}
	return Promise{"money", false, fmt.Sprintf("No payment is refunded: Curfew reports the references in %s of sessions that were paid and ended, until checkouts go through Curfew.", f.Payment.Ref)}
}
