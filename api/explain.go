package api

import (
	"context"
	"net/url"
	"time"
)

// Timeline is everything known about a customer, or about a run.
type Timeline struct {
	Subject    Subject    `json:"subject"`
	CustomerID string     `json:"customerId" doc:"Empty for a run, for a payment without a known customer, and for an address of several customers"`
	Customers  []string   `json:"customers,omitempty" doc:"The customers who paid with the e-mail address, if there are several: ask for one of them" nullable:"false"`
	Sentence   string     `json:"sentence" doc:"Whether the customer is blocked, by what, until when, and what can be done"`
	Blocked    bool       `json:"blocked"`
	Session    *Blocker   `json:"session,omitempty" doc:"The session that holds the slot"`
	ReleasesAt *time.Time `json:"releasesAt,omitempty" doc:"When the slot becomes free by itself, at the latest"`
	Actions    []Action   `json:"actions" doc:"What can be done now, as calls" nullable:"false"`
	Sessions   []Session  `json:"sessions" doc:"The most recent, newest first" nullable:"false"`
	Checkouts  []Checkout `json:"checkouts" doc:"The most recent, newest first" nullable:"false"`
	Entries    []Entry    `json:"entries" doc:"In chronological order; future deadlines come last" nullable:"false"`
	More       bool       `json:"more" doc:"Whether there are older entries (for a run: later ones)"`
	NextCursor string     `json:"nextCursor,omitempty" doc:"The cursor of the next page"`
}

// Subject is what somebody asked about.
type Subject struct {
	Kind string `json:"kind" enum:"customer,session,request,checkout,reference,run,email"`
	ID   string `json:"id"`
}

// Action is a call that is possible now. If its body has an empty reason, the
// caller must fill it in.
type Action struct {
	Name  string `json:"name" enum:"clear,force_clear,release,refund,credit,fulfil,undo"`
	Label string `json:"label"`
	// Consequence uses the words of the pages and the command line.
	Consequence string         `json:"consequence" doc:"Everything that the call would do"`
	Method      string         `json:"method"`
	Path        string         `json:"path"`
	Body        map[string]any `json:"body,omitempty"`
}

// Entry is one line of a timeline.
type Entry struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind" enum:"session,request,payment,refusal,run,notice,deadline"`
	ID       string    `json:"id" doc:"The id of the session (also for its request, refusals and notices), the checkout or the run"`
	Number   int64     `json:"number,omitempty" doc:"For an event of a session or checkout"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	Actor    string    `json:"actor" doc:"role:id; empty for deadlines and notices"`
	Reason   string    `json:"reason,omitempty"`
	Sentence string    `json:"sentence"`
	// CustomerID is set in the timeline of a run, which has many customers.
	CustomerID string `json:"customerId,omitempty" doc:"The customer, in the timeline of a run"`
	// Delivery is set for notices.
	Delivery *Delivery `json:"delivery,omitempty" doc:"For a notice: the message that was sent or will be"`
}

// Explain returns the timeline of a customer, session, request, checkout, payment
// reference, run or e-mail address: the entries before the cursor of the previous
// page, or the newest if the cursor is empty.
func (c *Client) Explain(ctx context.Context, subject, cursor string) (Timeline, error) {
	q := url.Values{"subject": {subject}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return get[Timeline](ctx, c, "/api/debug/explain"+encoded(q))
}
