package curfew

// DeliveryFigures counts deliveries, exactly.
type DeliveryFigures struct {
	Pending int
	Dead    int
	Dying   int // dead since less than DyingWindow
	Overdue int // due for longer than DeliveriesLate, to somebody who is to get them
	// Disabled is the endpoints that were disabled because of what they answered.
	Disabled int
}
