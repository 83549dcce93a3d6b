// Package lifecycle decides what may happen to sessions, requests and
// checkouts, and when: admit, accept, join, end, clear, clean up, sweep, and
// say how healthy all of it is. It declares the Store it needs and knows
// neither SQL nor HTTP.
//
// The life of a session, and what the clock does to it:
//
//	          admit                accept, release, first join
//	            │                        ┌──────┐
//	            ▼          start         │      ▼    second join        end, at least a minute
//	(new) ─► scheduled ─────────────► waiting ──┴──────────────► live ─────────────────► completed
//	            │                        │                        │                        ▲
//	            │ cancel; its slot is    │ cancel; unassigned:    │ end within a minute    │
//	            │ still taken at start   │   waiting_ttl, max_wait│                        │
//	            │ + scheduled_grace:     │   → expired, orphaned  │ planned end + live_grace: overran
//	            │ missed                 │ assigned: join_ttl     ├────────────────────────┘
//	            ▼                        ▼   → no_show            ▼
//	        cancelled                cancelled                cancelled
//
// An appointment whose slot is taken at its start stays scheduled until its
// second chance; a live session that is extended stays live, with more time.
//
// Every state that has not ended has a deadline in its row. Three layers ask
// «who is past it?», each alone enough for the customer in front of it: the
// admission settles the customer's own overdue session, the sweeper everybody's,
// and the guards in the database those that another program stumbles over.
package lifecycle
