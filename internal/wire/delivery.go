package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
)

// Delivery converts a delivery. The body that was sent is not part of it.
func Delivery(d record.Delivery) api.Delivery {
	out := api.Delivery{
		ID: d.ID, Channel: d.Channel, Destination: d.Receiver(), Type: d.Kind, State: string(d.State), Attempts: d.Attempts,
		Status: d.Status, Error: d.Error, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
	if d.Kind != record.TestKind {
		out.EventID, out.SubjectID, out.Number = d.EventID, d.Subject, d.Number
	}
	if d.CustomerID != curfew.Nobody {
		out.CustomerID = d.CustomerID
	}
	if d.State == record.DeliveryPending {
		out.NextAt = OptionalTime(d.NextAt)
	}
	return out
}
