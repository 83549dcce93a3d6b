// Package m is what the test of the whole program measures.
package m

// Good has its comment.
func Good() int { return helper() }

func helper() int { return 1 }

func Bare() {}
