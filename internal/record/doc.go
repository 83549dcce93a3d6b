// Package record is what lifecycle and the stores say to each other: the changes
// that one transaction writes, with their conditions, the searches, and what is
// read only inside Curfew. The words that an embedder meets stand in package
// curfew; record decides nothing and knows no database.
package record
