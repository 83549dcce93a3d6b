package lifecycle

import "github.com/curfewhq/curfew"

// RecentFailures is what a finding of failed admissions is made of.
func RecentFailures(e *Engine) (int, curfew.Kind) { return e.admissionService.failing.recent() }
