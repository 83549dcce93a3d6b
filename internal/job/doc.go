// Package job carries out what a person starts and may leave: a cleanup, an undo, a comparison with the
// provider's books. A job belongs to the service, not to the call that began it: it has an id, tells how far
// it has come, and goes on in another process if the one that carries it out dies.
//
// Whoever carries it out holds a lease, and renews it with its progress. A holder who could not renew it
// stops before it ends, so that two never work on one job. Whoever takes it over begins again, which does
// nothing twice: sessions move by compare-and-set, and the run of the earlier attempt goes on.
//
// The package does not know what the work is: httpapi says so.
package job
