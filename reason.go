package curfew

// The reasons recorded in events, in addition to the EndReasons. An operator's note may
// follow one, after noteMark. Where an operator refunds, credits or reassigns a payment,
// the reason is the operator's own text. Outsiders see Event.Code instead.
const (
	AdmittedReason    = "admitted"
	BookedReason      = "booked"
	SpentReason       = "a credit was spent"
	ServedReason      = "the slot is free"
	RevivedReason     = "revived"
	UnacceptedReason  = "nobody has accepted yet"
	AcceptedReason    = "accepted"
	ReleasedReason    = "released"
	TransferredReason = "transferred" // and to whom
	ProlongedReason   = "prolonged"   // and by how much
	JoinedReason      = "joined"
	BothJoinedReason  = "both are in"
	ExtendedReason    = "extended" // and by how much
	PostponedReason   = "the slot is taken"
	DeferredReason    = "the customer's slot is taken"
	UnservedReason    = "the slot was not free in time"
	ForeignReason     = "another program"

	RepairedReason        = "repaired by hand"
	RefundAskedReason     = "the provider is asked"
	RefundRefusedReason   = "refused" // and why
	NothingPaidReason     = "there was nothing to give back"
	GivenBackReason       = "the provider gave it back"
	GivenBackBeforeReason = "it was given back before it was known"
	DisputedReason        = disputedCode + noteMark + "answer at the provider"

	AwaitedReason  = "the money has not come yet"
	ArrivedReason  = "the money has come"
	PartLostReason = "a part of the payment is gone" // and how much is left

	creditOver = "the credit's time is over" // record.CreditOver

	disputedCode = "the customer's bank disputes it"
)

// captureReasons maps each state of a capture to the reason of the event that led to it.
var captureReasons = map[string]string{
	"due":       "the money is due",
	"capturing": "the provider is asked for the money",
	"captured":  "the money was taken",
	"failed":    "the money could not be taken",
	"releasing": "the provider is asked to release the money",
	"released":  "the money is not reserved any more",
}

// CaptureReason returns the reason of the event that moves Checkout.Capture to this state.
func CaptureReason(capture string) string { return captureReasons[capture] }

// adoptedReason begins the reasons of what a program of the marketplace did to a row of its own.
const adoptedReason = "their "

// noteMark separates a reason from an operator's note.
const noteMark = ": "

// WithNote appends an operator's note to a reason. An empty note leaves it unchanged.
func WithNote(reason, note string) string {
	if note == "" {
		return reason
	}
	return reason + noteMark + note
}
