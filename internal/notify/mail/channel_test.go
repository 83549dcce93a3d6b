package mail_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/record"
)

// facts is a store that knows one enriched.
type facts struct {
	enriched record.EnrichedEvent
	stopped  bool
}

func (f facts) EnrichedEvents(context.Context, []curfew.Event) ([]record.EnrichedEvent, error) {
	return []record.EnrichedEvent{f.enriched}, nil
}
func (f facts) Unsubscribe(context.Context, string, string) error          { return nil }
func (f facts) Unsubscribed(context.Context, string, string) (bool, error) { return f.stopped, nil }

// cancelledOf is a session that its customer cancelled.
func cancelledOf(c curfew.Checkout) record.EnrichedEvent {
	return record.EnrichedEvent{
		Of: "session", Event: curfew.Event{From: "waiting", To: "cancelled", Actor: ada},
		Session:  curfew.Session{Status: curfew.Cancelled, EndReason: curfew.ByRequest, Kind: curfew.Chat, Plan: c.Plan},
		Checkout: c,
	}
}

var paid = curfew.Checkout{Ref: "r1", Plan: "chat10", Amount: 1999, Currency: "eur", Outcome: curfew.Credited, Name: "Ada"}

func channelTo(t testing.TB, s mail.Server, h record.EnrichedEvent) *mail.Channel {
	t.Helper()
	return channelOf(t, s, &facts{enriched: h})
}

func channelOf(t testing.TB, s mail.Server, f *facts) *mail.Channel {
	t.Helper()
	c, err := mail.NewChannel(f, mail.Options{Server: s, From: from, BaseURL: "https://curfew.example.org", Signer: signer("key")})
	must(t, err)
	return c
}

func delivery(kind string) record.Delivery {
	return record.Delivery{ID: "0190a5d2-0000-7000-8000-000000000001", Destination: email, Body: kind}
}

func TestMailsGoOutOverEveryKindOfConnection(t *testing.T) {
	t.Parallel()
	for sentence, o := range map[string]mailtest.Options{
		"in the clear, to this machine": {},
		"over STARTTLS":                 {StartTLS: true},
		"over TLS":                      {ImplicitTLS: true},
		"over STARTTLS with a login":    {StartTLS: true, Login: true},
		"over TLS with a login":         {ImplicitTLS: true, Login: true},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			mailServer := mailtest.NewServer(t, o)
			s := smtpServer(mailServer)
			if o.StartTLS {
				s.TLS = mail.StartTLS
			}
			if o.ImplicitTLS {
				s.TLS = mail.ImplicitTLS
			}
			if o.Login {
				s.Username, s.Password = mailtest.User, mailtest.Password
			}
			v := channelTo(t, s, cancelledOf(paid)).Send(t.Context(), delivery("cancelled"))
			same(t, "verdict", v, record.Verdict{State: record.DeliveryDone, Status: 250})
			same(t, "mails", len(mailServer.Mails()), 1)
		})
	}
}

func TestAMailIsWhole(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	h := cancelledOf(paid)
	h.From, h.To, h.Reason = "waiting", "waiting", curfew.AcceptedReason
	h.Session = curfew.Session{Status: curfew.Waiting, MechanicID: "max", Kind: curfew.Chat, ExpiresAt: time.Date(2026, 11, 23, 16, 5, 0, 0, time.UTC)}
	same(t, "state", channelTo(t, smtpServer(mailServer), h).Send(t.Context(), delivery("accepted")).State, record.DeliveryDone)
	m := mailServer.Mails()[0]
	same(t, "envelope", []string{m.From, m.To[0]}, []string{"help@shop.example", email})
	got, err := m.Header.AddressList("From")
	must(t, err)
	same(t, "sender", got, []*netmail.Address{from})
	for name, want := range map[string]string{
		"To": "<" + email + ">", "Message-Id": "<0190a5d2-0000-7000-8000-000000000001@shop.example>", "Auto-Submitted": "auto-generated",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Subject": "A mechanic has accepted your session", "X-Mailer": "", "User-Agent": "",
	} {
		same(t, name, m.Header.Get(name), want)
	}
	if at, err := m.Header.Date(); err != nil || time.Since(at) > time.Hour {
		t.Errorf("its date is %q", m.Header.Get("Date"))
	}
	link := strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
	if !strings.HasPrefix(link, "https://curfew.example.org/api/unsubscribe?token=") || !strings.Contains(m.Text, link) {
		t.Errorf("the link is %q in\n%s", link, m.Text)
	}
	for _, says := range []string{"Hello Ada,", "a mechanic has accepted your chat session. Please come in as soon as you can."} {
		if !strings.Contains(m.Text, says) || !strings.Contains(m.HTML, "<p>"+says) {
			t.Errorf("it does not say %q:\n%s\n%s", says, m.Text, m.HTML)
		}
	}
}

func TestNothingGoesOutUnprotected(t *testing.T) {
	t.Parallel()
	plain, secure := mailtest.NewServer(t, mailtest.Options{}), mailtest.NewServer(t, mailtest.Options{StartTLS: true})
	for sentence, s := range map[string]mail.Server{
		"the server has no STARTTLS":        {Host: plain.Host, Port: plain.Port},
		"nobody known signed its key":       {Host: secure.Host, Port: secure.Port, Roots: x509.NewCertPool()},
		"it does not speak TLS from the on": {Host: plain.Host, Port: plain.Port, TLS: mail.ImplicitTLS},
	} {
		v := channelTo(t, s, cancelledOf(paid)).Send(t.Context(), delivery("cancelled"))
		if v.State != record.DeliveryPending || !strings.HasPrefix(v.Error, "no connection to the mail server: ") {
			t.Errorf("%s: %+v", sentence, v)
		}
	}
	same(t, "mails", len(plain.Mails())+len(secure.Mails()), 0)
	for sentence, s := range map[string]mail.Server{
		"in the clear to elsewhere":     {Host: "mail.example.org", TLS: mail.NoTLS},
		"in the clear to a near server": {Host: "10.0.0.1", TLS: mail.NoTLS},
		"some other way":                {Host: "localhost", TLS: "ssl"},
		"to nobody":                     {},
	} {
		if _, err := mail.NewChannel(facts{}, mail.Options{Server: s, From: from}); curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		step   string
		answer *smtp.SMTPError
		want   record.Verdict
	}{
		"the address is unknown": {"RCPT", refusal(550, 1, 1), dead(550, "the mail server refused it for good: 550 5.1.1")},
		"the content is refused": {"DATA", refusal(554, 7, 1), dead(554, "the mail server refused it for good: 554 5.7.1")},
		"come back later":        {"RCPT", refusal(450, 2, 1), again(450, "the mail server refused it for now: 450 4.2.1")},
		"the disk is full":       {"DATA", refusal(452, 3, 1), again(452, "the mail server refused it for now: 452 4.3.1")},
		"our sender is refused":  {"MAIL", refusal(553, 1, 8), again(553, "the mail server refused the sender: 553 5.1.8")},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			mailServer := mailtest.NewServer(t, mailtest.Options{Refuse: func(step, _ string) error {
				if step == test.step {
					return test.answer
				}
				return nil
			}})
			c := channelTo(t, smtpServer(mailServer), cancelledOf(paid))
			same(t, "verdict", c.Send(t.Context(), delivery("cancelled")), test.want)
			same(t, "once more", c.Send(t.Context(), delivery("cancelled")), test.want)
		})
	}
}

func refusal(code, second, third int) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, second, third}, Message: "no: <" + email + ">"}
}

func dead(status int, text string) record.Verdict {
	return record.Verdict{State: record.DeliveryDead, Status: status, Error: text}
}

func again(status int, text string) record.Verdict {
	return record.Verdict{State: record.DeliveryPending, Status: status, Error: text}
}

func TestALoginThatIsRefusedLosesNoMail(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{StartTLS: true, Login: true})
	s := smtpServer(mailServer)
	s.TLS, s.Username, s.Password = mail.StartTLS, mailtest.User, "wrong"
	same(t, "verdict", channelTo(t, s, cancelledOf(paid)).Send(t.Context(), delivery("cancelled")),
		again(535, "the mail server refused the connection or the login: 535"))
}

func TestManyMailsShareAConnection(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	c := channelTo(t, smtpServer(mailServer), cancelledOf(paid))
	for range 20 {
		same(t, "state", c.Send(t.Context(), delivery("cancelled")).State, record.DeliveryDone)
	}
	same(t, "mails", len(mailServer.Mails()), 20)
	if n := mailServer.Connections(); n > 4 {
		t.Errorf("20 mails took %d connections", n) // one, unless they were idle for long on a busy machine
	}
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { c.Send(context.WithoutCancel(t.Context()), delivery("cancelled")) })
	}
	all.Wait()
	same(t, "mails", len(mailServer.Mails()), 60)
}

func TestASilentServerIsLeftWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if _, err := l.Accept(); err == nil {
			cancel()
		}
	}()
	s := mail.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mail.NoTLS} //nolint:errcheck,forcetypeassert // it is tcp
	v := channelTo(t, s, cancelledOf(paid)).Send(ctx, delivery("cancelled"))
	same(t, "state", v.State, record.DeliveryPending)
}

// What strangers can put into names, plans and addresses.
var crooked = []string{
	"Ada\r\nBcc: eve@example.org", "Ada\nBcc: eve@example.org", "Ada\r\n\r\nVisit us", "Ada\x00", "Ada\u2028Bcc: eve@example.org", "=?utf-8?q?Ada=0D=0ABcc:_eve?=",
	`Ada" <eve@example.org>`, "Win at https://eve.example", "Visit eve.example now", "<b>Ada</b>", "{{.Name}}", strings.Repeat("a", 5000), "Ada\xff",
}

func TestNobodyWritesAHeader(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	for _, text := range crooked {
		c := paid
		c.Name, c.Plan, c.Currency = text, text, text
		h := cancelledOf(c)
		h.Session.Plan, h.Session.Kind = text, curfew.PlanKind(text)
		same(t, "state", channelTo(t, smtpServer(mailServer), h).Send(t.Context(), delivery("cancelled")).State, record.DeliveryDone)
	}
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress"}
	for i, m := range mailServer.Mails() {
		var names []string
		for name, values := range m.Header {
			names = append(names, name)
			if len(values) != 1 {
				t.Errorf("%q: %s %q", crooked[i], name, values)
			}
		}
		slices.Sort(names)
		same(t, "headers", names, want)
		same(t, "receivers", m.To, []string{email})
		if !strings.HasPrefix(m.Text, "Hello,\n") || strings.Contains(m.HTML, "<b>Ada") {
			t.Errorf("%q is greeted:\n%s", crooked[i], m.Text)
		}
	}
}

func TestAnAddressIsOneAddress(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	c := channelTo(t, smtpServer(mailServer), cancelledOf(paid))
	for _, address := range []string{
		"ada", "ada@", "@example.org", "ada@example.org, eve@example.org", "Ada <ada@example.org>", "ada@example.org\r\nBcc: eve@example.org",
		"ada@example.org\nRCPT TO:<eve@example.org>", " ada@example.org", "ada@example.org>", "äda@example.org", "ada@exämple.org", "ada@example.org\x00",
		strings.Repeat("a", 255) + "@example.org", "group: ada@example.org;",
	} {
		d := delivery("cancelled")
		d.Destination = address
		same(t, fmt.Sprintf("%q", address), c.Send(t.Context(), d), dead(0, "mail cannot be sent to this address"))
	}
	same(t, "connections", mailServer.Connections(), 0)
}

func TestNamesOfTheWorldAreGreeted(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	for _, name := range []string{"Zoë Özdemir-Nuñez", "李小龍", "Siobhán O’Neill", "J. R. Tolkien", "मीरा", "Sammy Davis Jr."} {
		c := paid
		c.Name = name
		must(t, sent(channelTo(t, smtpServer(mailServer), cancelledOf(c)).Send(t.Context(), delivery("cancelled"))))
		mails := mailServer.Mails()
		if last := mails[len(mails)-1]; !strings.HasPrefix(last.Text, "Hello "+name+",\n") || !strings.Contains(last.HTML, "Hello "+name+",") {
			t.Errorf("%s is greeted as\n%s", name, last.Text)
		}
	}
}

func sent(v record.Verdict) error {
	if v.State != record.DeliveryDone {
		return errors.New(v.Error)
	}
	return nil
}

func TestASampleOfEveryNotice(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	c := channelTo(t, smtpServer(mailServer), record.EnrichedEvent{})
	for _, kind := range mail.Kinds() {
		must(t, c.Test(t.Context(), email, kind))
	}
	same(t, "mails", len(mailServer.Mails()), len(mail.Kinds()))
	for sentence, err := range map[string]error{
		"an address that is none": c.Test(t.Context(), "ada", "accepted"),
		"a notice that is none":   c.Test(t.Context(), email, "welcome"),
	} {
		if curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}
