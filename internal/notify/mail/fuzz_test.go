package mail_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/notify/mail"
)

// FuzzUnsubscribe looks for a link that counts and that nobody was sent.
func FuzzUnsubscribe(f *testing.F) {
	key := signer("key")
	signed := "accepted." + strings.Repeat("ab", 32)
	token := signed + "." + base64.RawURLEncoding.EncodeToString(key.Sign("unsubscribe", signed))
	for _, text := range []string{token, "", "..", token + ".", "." + token, token[:len(token)-1], strings.ToUpper(token), token + "=", strings.Repeat(".", 1000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stopped := stops{}
		err := mail.Unsubscriptions{Store: &stopped, Signer: key}.Unsubscribe(t.Context(), text)
		if genuine := strings.HasPrefix(text, signed+"."); err == nil && !genuine {
			t.Errorf("%q counts", text)
		}
		if (err == nil) != (len(stopped) == 1) {
			t.Errorf("%q stopped %v: %v", text, stopped, err)
		}
	})
}
