package openapi

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// words is a closed list of words that has a name.
type words struct {
	name, doc string
	list      []any
}

// lists are the named lists. Later releases may add words to them.
func lists() []words {
	return []words{
		{"CheckoutOutcome", "What became of a payment", enumOf(curfew.Outcomes())},
		{"SessionStatus", "The status of a session", enumOf(curfew.SessionStatuses())},
		{"RequestStatus", "The status of a request", enumOf(curfew.RequestStatuses())},
		{"SessionType", "The kind of a session", enumOf([]curfew.PlanKind{curfew.Chat, curfew.Video, curfew.Diagnostic})},
		{"EndReason", "Why a session ended", enumOf(curfew.EndReasons())},
		{"EventActor", "Who did something, as outsiders see it", enumOf(curfew.OutsideRoles())},
		{"EventReason", "Why something happened, as a code", enumOf(curfew.ReasonCodes())},
		{"EventKind", "What happened, as the type of a webhook", enumOf(record.EventKinds())},
		{"FindingCode", "What is wrong, as a code", enumOf(lifecycle.Codes())},
		{"BlockerAction", "What a caller can do about the session that blocks", enumOf([]string{"cancel", "end", "release", "wait"})},
		{"CallerRole", "The role of a caller", enumOf([]curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service})},
	}
}

func enumOf[T ~string](all []T) []any {
	list := make([]any, len(all))
	for i, one := range all {
		list[i] = string(one)
	}
	return list
}

// fields are those of answers whose words are a named list. Their Go types are texts, because api knows no other package of ours.
var fields = map[string][]string{
	"BlockerAction":   {"CustomerStatus.actions", "Problem.actions"},
	"CallerRole":      {"Hello.role", "SignIn.role"},
	"CheckoutOutcome": {"WebhookCheckout.outcome", "WebhookCheckoutChange.from", "WebhookCheckoutChange.to"},
	"EndReason":       {"WebhookSession.endReason"},
	"EventActor":      {"WebhookSessionChange.actor", "WebhookCheckoutChange.actor"},
	"EventKind":       {"Endpoint.events"},
	"EventReason":     {"WebhookSessionChange.reason", "WebhookCheckoutChange.reason"},
	"FindingCode":     {"HealthFinding.code", "Withdrawn.code"},
	"SessionStatus":   {"Kept.status", "WebhookSession.status", "WebhookSessionChange.from", "WebhookSessionChange.to"},
	"SessionType":     {"WebhookSession.type"},
}

// listWords says of each field whose words are known which those are.
func (d description) listWords() {
	for list, places := range fields {
		for _, place := range places {
			name, field, _ := strings.Cut(place, ".")
			properties := d.schemas[name].Properties
			if p := properties[field]; p.Type == huma.TypeArray {
				p.Items = ref(list)
			} else {
				properties[field] = &huma.Schema{Ref: SchemaPrefix + list, Description: p.Description}
			}
		}
	}
	event := d.schemas["HistoryEvent"].Properties
	event["actor"] = anyOf(described(ref("EventActor"), "Who did it: a role"), described(text(), "role:id, for admins"))
	event["reason"] = anyOf(described(ref("EventReason"), "Why, as a code"), described(text(), "Why, with what operators noted, for admins"))
	event["to"] = anyOf(ref("SessionStatus"), ref("CheckoutOutcome"))
	event["from"] = anyOf(ref("SessionStatus"), ref("CheckoutOutcome"), described(one(""), "The first event"))
	d.schemas["Session"].Properties["endReason"] = anyOf(described(ref("EndReason"), "Why it ended, as a code"), described(text(), "What another program wrote, for admins"))
	d.schemas["Delivery"].Properties["type"] = anyOf(ref("EventKind"), described(one(record.TestKind), "A test"))
}

func text() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func anyOf(these ...*huma.Schema) *huma.Schema { return &huma.Schema{AnyOf: these} }

func described(s *huma.Schema, doc string) *huma.Schema {
	s.Description = doc
	return s
}

// nameWords names the lists, and refers to them wherever one is written out.
func (d description) nameWords() {
	all := lists()
	name := func(s *huma.Schema) {
		for _, l := range all {
			if s.Type == huma.TypeString && !s.Nullable && s.Default == nil && slices.Equal(s.Enum, l.list) {
				*s = huma.Schema{Ref: SchemaPrefix + l.name, Description: s.Description}
			}
		}
	}
	for _, schema := range d.schemas {
		d.walk(schema, name)
	}
	for _, op := range d.operations() {
		for _, p := range op.Parameters {
			d.walk(p.Schema, name)
		}
	}
	for _, l := range all {
		d.schemas[l.name] = &huma.Schema{Type: huma.TypeString, Description: l.doc, Enum: l.list}
	}
}
