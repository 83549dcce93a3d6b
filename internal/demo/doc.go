// Package demo simulates a marketplace in fast motion: customers who pay, leave, come back and pay twice; mechanics who
// accept, forget and go offline; and a payment provider that reports late and repeats itself. It calls Curfew over HTTP,
// as a marketplace's backend and its users would, and knows nothing of what is behind.
//
// A seed decides what everybody does (choice.go). Curfew decides what comes of it: the report
// (report.go) is read back from Curfew.
package demo
