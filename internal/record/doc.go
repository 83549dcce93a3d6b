// Package record is the language between lifecycle and the stores: the changes
// that one transaction writes, with their conditions, the searches, and the
// results that only Curfew reads. Types that embedders use are in package
// curfew. Record knows no database, and decides nothing but what every store must
// decide alike: how what is told of a payment adds to what is known of it.
package record
