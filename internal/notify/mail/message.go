package mail

import (
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/curfewhq/curfew"
)

// longestAddress is the limit of RFC 5321, without the angle brackets.
const longestAddress = 254

// readAddress parses a bare address, as in a customer's checkout. It returns Invalid if a server
// could read it as more than one address, or not at all; the error does not repeat the address.
func readAddress(text string) (*mail.Address, error) {
	invalid := curfew.Errorf(curfew.Invalid, "mail cannot be sent to this address")
	if len(text) > longestAddress || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r <= ' ' || r == unicode.MaxASCII }) {
		return nil, invalid
	}
	at, err := mail.ParseAddress(text)
	if err != nil || at.Name != "" || at.Address != text {
		return nil, invalid
	}
	return at, nil
}

// CheckAddress returns Invalid if mail cannot be sent to an address.
func CheckAddress(text string) error {
	_, err := readAddress(text)
	return err
}

// ParseFrom parses the sender of mails, like Example <help@example.org>, or returns Invalid.
func ParseFrom(text string) (*mail.Address, error) {
	from, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(from.Name, unicode.IsControl) {
		return nil, curfew.Errorf(curfew.Invalid, "%q is not a sender: write it like Example <help@example.org>", text)
	}
	if _, err := readAddress(from.Address); err != nil {
		return nil, curfew.Errorf(curfew.Invalid, "the sender's address %q must be plain ASCII, like help@example.org", from.Address)
	}
	return from, nil
}

// message builds the mail. Its Message-ID contains the delivery's id, so that a repeated mail can
// be recognized.
func message(id string, from, to *mail.Address, l letter, now time.Time) *gomail.Msg {
	_, domain, _ := strings.Cut(from.Address, "@")
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(id + "@" + domain)
	m.SetDateWithValue(now)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l.Unsubscribe != "" {
		m.SetListUnsubscribe(l.Unsubscribe)
		if strings.HasPrefix(l.Unsubscribe, "https://") { // RFC 8058 knows no other
			m.SetListUnsubscribePost()
		}
	}
	m.SetBodyString(gomail.TypeTextPlain, l.text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.html)
	return m
}
