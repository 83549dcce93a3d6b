// Package lifecycle decides what may happen to sessions, requests and checkouts, and
// when. It declares the ports it needs of a store, and knows neither SQL nor HTTP.
//
// New returns a Keeper, which is a set of services: Admission gives customers their
// sessions, Sessions and Queue move them, Checkouts and Payments settle the money,
// Cleanups and the Sweeper end what is due, and Health reports how well all of it works.
//
// # States
//
// A session begins scheduled (an appointment) or waiting. Completed and cancelled are
// final: the session keeps the reason, and nothing is ever reopened.
//
//	scheduled ──► waiting ──► live ──► completed
//	    │            │          │
//	    └────────────┴──────────┴────► cancelled
//
//	scheduled → scheduled  its slot was taken at its start: it gets a second chance
//	scheduled → waiting    it begins, once the customer's slot is free
//	scheduled → cancelled  it is cancelled, or its slot was taken both times
//	waiting → waiting      a mechanic accepts, releases or transfers it, one party joins, or
//	                       its mechanic does not come and it is given back
//	waiting → live         both parties have joined
//	waiting → cancelled    it is cancelled, or its deadline passes
//	live → live            it is extended
//	live → completed       it ends after the policy's MinimumLive, or overruns
//	live → cancelled       it ends sooner, or its payment is given back
//
// # Deadlines
//
// Every session that has not ended has its deadline in its row. It is overdue when it
// is strictly past the deadline by the database's clock.
//
//	state                  deadline                          outcome
//	scheduled              its start                         begins, or gets a second chance
//	scheduled, postponed   start + ScheduledGrace            begins, or ends missed
//	waiting, unassigned    creation + WaitingTTL; after a    ends expired, or orphaned if it
//	                       release anew, within MaxWait      has no open request
//	waiting, assigned      acceptance + JoinOffer            goes back into the queue, or ends
//	                                                         unattended after MaxWait
//	waiting, mechanic in   acceptance + JoinTTL              ends no_show
//	live                   bought time + LiveGrace           ends overran
//
// Two rules need no deadline. A waiting session without a mechanic or an open request,
// an orphan, is due once it is older than OrphanTTL. And a session whose mechanic had a live
// stream after accepting, and has had none for StreamGone, is given back before its deadline.
//
// # Who ends what
//
//	file                who                                        when
//	end_by_hand.go      a party, an admin or a service             at any time
//	end_by_clearing.go  support, for one customer                  at any time
//	end_by_refund.go    whoever gives its payment back             at any time
//	end_by_deadline.go  the customer's own next call               once it is due
//	end_by_cleanup.go   the sweeper, and cleanups run by people    once it is due
//
// The last two are independent of each other, and each is enough for the customer in
// front of it. The database's guards are the third layer: they settle overdue sessions
// that would block another program's writes.
package lifecycle
