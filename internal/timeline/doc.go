// Package timeline explains what happened to a customer, a payment or a run, in
// sentences, newest last, with what can be done about it now.
//
// It looks up what a text stands for (an id, a payment's reference, an e-mail address),
// reads its sources, merges their entries by time, and sums them up in a sentence. It
// changes nothing and stores no sentences: only steps, actors and reasons are stored. It
// knows nothing of HTTP, SQL or who is asking.
package timeline
