package auth_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

// FuzzVerify looks for a text that counts as a token and that nobody signed: whoever it is, it is somebody who has one.
func FuzzVerify(f *testing.F) {
	identity, err := auth.NewIdentity(f.Context(), auth.Options{
		KeyFile: filepath.Join(f.TempDir(), "curfew.key"), CreateKey: true, JWTSecret: sharedSecret, Issuer: "https://issuer", Audience: "curfew",
	})
	if err != nil {
		f.Fatal(err)
	}
	anna, shop := curfew.Actor{Role: curfew.Admin, ID: "anna"}, curfew.Actor{Role: curfew.Service, ID: "shop"}
	ours, err := identity.Token(shop, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	ticket, err := identity.LoginTicket(curfew.Actor{Role: curfew.Admin, ID: "thief"})
	if err != nil {
		f.Fatal(err)
	}
	theirs, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claimed(nil))).SignedString([]byte(sharedSecret))
	if err != nil {
		f.Fatal(err)
	}
	head, rest, _ := strings.Cut(theirs, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for _, token := range []string{
		ours, theirs, ticket, "", ".", "..", "...", head + "." + payload + ".", "." + payload + "." + signature, theirs + ".", theirs + "=", " " + theirs,
		head + "." + payload + "." + strings.Repeat("A", len(signature)), "eyJhbGciOiJub25lIn0." + payload + ".", "eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		who, err := identity.Verify(token)
		if err == nil && who != anna && who != shop {
			t.Errorf("%q counts as %+v", token, who)
		}
		if seen := identity.Inspect(token); (seen.Wrong == nil) != (err == nil) {
			t.Errorf("%q: refused %v, and inspected: %v", token, err, seen.Wrong)
		}
	})
}
