package console

// Payments lists payments.
type Payments struct {
	State    State
	Filters  PaymentFilters
	CSV      string
	Looked   bool // further payments were looked at, of which none or few match
	Outcomes []Tab
	Totals   []Fact // of payments that wait for something, by outcome and currency
	Differs  []Difference
	Jobs     []JobLine
	Compare  *Action // with the provider; nil: none is asked
	Payments []PaymentLine
	More     Link
}

// PaymentFilters are the filters of the list, as they were given.
type PaymentFilters struct {
	Outcome, Plan, CustomerID, Amount, From, To string
	Some                                        bool // besides the outcome
}

// Deliveries shows where events are sent, and what became of that.
type Deliveries struct {
	State      State
	Endpoints  []Endpoint
	Add        Action
	States     []Tab
	Filters    DeliveryFilters
	CSV        string
	Deliveries []Delivery
	Looked     bool // further deliveries were looked at, of which none or few match
	More       Link
}

// DeliveryFilters are the filters of the list, as they were given.
type DeliveryFilters struct {
	State, Endpoint, CustomerID, From, To string
	Some                                  bool // besides the state
}

// Endpoint is an endpoint of webhooks.
type Endpoint struct {
	ID, URL, Description, Events, Reason string
	Arrived, Tone                        string // how much of the newest arrived; empty: nothing was sent
	Enabled                              bool
	CreatedAt, LastAt                    Moment
	Actions                              []Action
}

// EndpointView shows one endpoint.
type EndpointView struct {
	Missing    string // why there is none
	Endpoint   Endpoint
	State      State
	Facts      []Fact
	Deliveries []Delivery
	Looked     bool // further deliveries were looked at, of which none or few match
	More       Link
}

// Delivery is one message to one receiver.
type Delivery struct {
	ID, Short, Kind, To, Endpoint, Channel, State, Tries, Error, CustomerID string
	Subject, Body                                                           string // what it is about, and what is sent, on an endpoint's page alone
	CreatedAt, NextAt                                                       Moment
	Again                                                                   *Action // nil: it is on its way
}
