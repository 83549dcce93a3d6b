// Package lifecycle decides what may happen to sessions, requests and
// checkouts, and when. It declares the ports it needs of a store, and knows
// neither SQL nor HTTP.
//
// New returns a Keeper: services side by side. Admission gives customers their
// sessions, Sessions and Queue move them, Checkouts and Payments settle money,
// Cleanups and the Sweeper end what is due, and Health says how well all of it
// works.
//
// # States
//
//	         start              accept, release, first join
//	scheduled ──────► waiting ─┐    second join       end, at least a minute
//	    │              │  ▲    │  ┌──────────────► live ──────────► completed
//	    │              │  └────┴──┘                  │
//	    └──────────────┴─────────► cancelled ◄───────┘ end within a minute
//
// An admission makes a session scheduled (an appointment) or waiting. completed
// and cancelled are for ever, with the reason of the end; nothing is reopened.
//
// # Deadlines
//
// Every session that has not ended has its deadline in its row:
//
//	scheduled             its start; it begins. Slot taken: once more at start +
//	                      scheduled_grace, then missed
//	waiting, unassigned   waiting_ttl, after a release within max_wait: expired,
//	                      or orphaned where it has no open request
//	waiting, assigned     join_ttl: no_show
//	live                  planned end + extensions + live_grace: overran
//
// A session is overdue strictly past its deadline, by the database's clock.
//
// # Who ends what
//
//	end_by_hand.go      a party, an admin or a service, at any time
//	end_by_clearing.go  support, everything that a customer has open
//	end_by_refund.go    whoever gives its payment back
//	end_by_deadline.go  the customer's own next call, once it is due
//	end_by_cleanup.go   the sweeper and cleanups, in batches, once it is due
//
// The last two ask the same question, each alone enough for the customer in front
// of it. The guards in the database are the third layer: they settle what another
// program stumbles over.
package lifecycle
