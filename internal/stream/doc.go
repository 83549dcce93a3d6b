// Package stream tells connected clients what changes, as it changes.
//
// A process has one [Hub]. It reads the history's new events, whoever wrote
// them, and keeps the newest in a journal, each with its frames. A follower is
// a place in that journal: who follows is woken, reads on, and gets the frames
// of the topics that are theirs. Nobody has a buffer of their own, so nobody
// can make it grow; a follower whose place has left the journal was too slow.
//
// The package knows no HTTP, no roles and no wire format. Which frames an event
// makes, and for whom, is the encoder's to say.
package stream
