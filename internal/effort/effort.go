// Package effort says how much a test does: a little with -short, as on every change, and much in make long. Only tests
// import it.
package effort

import "testing"

// Of returns what a flag said, if it is not zero, or else the short or the long form's value. Call it after flags are parsed.
func Of[T comparable](said, short, long T) T {
	var nothing T
	switch {
	case said != nothing:
		return said
	case testing.Short():
		return short
	}
	return long
}
