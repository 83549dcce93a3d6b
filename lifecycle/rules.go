package lifecycle

import (
	"github.com/curfewhq/curfew"
)

// Rules is what the policy says of a session or a payment as it stands. It reads
// and writes nothing.
type Rules struct {
	policy       curfew.Policy
	asksProvider bool // there is a provider that gives money back
}

// Policy is the thresholds and plans in force.
func (r *Rules) Policy() curfew.Policy { return r.policy }
