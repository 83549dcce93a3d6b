// Package limit decides how often somebody may call. It counts by subject where one is proven and by address otherwise, in
// memory of a fixed size. Rare calls, such as signing in, are also counted in the database, so that replicas share one
// limit.
//
// It knows no routes and no HTTP: its caller says whose a call is, and of which class.
package limit

import (
	"net/netip"
	"time"

	"github.com/curfewhq/curfew"
)

// Class is what kind of call is counted. Each class has a limit of its own.
type Class int

// The classes. A call of the zero class is not limited.
const (
	Unlimited Class = iota
	Reads
	Writes
	Streams  // being opened
	Services // every call of a service or an admin
	Messages // of payment providers, once their signature is good
	Logins   // with sign-in links
	Failures // tokens and links that prove nothing
	classes  // how many there are
)

var (
	names  = [classes]string{"", "reads", "writes", "streams", "services", "messages", "logins", "failures"}
	things = [classes]string{
		"", "reads", "writes", "opened streams", "calls", "messages", "sign-ins", "tokens or links that prove nothing",
	}
)

// String is the class in settings and metrics.
func (c Class) String() string { return names[c] }

// shared reports whether replicas count the class together.
func (c Class) shared() bool { return c == Logins || c == Failures }

// Classes lists every class that can be limited.
func Classes() []Class {
	return []Class{Reads, Writes, Streams, Services, Messages, Logins, Failures}
}

// Rate is how many calls there may be: Count at once, and then one more each time that an equal part of Period is over. The
// zero value is no limit.
type Rate struct {
	Count  int
	Period time.Duration
}

// each is how long it takes until there may be one more.
func (r Rate) each() time.Duration { return r.Period / time.Duration(r.Count) }

// allowance is what Count calls use up. It is the period, less what the division left over.
func (r Rate) allowance() time.Duration { return r.each() * time.Duration(r.Count) }

// Key is whose calls are counted together: those of one subject, or of one address.
type Key struct {
	who  curfew.Actor
	from netip.Prefix
}

// Of returns the key of a call. The address counts only if the caller has not proven who they are: the whole of an IPv4
// address, and the network of an IPv6 address (/64), because the holder of one of its addresses has them all.
func Of(who curfew.Actor, from netip.Addr) Key {
	if who.Role != "" {
		return Key{who: who}
	}
	from = from.Unmap().WithZone("")
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	network, _ := from.Prefix(bits) // what is no address is the zero value, which such calls share
	return Key{from: network}
}

// String names the key in the database, under a signature.
func (k Key) String() string {
	if k.who.Role != "" {
		return k.who.String()
	}
	return k.from.String()
}
