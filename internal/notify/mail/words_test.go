package mail_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/record"
)

// trueWords is what a notice says of a payment of 19.99 EUR, by its outcome.
var trueWords = map[curfew.Outcome]string{
	curfew.Fulfilled: "Your payment went to a later session of yours.",
	curfew.Deferred:  "Your payment waits for a session of yours to end.",
	curfew.Held:      "Your payment is safe: we are settling it, and it will be credited or refunded.",
	curfew.Credited:  "Your payment of 19.99 EUR is kept as credit for your next session.",
	curfew.RefundDue: "A refund of 19.99 EUR is under way.",
	curfew.Refunding: "A refund of 19.99 EUR is under way.",
	curfew.Refunded:  "19.99 EUR was refunded.",
	curfew.Forfeited: "By the terms you agreed to, your payment is not given back.",
	curfew.Promised:  "Your payment of 19.99 EUR has not arrived yet.",
	curfew.Void:      "Your payment of 19.99 EUR did not arrive, or your bank has given it back to you: nothing is owed.",
	curfew.Ignored:   "Your payment is safe: we are settling it, and it will be credited or refunded.",
}

// Lesson 21: an expiry mail said «no charges» to people who had paid.
func TestLesson21_NobodyWhoPaidIsToldThatNothingWasCharged(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	about := &facts{}
	channel := channelOf(t, smtpServer(mailServer), about)
	said := func(h record.EnrichedEvent, kind string) string {
		about.enriched = h
		must(t, sent(channel.Send(t.Context(), delivery(kind))))
		mails := mailServer.Mails()
		return strings.Join(strings.Fields(mails[len(mails)-1].Text), " ")
	}
	for _, outcome := range curfew.Outcomes() {
		for _, kind := range []string{"expired", "missed", "no_show", "cancelled"} {
			c := paid
			c.Outcome = outcome
			if text := said(cancelledOf(c), kind); !strings.Contains(text, trueWords[outcome]) {
				t.Errorf("%s of a payment that is %s does not say %q: %s", kind, outcome, trueWords[outcome], text)
			}
			c.Amount, c.Currency = 0, "" // the shop did not say how much
			if text := said(cancelledOf(c), kind); strings.Contains(text, "charged") || strings.Contains(text, "unknown") {
				t.Errorf("%s of a payment of an unknown amount that is %s: %s", kind, outcome, text)
			}
		}
	}
	free := curfew.Checkout{Plan: "free", Outcome: curfew.Credited}
	if text := said(cancelledOf(free), "expired"); !strings.Contains(text, "Nothing was charged.") || strings.Contains(text, "credit") {
		t.Errorf("what was free: %s", text)
	}
	owed := paid
	owed.Outcome, owed.MoneyDue = curfew.Fulfilled, true
	if text := said(cancelledOf(owed), "cancelled"); !strings.Contains(text, "we are settling it") {
		t.Errorf("what another program ended: %s", text)
	}
	yen := paid
	yen.Currency, yen.Outcome, yen.RefundAmount = "jpy", curfew.RefundDue, 1000
	if text := said(cancelledOf(yen), "cancelled"); !strings.Contains(text, "A refund of 1,000 JPY (of 1,999 JPY paid) is under way.") {
		t.Errorf("a part of an amount without decimals: %s", text)
	}
}

// What was only reserved, or could not be refunded, is said as it is.
func TestMoneyThatDidNotMoveIsToldAsItIs(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	for says, c := range map[string]curfew.Checkout{
		"Nothing was taken: 19.99 EUR was only reserved at your bank, and is released. Your bank may show it for some days.": {Outcome: curfew.Void, Capture: "released"},
		"Nothing was taken: your bank refused to pay 19.99 EUR.":                                                             {Outcome: curfew.Void, Capture: "failed"},
		"A refund of 19.99 EUR did not reach you, because your bank refused it. We have to pay you in another way.":          {Outcome: curfew.RefundDue, Concern: record.RefundFailed},
	} {
		c.Ref, c.Plan, c.Amount, c.Currency = paid.Ref, paid.Plan, paid.Amount, paid.Currency
		must(t, sent(channelTo(t, smtpServer(mailServer), cancelledOf(c)).Send(t.Context(), delivery("cancelled"))))
		mails := mailServer.Mails()
		if text := strings.Join(strings.Fields(mails[len(mails)-1].Text), " "); !strings.Contains(text, says) {
			t.Errorf("%+v does not say %q: %s", c, says, text)
		}
	}
}

func TestBrokenTemplatesStopTheStart(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ file, text, says string }{
		"it cannot be read":       {"accepted.txt", "Subject: Hi\n\n{{if}}", "accepted.txt:3"},
		"it asks for no field":    {"expired.txt", "Subject: Hi\n\nDear {{.Nome}}", "expired.txt:3:7"},
		"only in one case":        {"missed.txt", "Subject: Hi\n\nx{{if eq .Money \"forfeited\"}}\n{{.Lost}}{{end}}", "missed.txt:4:2"},
		"it has no subject":       {"refunded.txt", "Hello", "refunded.txt:1"},
		"its subject is empty":    {"refunded.txt", "Subject: \nHello", "refunded.txt:1"},
		"it has no text":          {"refunded.txt", "Subject: Hi\n\n", "refunded.txt:2"},
		"the page is broken":      {"layout.html", "<p>{{.Subjekt}}", "layout.html:1:5"},
		"the page mixes contexts": {"layout.html", "<a href='{{if .Plan}}'>{{end}}", "layout.html"},
		"nobody asks for it":      {"acepted.txt", "Subject: Hi\n\nHello", "acepted.txt, which no notice uses"},
	} {
		o := mail.Options{Server: mail.Server{Host: "localhost"}, From: from, Templates: fstest.MapFS{test.file: {Data: []byte(test.text)}}}
		if _, err := mail.NewChannel(facts{}, o); curfew.KindOf(err) != curfew.Invalid || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestAFolderReplacesWhatItHas(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	folder := fstest.MapFS{
		"cancelled.txt": {Data: []byte("Subject: Abgesagt:\t{{.Plan}}\r\n\r\nHallo {{.Name}},\r\n\r\n{{.Money}} & vorbei\r\n")},
		"layout.html":   {Data: []byte("<h1>{{.Subject}}</h1>{{range .Paragraphs}}<p>{{.}}</p>{{end}}")},
		"README.md":     {Data: []byte("for us")},
	}
	c, err := mail.NewChannel(facts{enriched: cancelledOf(paid)}, mail.Options{Server: smtpServer(mailServer), From: from, Templates: folder, Signer: signer("key")})
	must(t, err)
	must(t, sent(c.Send(t.Context(), delivery("cancelled"))))
	m := mailServer.Mails()[0]
	same(t, "mail", []string{m.Subject, m.Text, m.HTML}, []string{
		"Abgesagt: chat10", "Hallo Ada,\n\ncredited & vorbei\n\n\n",
		"<h1>Abgesagt: chat10</h1><p>Hallo Ada,</p><p>credited &amp; vorbei</p>",
	})
	must(t, c.Test(t.Context(), email, "expired"))
	same(t, "another", mailServer.Mails()[1].Subject, "No mechanic was free for your session")
}
