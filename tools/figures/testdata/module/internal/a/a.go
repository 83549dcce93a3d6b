// Package a belongs to m.
package a

// A is exported to m alone.
const A = 1
