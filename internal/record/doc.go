// Package record is the language between lifecycle and the stores: the changes that one
// transaction writes, with their conditions, the searches, and the results that only
// Curfew reads. Types that embedders use are in package curfew. Record knows no database.
// The only decision it contains is one that every store must make alike: how a new report
// of a payment changes what is recorded about it.
package record
