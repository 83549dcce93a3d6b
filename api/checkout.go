package api

import "time"

// Purchase is a paid checkout to fulfill.
type Purchase struct {
	PaymentRef string            `json:"paymentRef" minLength:"1" doc:"The payment's reference at its provider. The same reference is always the same payment"`
	CustomerID string            `json:"customerId" minLength:"1" doc:"The marketplace's own id"`
	Plan       string            `json:"plan" minLength:"1" maxLength:"128"`
	Amount     *int64            `json:"amount,omitempty" minimum:"0" doc:"In the currency's minor unit"`
	Currency   string            `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"ISO 4217; required with an amount if the plan has no currency"`
	Email      string            `json:"email,omitempty" maxLength:"320"`
	Name       string            `json:"name,omitempty" maxLength:"200" doc:"Shown to mechanics"`
	StartsAt   *time.Time        `json:"startsAt,omitempty" doc:"Start of an appointment, at most a year ahead"`
	Metadata   map[string]string `json:"metadata,omitempty" maxProperties:"50"`
}

// Fulfillment is the result of a purchase, or of a request for a session.
type Fulfillment struct {
	Outcome    string    `json:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored"`
	SessionID  string    `json:"sessionId,omitempty" doc:"The first session it paid for"`
	RequestID  string    `json:"requestId,omitempty"`
	Route      string    `json:"route,omitempty" doc:"Where the customer goes: /chat/<id>"`
	Type       string    `json:"type" enum:"chat,video,diagnostic"`
	Detail     string    `json:"detail,omitempty" doc:"Deferred: why"`
	RetryUntil time.Time `json:"retryUntil,omitzero" doc:"Deferred: when a refund becomes due"`
	BlockedBy  *Blocker  `json:"blockedBy,omitempty" doc:"Deferred: the session that holds the slot"`
}

// Checkout is a payment and its present outcome.
type Checkout struct {
	ID           string    `json:"id"`
	PaymentRef   string    `json:"paymentRef,omitempty" doc:"Absent for free sessions, and for further sessions that one payment bought"`
	Line         string    `json:"line,omitempty" doc:"Which of several sessions of one payment it is, in words; absent for the first: cs_1 line 2 of 3"`
	Plan         string    `json:"plan"`
	Amount       int64     `json:"amount" doc:"In the currency's minor unit"`
	Currency     string    `json:"currency,omitempty"`
	Outcome      string    `json:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored"`
	SessionID    string    `json:"sessionId,omitempty" doc:"The first session it paid for"`
	RetryUntil   time.Time `json:"retryUntil,omitzero"`
	RefundAmount *int64    `json:"refundAmount,omitempty" doc:"What is or was refunded: for an appointment cancelled late, a share"`
	Payment      *Payment  `json:"payment,omitempty" doc:"What is known of the money; absent for free sessions"`
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
}

// Payment is the money of a checkout, as its provider reports it. Several checkouts can
// have one payment. Amounts are in the currency's minor unit.
type Payment struct {
	State           string    `json:"state" enum:"reported,promised,authorised,captured,failed,unpaid" doc:"reported: by the shop alone; promised: a bank sends the money later; authorised: reserved at the bank, not charged; captured: charged; failed: the money will not come; unpaid: no payment was reported"`
	Capture         string    `json:"capture,omitempty" enum:"authorised,due,capturing,captured,failed,releasing,released" doc:"How far the charging of reserved money is; absent if the plan charges at payment"`
	Sentence        string    `json:"sentence" doc:"The difference in words"`
	Currency        string    `json:"currency,omitempty"`
	Captured        int64     `json:"captured" doc:"Charged, or reported by the shop while no provider has spoken"`
	Authorised      int64     `json:"authorised,omitempty" doc:"Reserved at the bank, and not charged"`
	AuthorisedUntil time.Time `json:"authorisedUntil,omitzero" doc:"When the reservation lapses, if the provider says so"`
	Refunded        int64     `json:"refunded" doc:"Refunded"`
	Refunding       int64     `json:"refunding,omitempty" doc:"Refunds under way"`
	// The rest is for admins and services.
	Disputed   *int64   `json:"disputed,omitempty" doc:"In disputes that the bank has not decided. This field and those below are for admins and services"`
	Lost       *int64   `json:"lost,omitempty" doc:"Taken back by the bank in disputes that the customer won"`
	Worth      *int64   `json:"worth,omitempty" doc:"What the payment can pay for: what was captured, less what was, or may soon be, taken or given back"`
	Refusal    string   `json:"refusal,omitempty" doc:"Why the most recent failed refund failed"`
	Provider   string   `json:"provider,omitempty" doc:"Absent while no provider has spoken"`
	ID         string   `json:"id,omitempty" doc:"The provider's id that refunds and captures use"`
	Account    string   `json:"account,omitempty" doc:"The connected account that received it"`
	References []string `json:"references,omitempty" doc:"All references of the payment" nullable:"false"`
}

// Checkouts lists a customer's payments, oldest first.
type Checkouts struct {
	Checkouts []Checkout `json:"checkouts" nullable:"false"`
}

// CheckoutSelection chooses payments. Empty fields do not restrict the choice.
type CheckoutSelection struct {
	Outcome    string
	CustomerID string
	Email      string // exact, ignoring case
	After      string // a NextCursor
	Limit      int    // 0: 50
}

// CheckoutPage is a page of payments as operators see them, oldest first.
type CheckoutPage struct {
	Checkouts  []CheckoutDetail `json:"checkouts" nullable:"false"`
	NextCursor *string          `json:"nextCursor" doc:"Where the next page begins; null on the last"`
}

// CheckoutDetail is a payment as operators see it.
type CheckoutDetail struct {
	Checkout
	CustomerID string            `json:"customerId,omitempty" doc:"Absent if unknown"`
	Email      string            `json:"email,omitempty"`
	Name       string            `json:"name,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	PaymentID  string            `json:"paymentId,omitempty" doc:"The provider's id of the payment"`
	RefundID   string            `json:"refundId,omitempty" doc:"The provider's id of the refund"`
	Attempts   int64             `json:"attempts,omitempty" doc:"How often the refund was requested"`
	NextAt     time.Time         `json:"nextAt,omitzero" doc:"When the refund is requested again"`
	DisputedAt time.Time         `json:"disputedAt,omitzero" doc:"When the customer's bank disputed it"`
	Note       string            `json:"note,omitempty" doc:"Why it has this outcome"`
	Events     []Event           `json:"events,omitempty" doc:"Its history; only for a single payment" nullable:"false"`
}

// Repair fulfills a held payment.
type Repair struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Kept in the payment's history"`
}

// Assignment assigns a held payment to a customer and a plan.
type Assignment struct {
	CustomerID string     `json:"customerId" minLength:"1" doc:"The marketplace's own id"`
	Plan       string     `json:"plan" minLength:"1" maxLength:"128"`
	StartsAt   *time.Time `json:"startsAt,omitempty" doc:"Start of an appointment, at most a year ahead"`
	Reason     string     `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the payment's history"`
}

// Refund refunds a payment and cancels the session that it pays for.
type Refund struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the payment's history"`
	ByHand bool   `json:"byHand,omitempty" doc:"It has already been refunded outside Curfew, so the provider is not asked"`
}
