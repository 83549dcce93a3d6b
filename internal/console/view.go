package console

// The views: what each page shows, in words. The files named after the pages fill them in.

// Overview shows the state of the service.
type Overview struct {
	State    State
	Findings []Finding
	Groups   []Group // of figures
	Sweeper  []Fact
	Repeated []Repeated
	First    *First // nil: something has happened already
}

// Group is a named group of figures.
type Group struct {
	Key, Name string
	Figures   []Figure
}

// Finding is one thing that is wrong, and what to do about it.
type Finding struct {
	Code, Severity, Problem string
	Call                    string  // a command to paste
	Fix                     *Action // nil: only the command fixes it
	Look                    *Link   // where to see more of it
	Known                   string  // who acknowledged it, until when and why; empty: it is not acknowledged
	Acknowledge             *Action // acknowledges it, or withdraws that; nil: neither is possible
	Sessions                []string
	Count                   int // of all sessions it is about
}

// Repeated is a customer who was refused again and again.
type Repeated struct {
	CustomerID string
	Times      string
	LastAt     Moment
}

// Cleanup shows what a cleanup would change, and what past ones changed.
type Cleanup struct {
	State     State
	Figures   []Figure
	Filters   Filters
	PreviewID string // of the stored preview that is shown; empty: it is not stored
	Taken     Moment
	Rows      []CleanupRow
	Total     int  // of all rows
	More      Link // shows more of them
	Truncated bool
	Run       Action // executes exactly this preview
	Runs      []Run
	History   []Tab // which runs
	Older     Link  // the next page of runs
	Jobs      []JobLine
}

// Filters are the filters of the preview.
type Filters struct {
	CustomerID, MaxAge string
	Rules              []Choice
	Said               string // in words; empty: nothing is filtered
}

// Choice is something that can be ticked.
type Choice struct {
	Value, Label string
	Chosen       bool
}

// CleanupRow is a session that would end.
type CleanupRow struct {
	SessionID, CustomerID, Rule, Age, Payment string
	Origin                                    string // the row that would be ended; empty: it is Curfew's own
}

// JobLine is a job in a list: how far it has come.
type JobLine struct {
	ID, Name, Actor, State, Phase, Error, CancelledBy string
	StartedAt                                         Moment
	Running                                           bool
	Done                                              int64
	Total                                             *int64  // nil: unknown yet
	Stop                                              *Action // nil: there is nothing to stop
}

// Job is a job and what became of each customer.
type Job struct {
	JobLine
	RunID      string
	FinishedAt Moment
	Sentence   State
	Rows       []JobRow // what was done
	Left       []JobRow // what was not, and why
	More       Link
}

// JobRow is what became of a session, or of a payment.
type JobRow struct {
	CustomerID, SessionID, Became, NewSessionID string
}

// Run is one execution of the cleanup.
type Run struct {
	ID, Trigger, Actor, Reason, Outcome, Cleaned, Error string
	StartedAt                                           Moment
	Undone                                              bool
	Undo                                                *Action // nil: there is nothing to undo
}

// Customer is the timeline of a customer, or of a run.
type Customer struct {
	Query, Missing string   // what was searched for, and why nothing was found
	Found          bool     // something was found
	Name           string   // of the customer, or the word Run and an id
	Customers      []string // several with this e-mail address
	CustomerID     string   // empty: of a run
	Payer, Email   string   // what the customer's newest payment says; empty: nothing
	State          State
	Sentence       string
	Until          Moment // when the slot frees itself
	Todos          []Todo
	Ahead, Past    []Entry   // deadlines to come; what happened, newest first
	Chapters       []Chapter // what happened to a customer, instead of Past
	Sessions       []SessionLine
	Payments       []PaymentLine
	Older          Link
	AllSessions    Link
	AllPayments    Link
}

// Chapter is what happened around one session, or between two.
type Chapter struct {
	SessionID, Title string // empty: around none
	At               Moment // of the newest entry
	Count            string
	Unfolded         bool
	Entries          []Entry // newest first
}

// Todo is something that can be done now.
type Todo struct {
	What string
	Do   Action
}

// Entry is one line of a timeline.
type Entry struct {
	At                               Moment
	Kind, Tone, Sentence, CustomerID string
}

// SessionLine is a session in a list.
type SessionLine struct {
	ID, Plan, Status, Reason string
	Origin                   string // the row that it follows; empty: it is Curfew's own
	CreatedAt                Moment
}

// PaymentLine is a payment as operators see it.
type PaymentLine struct {
	ID, Ref, Plan, Amount, Outcome, Became, Note, Email, CustomerID string
	CreatedAt                                                       Moment
	Money                                                           Money
	Plain                                                           bool // the money says nothing that the amount does not
	Actions                                                         []Action
}

// Money is the state of a payment's money.
type Money struct {
	Sums     []Sum
	Notes    []string
	Provider Link // where the provider shows it
}

// Sum is an amount and what became of it.
type Sum struct{ Amount, Name, Tone string }

// Difference is how the provider's books differ on one payment.
type Difference struct {
	Ref, Name, Detail string
	Since             Moment
	Done, Todo        string // a sentence each, or empty
}

// Tab is a choice among lists.
type Tab struct {
	Link
	Count string
}

// Mine shows a customer what they have.
type Mine struct {
	CustomerID   string
	Own          bool // the reader is the customer
	State        State
	Steps        []Step
	Open         *Open
	Outlook      []string // what to expect of the queue
	Appointments []Appointment
	Payments     []Payment
}

// Step is one step of a session.
type Step struct {
	Name  string
	Where string // done, now or ahead
}

// Open is the session that holds the customer's slot.
type Open struct {
	ID, Plan, What string
	Since, Until   Moment
	UntilSaid      string // what happens then
	Join           string // where it takes place; empty: only the marketplace knows
	Instead        string // what is offered after a long wait
	Callback       string // where they can ask to be called
	Money          []string
	Actions        []Action
}

// Appointment is a scheduled session.
type Appointment struct {
	ID, Plan, Money string
	At              Moment
	Cancel          Action
}

// Payment is a payment and its outcome.
type Payment struct {
	Plan, Amount, Became, Outcome string
	Money                         Money
	At                            Moment
	Use                           *Action // spends a credit; nil: it is none, or cannot be spent now
}

// Mechanic shows the queue, and the session that a mechanic has.
type Mechanic struct {
	State   State
	Current *Current
	Offers  []Offer
	Waiting string // how many wait: all of them, not those shown
	More    string // that some are not shown; empty: all are
	May     bool   // accept
	Today   []Had  // what the mechanic had in the last 24 hours, the newest first
	Served  string // how many of them
}

// Had is a session that a mechanic has or had.
type Had struct {
	ID, Customer, Plan, Became string
	At                         Moment
}

// Current is the session that a mechanic has.
type Current struct {
	ID, Customer, Plan, Kind, What string
	Payment                        string // while it is being confirmed
	Until                          Moment
	UntilSaid                      string
	Actions                        []Action
	Join                           string // where it takes place; empty: only the marketplace knows
}

// Offer is a request that can be accepted.
type Offer struct {
	ID, Customer, Plan, Kind string
	Since, Until             Moment
	Accept                   *Action // nil: the reader cannot accept it
}

// Settings shows the settings in force, and where each comes from.
type Settings struct {
	Groups []SettingGroup
	Plans  []Plan
	Rules  []Rule
	Money  []Fact
}

// SettingGroup is a named group of settings.
type SettingGroup struct {
	Name     string
	Settings []Setting
}

// Setting is a value and its source.
type Setting struct {
	Key, Value, Source, Where, Default, Help string
	Changed                                  bool
}

// Plan is a plan that customers can buy.
type Plan struct {
	Name, Kind, Duration, Waiting, Price string
}

// Rule is a rule that ends overdue sessions.
type Rule struct {
	Name, Does, When string
	On               bool
}

// Keys shows the API keys of services.
type Keys struct {
	State State
	Keys  []Key
	Add   Action
}

// Key is an API key, without its secret, which cannot be read.
type Key struct {
	ID, Name, State, BoundTo, By                      string
	Active                                            bool
	CreatedAt, UsedAt, ExpiresAt, OldUntil, RevokedAt Moment
	Actions                                           []Action
}
