package main

import "testing"

// What a mail server answers can hold an address, which a supporter must not read.
func TestErrorsAreShownWithoutAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"550 5.1.1 <kim@example.org>: no such user":        "550 5.1.1 <…@…>: no such user",
		"mailbox 'kim.lee+x@mail.example.org' is full":     "mailbox '…@…' is full",
		"connect: connection refused\nafter 3 tries":       "connect: connection refused; after 3 tries",
		"answered 500 at https://hooks.example.org/curfew": "answered 500 at https://hooks.example.org/curfew",
	} {
		if got := withoutAddresses(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
