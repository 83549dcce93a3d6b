package record

import "github.com/curfewhq/curfew"

// again reports whether a fact was known before, and at most holds for longer: whoever asks a
// provider again learns that it still does.
func (f PaymentFact) again(known PaymentFact) bool {
	known.At = f.At
	return f.Equal(known)
}

// moves reports whether the times of facts change what the payment is.
func (l *reporting) moves(stored map[factKey]PaymentFact) bool {
	if len(l.Facts) == 0 {
		return false
	}
	var before, after curfew.Payment
	for _, f := range stored {
		before.Facts = append(before.Facts, f.Fact)
	}
	for _, f := range l.known {
		after.Facts = append(after.Facts, f.Fact)
	}
	was, is := before.Balance(0, ""), after.Balance(0, "")
	if was.AuthorisedUntil.Equal(is.AuthorisedUntil) {
		was.AuthorisedUntil = is.AuthorisedUntil
	}
	return was != is
}
