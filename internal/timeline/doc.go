// Package timeline explains what happened to a customer, a payment or a run, in
// sentences, newest last, with what can be done about it now.
//
// It looks up what a text stands for (an id, a payment's reference, an e-mail
// address), reads what its sources know, merges that by time, and sums it up in a
// sentence. It changes nothing, and stores no sentence: what is stored are steps,
// actors and reasons. It knows nothing of HTTP, SQL or who is asking.
package timeline
