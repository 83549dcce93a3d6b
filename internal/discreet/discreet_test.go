package discreet_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/discreet"
	"github.com/curfewhq/curfew/internal/record"
)

// logged logs with each handler of the standard library, and returns what they wrote.
func logged(log func(*slog.Logger)) string {
	var b bytes.Buffer
	o := &slog.HandlerOptions{ReplaceAttr: discreet.Replace}
	log(slog.New(slog.NewTextHandler(&b, o)))
	log(slog.New(slog.NewJSONHandler(&b, o)))
	return b.String()
}

// checkout has an address in a field.
type checkout struct{ ID, Email string }

func TestALogHidesWhatIsPersonal(t *testing.T) {
	t.Parallel()
	const mail, name = "Ada.Mark+1@mail.example", "Ada Mark"
	for sentence, log := range map[string]func(*slog.Logger){
		"a denied name":          func(l *slog.Logger) { l.Info("x", "email", name) },
		"a denied last word":     func(l *slog.Logger) { l.Info("x", "customer_name", name) },
		"whatever its case":      func(l *slog.Logger) { l.Info("x", "Customer-Name", name) },
		"in a group":             func(l *slog.Logger) { l.Info("x", slog.Group("customer", "name", name)) },
		"of a logger with it":    func(l *slog.Logger) { l.With("name", name).Info("x") },
		"in a group of a logger": func(l *slog.Logger) { l.WithGroup("customer").Info("x", "name", name) },
		"a checkout": func(l *slog.Logger) {
			l.Info("x", "checkout", curfew.Checkout{ID: "[1]", Name: name, Email: mail, Note: name})
		},
		"a checkout by a pointer": func(l *slog.Logger) { l.Info("x", "checkout", &curfew.Checkout{ID: "[1]", Name: name, Email: mail}) },
		"an order":                func(l *slog.Logger) { l.Info("x", "order", curfew.Order{Plan: "[chat]", Name: name, Email: mail}) },
		"a delivery": func(l *slog.Logger) {
			l.Info("x", "delivery", record.Delivery{ID: "[1]", Destination: mail, Body: name})
		},
		"a request":                func(l *slog.Logger) { l.Info("x", "request", curfew.Request{ID: "[1]", CustomerName: name}) },
		"an address in the text":   func(l *slog.Logger) { l.Info("customer " + mail + " waits") },
		"an address as a value":    func(l *slog.Logger) { l.Info("x", "customer", mail) },
		"an address of an actor":   func(l *slog.Logger) { l.Info("x", "actor", "customer:"+mail) },
		"an address in an error":   func(l *slog.Logger) { l.Info("x", "error", errors.New("550 no such user: <"+mail+">")) },
		"an address in a struct":   func(l *slog.Logger) { l.Info("x", "checkout", checkout{"1", mail}) },
		"an address in a pointer":  func(l *slog.Logger) { l.Info("x", "checkout", &checkout{"1", mail}) },
		"an address in a list":     func(l *slog.Logger) { l.Info("x", "all", []string{mail}) },
		"a secret":                 func(l *slog.Logger) { l.Info("x", "Stripe-Signature", name) },
		"with a level and context": func(l *slog.Logger) { l.LogAttrs(context.Background(), slog.LevelError, mail, slog.Any("name", name)) },
	} {
		got := logged(log)
		if strings.Contains(got, "Mark") || strings.Contains(got, "mail.example") || !strings.Contains(got, "[") {
			t.Errorf("%s: %s", sentence, got)
		}
	}
}

func TestALogShowsWhatIsNot(t *testing.T) {
	t.Parallel()
	got := logged(func(l *slog.Logger) {
		l.Info("Cancelled 2 sessions for customer c-1", "customer", "c-1", "key_id", "k-1", "took", 3, "error", errors.New("it is full"), "named", "c-2")
	})
	for _, want := range []string{"for customer c-1", "k-1", "it is full", "c-2", `"took":3`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is hidden: %s", want, got)
		}
	}
}

// Every name on the list hides, and nothing close to one does.
func TestTheDenylist(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"address", "body", "email", "mail", "metadata", "name", "note", "phone", "reason", "recipient", "authorization", "cookie", "password",
		"secret", "signature", "ticket", "token", "Email", "set-cookie", "webhook_secret", "refund.reason",
	} {
		if !discreet.Denied(key) {
			t.Errorf("%s is shown", key)
		}
	}
	for _, key := range []string{"", "customer", "actor", "names", "token_id", "error", "msg", "route", "why"} {
		if discreet.Denied(key) {
			t.Errorf("%s is hidden", key)
		}
	}
}
