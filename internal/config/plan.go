package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/suggest"
)

// Plans are the plans on sale: a mapping from name to plan, in YAML or JSON.
type Plans struct{ ByName map[string]curfew.Plan }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Plans) UnmarshalText(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("is not valid YAML or JSON: %w", err)
	}
	named, err := members(&doc)
	if err != nil {
		return err
	}
	p.ByName = make(map[string]curfew.Plan, len(named))
	for _, m := range named {
		if p.ByName[m.key], err = readPlan(m.value); err != nil {
			return fmt.Errorf("plan %s: %w", m.key, err)
		}
	}
	policy := curfew.DefaultPolicy()
	policy.Plans = p.ByName
	return policy.Validate()
}

var planKeys = []string{"name", "kind", "duration", "waitingTtl", "joinOffer", "price", "currency", "extends", "capture", "captureEarly", "delayed"}

func readPlan(node *yaml.Node) (curfew.Plan, error) {
	var plan curfew.Plan
	parts, err := members(node)
	if err != nil {
		return plan, err
	}
	for _, m := range parts {
		if m.value.Kind != yaml.ScalarNode {
			return plan, fmt.Errorf("%s must be one value", m.key)
		}
		if err := readPlanKey(&plan, m.key, m.value.Value); err != nil {
			return plan, fmt.Errorf("%s: %w", m.key, err)
		}
	}
	return plan, nil
}

func readPlanKey(plan *curfew.Plan, key, text string) (err error) {
	switch key {
	case "name":
		plan.Name = strings.TrimSpace(text)
		return curfew.CheckText("name", plan.Name)
	case "kind":
		plan.Kind = curfew.PlanKind(text)
	case "duration":
		return (*Duration)(&plan.Duration).UnmarshalText([]byte(text))
	case "waitingTtl":
		return (*Duration)(&plan.WaitingTTL).UnmarshalText([]byte(text))
	case "joinOffer":
		return (*Duration)(&plan.JoinOffer).UnmarshalText([]byte(text))
	case "price":
		plan.Price = new(int64)
		if *plan.Price, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("must be a whole number of the currency's minor unit, not %q", text)
		}
	case "currency":
		plan.Currency = text
	case "capture":
		plan.Capture = text
	case "extends":
		return readBool(&plan.Extends, text)
	case "captureEarly":
		return readBool(&plan.CaptureEarly, text)
	case "delayed":
		return readBool(&plan.Delayed, text)
	default:
		return fmt.Errorf("unknown key%s", suggest.Among(key, planKeys))
	}
	return nil
}

func readBool(v *bool, text string) (err error) {
	if *v, err = strconv.ParseBool(text); err != nil {
		return fmt.Errorf("must be true or false, not %q", text)
	}
	return nil
}
