// Package record is the language between lifecycle and the stores: the changes
// that one transaction writes, with their conditions, the searches, and the
// results that only Curfew reads. Types that embedders use are in package
// curfew. Record decides nothing and knows no database.
package record
