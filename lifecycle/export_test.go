package lifecycle

import "github.com/curfewhq/curfew"

// RecentFailures is what a finding of failed admissions is made of.
func RecentFailures(k *Keeper) (int, curfew.Kind) { return k.Health.failing.recent() }
