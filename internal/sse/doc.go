// Package sse serves live streams as server-sent events: the changes that a caller may see, and for admins the newest
// health. It limits how many streams a caller has, and ends them when their tokens expire or the process stops.
//
// The package knows no hub and no store: changes come through a port, already filtered by topic. A notification may
// be lost; the lists are the truth.
package sse
