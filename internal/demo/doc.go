// Package demo is a marketplace in fast motion: customers who pay, leave, come
// back and pay twice, mechanics who accept, forget and go offline, and a payment
// provider that tells late and repeats itself. It calls Curfew as a marketplace's
// backend and its people would, over HTTP, and knows nothing of what is behind.
//
// What everybody does is chosen by a seed (choice.go); how it ends is Curfew's
// doing, and the report (report.go) is read back from Curfew, not remembered.
package demo
