package lifecycle

// ActionName names something that an operator, a mechanic or a customer can do.
type ActionName string

// The actions.
const (
	ClearCustomer  ActionName = "clear"
	ForceClear     ActionName = "force_clear" // a live session, with a reason
	ReleaseSlot    ActionName = "release"
	RefundPayment  ActionName = "refund"
	CreditPayment  ActionName = "credit"
	FulfillPayment ActionName = "fulfil"
	UndoRun        ActionName = "undo"

	EndSession        ActionName = "end"
	CancelSession     ActionName = "cancel"
	AssignPayment     ActionName = "assign"
	CloseRefundAction ActionName = "by_hand" // the money was given back outside Curfew
	ProlongSession    ActionName = "prolong"
	TransferRequest   ActionName = "transfer" // to a colleague
)

// ActionNames lists the actions.
func ActionNames() []ActionName {
	return []ActionName{
		ClearCustomer, ForceClear, ReleaseSlot, RefundPayment, CreditPayment, FulfillPayment, UndoRun, EndSession, CancelSession,
		AssignPayment, CloseRefundAction, ProlongSession, TransferRequest,
	}
}
