// Package job carries out work that outlives the call that starts it: a cleanup, an undo, a comparison with
// the provider's books. A job belongs to the service: it has an id, reports its progress, and goes on in
// another process if the one that carries it out dies.
//
// The process that carries out a job holds a lease, and renews it with its progress. A holder that cannot
// renew its lease stops before the lease ends, so that two never work on one job. A process that takes a
// job over starts it again, which does nothing twice: sessions move by compare-and-set, and the run of
// the earlier attempt goes on.
//
// The package does not know what the work is: httpapi supplies it.
package job
