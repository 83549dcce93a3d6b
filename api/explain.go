package api

import (
	"context"
	"net/url"
	"time"
)

// Story is everything that is known of a customer, or of a run.
type Story struct {
	Subject    Subject    `json:"subject"`
	CustomerID string     `json:"customerId" doc:"Empty: of a run, of a payment that nobody owns, of an address of several customers"`
	Customers  []string   `json:"customers,omitempty" doc:"Who paid with the e-mail address, where they are several: ask for one of them"`
	Sentence   string     `json:"sentence" doc:"Blocked or not, by what, until when, what can be done"`
	Blocked    bool       `json:"blocked"`
	Session    *Blocker   `json:"session,omitempty" doc:"What holds the slot"`
	ReleasesAt *time.Time `json:"releasesAt,omitempty" doc:"When the slot is free by itself at the latest"`
	Actions    []Action   `json:"actions" doc:"What is possible now, as calls" nullable:"false"`
	Sessions   []Session  `json:"sessions" doc:"The newest, newest first" nullable:"false"`
	Checkouts  []Checkout `json:"checkouts" doc:"The newest, newest first" nullable:"false"`
	Entries    []Entry    `json:"entries" doc:"In the order of time; deadlines that lie ahead come last" nullable:"false"`
	More       bool       `json:"more" doc:"There are older entries (of a run: later ones)"`
	NextCursor string     `json:"nextCursor,omitempty" doc:"Where those begin"`
}

// Subject is what somebody asked about.
type Subject struct {
	Kind string `json:"kind" enum:"customer,session,request,checkout,reference,run,email"`
	ID   string `json:"id"`
}

// Action is a call that is possible now. An empty reason in its body is for the
// caller to give.
type Action struct {
	Name  string `json:"name" enum:"clear,force_clear,release,refund,credit,fulfil,undo"`
	Label string `json:"label"`
	// Consequence is in the words of the pages and the command line.
	Consequence string         `json:"consequence" doc:"Everything that it does"`
	Method      string         `json:"method"`
	Path        string         `json:"path"`
	Body        map[string]any `json:"body,omitempty"`
}

// Entry is one line of a story.
type Entry struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind" enum:"session,request,payment,refusal,run,notice,deadline"`
	ID       string    `json:"id" doc:"The session's (of its request, its refusals and its notices, too), the checkout's or the run's"`
	Number   int64     `json:"number,omitempty" doc:"Of an event of its session or checkout"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	Actor    string    `json:"actor" doc:"role:id; empty for a deadline and a notice"`
	Reason   string    `json:"reason,omitempty"`
	Sentence string    `json:"sentence"`
	// CustomerID is there in the story of a run, which is of many.
	CustomerID string `json:"customerId,omitempty" doc:"Whose it is, in the story of a run"`
	// Delivery is there in a notice.
	Delivery *Delivery `json:"delivery,omitempty" doc:"Of a notice: what was told, or is to be"`
}

// Explain tells the whole story of a customer, session, request, checkout,
// payment reference, run or e-mail address, up to the cursor of the page before;
// empty: the newest of it.
func (c *Client) Explain(ctx context.Context, subject, cursor string) (Story, error) {
	q := url.Values{"subject": {subject}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return get[Story](ctx, c, "/api/debug/explain"+encoded(q))
}
