package curfew

// DeliveryFigures counts deliveries, exactly.
type DeliveryFigures struct {
	Pending int
	Dead    int
	Dying   int // given up recently
	Overdue int // due for too long, for receivers that are not disabled
	// Disabled counts the endpoints that were disabled because of their responses.
	Disabled int
}
