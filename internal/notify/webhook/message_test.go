package webhook

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The published vector of Standard Webhooks 1.0.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestThePublishedVectorsAreSignedByteForByte(t *testing.T) {
	t.Parallel()
	got, err := Sign([]string{vectorSecret}, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody))
	if err != nil || got != vectorSignature {
		t.Errorf("signed %q (%v), want %q", got, err, vectorSignature)
	}
}

func TestWhileASecretIsReplacedBothSign(t *testing.T) {
	t.Parallel()
	secrets := []string{NewSecret(), vectorSecret}
	at := time.Now()
	signature, err := Sign(secrets, "id", at, []byte(vectorBody))
	if err != nil || strings.Count(signature, " ") != 1 {
		t.Fatalf("signed %q (%v)", signature, err)
	}
	for _, secret := range secrets {
		if err := verify(secret, "id", at, signature, vectorBody); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
	if verify(NewSecret(), "id", at, signature, vectorBody) == nil || verify(secrets[0], "id", at, signature, vectorBody+" ") == nil {
		t.Error("another secret or body is verified")
	}
}

// verify is what a receiver does, by the specification's own library.
func verify(secret, id string, at time.Time, signature, body string) error {
	key, err := standard.NewWebhook(secret)
	if err != nil {
		return err
	}
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("webhook-signature", signature)
	return key.Verify([]byte(body), header)
}

func TestSecretsAreOfTheSpecification(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 || !strings.HasPrefix(secret, "whsec_") || secret == NewSecret() {
		t.Errorf("%d bytes (%v)", len(key), err)
	}
}

// canary is in everything that no webhook may hold.
const canary = "CANARY"

func enriched(of string) record.EnrichedEvent {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	h := record.EnrichedEvent{
		Event: curfew.Event{
			ID: "e1", CustomerID: "carl", Subject: "s1", Number: 2, From: "waiting", To: "waiting",
			Actor: curfew.Actor{Role: curfew.Mechanic, ID: "max"}, Reason: curfew.AcceptedReason, At: at,
		},
		Of: of,
		Session: curfew.Session{
			ID: "s1", CustomerID: "carl", MechanicID: "max", CheckoutID: "c1", Plan: "chat10", Kind: curfew.Chat, Status: curfew.Waiting,
			Version: 2, CreatedAt: at, ExpiresAt: at.Add(time.Hour), AcceptedAt: at,
		},
		Checkout: curfew.Checkout{
			ID: "c1", CustomerID: "carl", Ref: canary, Plan: "chat10", Amount: 990, Currency: "eur", Email: canary, Name: canary,
			Metadata: map[string]string{canary: canary}, Outcome: curfew.RefundDue, Version: 3, SessionID: "s1", RefundAmount: 500,
			PaymentID: canary, RefundID: canary, Note: canary,
		},
	}
	if of == "checkout" {
		h.Payment = curfew.Payment{ID: "c1", Provider: canary, Name: canary, References: []string{canary}, Facts: []curfew.Fact{
			{Kind: "attempt", Object: canary, State: "captured", Amount: 990, Currency: "eur"},
			{Kind: "refund", Object: canary, State: "failed", Amount: 990, Currency: "eur", Reason: canary},
			{Kind: "dispute", Object: canary, State: "lost", Amount: 400, Currency: "eur", Reason: canary},
		}}
		h.Checkout.Concern = record.RefundFailed
		h.Subject, h.Number, h.From, h.To, h.Reason = "c1", 3, "fulfilled", "refund_due", canary
		h.Actor = curfew.Actor{Role: curfew.Admin, ID: canary}
	}
	return h
}

// sent is what webhooks say of the enriched events, by what those are of.
var sent = map[string]string{
	"session": `{"type":"session.accepted","timestamp":"2026-03-04T05:06:07.000008Z","data":{"id":"e1","number":2,"from":"waiting","to":"waiting",` +
		`"actor":"mechanic","reason":"accepted","session":{"id":"s1","status":"waiting","version":2,"customerId":"carl","mechanicId":"max",` +
		`"plan":"chat10","type":"chat","createdAt":"2026-03-04T05:06:07.000008Z","expiresAt":"2026-03-04T06:06:07.000008Z"}}}`,
	"checkout": `{"type":"checkout.refund_due","timestamp":"2026-03-04T05:06:07.000008Z","data":{"id":"e1","number":3,"from":"fulfilled","to":"refund_due",` +
		`"actor":"operator","reason":"refund_decided","checkout":{"id":"c1","outcome":"refund_due","version":3,"customerId":"carl","sessionId":"s1","plan":"chat10",` +
		`"amount":990,"currency":"eur","refundAmount":500,` +
		`"payment":{"state":"captured","currency":"eur","captured":990,"refunded":0,"refundFailed":true,"disputed":0,"lost":400,"worth":590}}}}`,
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	for of, want := range sent {
		got := encode(messageOf(enriched(of).Outside()))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", of, diff)
		}
		if strings.Contains(got, canary) {
			t.Errorf("the message about %s reveals too much: %s", of, got)
		}
	}
}

func TestABodyIsSmallWhateverTheIDs(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("\u2028", 42) // escaped, each byte becomes two
	h := enriched("session")
	h.CustomerID, h.Session.MechanicID, h.Session.Plan, h.Actor.ID = longest, longest, longest, longest
	if n := len(encode(messageOf(h.Outside()))); n > 20_000 {
		t.Errorf("%d bytes", n)
	}
}

func TestNobodysCheckoutNamesNoCustomer(t *testing.T) {
	t.Parallel()
	h := enriched("checkout")
	h.CustomerID = curfew.Nobody
	if got := encode(messageOf(h.Outside())); strings.Contains(got, "customerId") {
		t.Error(got)
	}
}
