package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/textproto"
	"slices"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/curfewhq/curfew"
)

// TLS is how the connection to the mail server is kept private.
type TLS string

// The ways. NoTLS is for a server on this machine alone.
const (
	StartTLS    TLS = "starttls"
	ImplicitTLS TLS = "tls"
	NoTLS       TLS = "none"
)

const (
	// timeout bounds the making of a connection, and the sending of one mail.
	timeout = 15 * time.Second
	// idle is how long a connection that nobody needs is kept.
	idle = 5 * time.Second
	// mostIdle is how many of them are.
	mostIdle = 8
)

// Server is a mail server.
type Server struct {
	Host               string
	Port               int // 0: the one that is usual for TLS
	Username, Password string
	TLS                TLS            // empty: StartTLS
	Roots              *x509.CertPool // who may sign its certificate; nil: the system's
}

// check says what cannot be. The kind is Invalid.
func (s Server) check() error {
	switch {
	case s.Host == "":
		return curfew.Errorf(curfew.Invalid, "the mail server has no name")
	case !slices.Contains([]TLS{"", StartTLS, ImplicitTLS, NoTLS}, s.TLS):
		return curfew.Errorf(curfew.Invalid, "smtp.tls must be starttls, tls or none, not %q", s.TLS)
	case s.TLS == NoTLS && !s.here():
		return curfew.Errorf(curfew.Invalid, "smtp.tls none is only for a mail server on this machine, and %s is none", s.Host)
	}
	return nil
}

// here reports whether the server is on this machine.
func (s Server) here() bool {
	ip, err := netip.ParseAddr(s.Host)
	return s.Host == "localhost" || err == nil && ip.IsLoopback()
}

func (s Server) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.TLS == ImplicitTLS:
		return 465
	case s.TLS == NoTLS:
		return 25
	}
	return 587
}

// postman carries mails to the server, several over one connection.
type postman struct {
	server Server
	mu     sync.Mutex
	idle   []*line
}

// line is one connection.
type line struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   net.Conn
	since  time.Time // idle
}

// dial makes a connection.
func (p *postman) dial(ctx context.Context) (*line, error) {
	l, stop := &line{}, func() bool { return true }
	options := []gomail.Option{
		gomail.WithPort(p.server.port()), gomail.WithTimeout(timeout), gomail.WithTLSConfig(p.tls()),
		gomail.WithTLSPolicy(policies[p.server.TLS]), gomail.WithoutSMTPUTF8(),
		gomail.WithDialContextFunc(func(within context.Context, network, address string) (net.Conn, error) {
			conn, err := p.connect(within, network, address)
			if err == nil {
				l.conn, stop = conn, context.AfterFunc(ctx, func() { _ = conn.Close() }) // it is of no use then
			}
			return conn, err
		}),
	}
	if p.server.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(p.server.Username), gomail.WithPassword(p.server.Password))
	}
	var err error
	if l.client, err = gomail.NewClient(p.server.Host, options...); err != nil {
		return nil, err
	}
	l.smtp, err = l.client.DialToSMTPClientWithContext(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.cut()
		return nil, err
	}
	return l, nil
}

// policies is what the library is to ask for. Over implicit TLS there is
// nothing to start, and «opportunistic» lets it see that it is encrypted.
var policies = map[TLS]gomail.TLSPolicy{
	"": gomail.TLSMandatory, StartTLS: gomail.TLSMandatory, ImplicitTLS: gomail.TLSOpportunistic, NoTLS: gomail.NoTLS,
}

func (p *postman) tls() *tls.Config {
	return &tls.Config{ServerName: p.server.Host, RootCAs: p.server.Roots, MinVersion: tls.VersionTLS12}
}

func (p *postman) connect(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{}
	if p.server.TLS == ImplicitTLS {
		return (&tls.Dialer{NetDialer: plain, Config: p.tls()}).DialContext(ctx, network, address)
	}
	return plain.DialContext(ctx, network, address)
}

// cut ends a connection without a word.
func (l *line) cut() {
	if l.conn != nil {
		_ = l.conn.Close() // nothing is expected of it any more
	}
}

// take is a connection that is idle, or a new one.
func (p *postman) take(ctx context.Context) (*line, error) {
	for {
		l := p.newest()
		if l == nil {
			return p.dial(ctx)
		}
		_ = l.conn.SetDeadline(time.Now().Add(timeout))
		if l.smtp.Noop() == nil {
			return l, nil
		}
		l.cut() // the server has hung up meanwhile
	}
}

func (p *postman) newest() *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	l := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return l
}

// keep makes a connection idle.
func (p *postman) keep(l *line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == mostIdle {
		l.cut()
		return
	}
	l.since = time.Now()
	p.idle = append(p.idle, l)
	time.AfterFunc(idle, func() { p.hangUp(time.Now().Add(-idle)) })
}

// hangUp ends the connections that have been idle since then.
func (p *postman) hangUp(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(l *line) bool {
		if l.since.After(since) {
			return false
		}
		l.cut()
		return true
	})
}

// carry makes one attempt to hand a mail over.
func (p *postman) carry(ctx context.Context, m *gomail.Msg) curfew.Verdict {
	l, err := p.take(ctx)
	if err != nil {
		return unreachable(err)
	}
	stop := context.AfterFunc(ctx, l.cut)
	err = l.client.SendWithSMTPClient(l.smtp, m)
	if stop() && (err == nil || reusable(err)) {
		p.keep(l)
	} else {
		l.cut()
	}
	if m.IsDelivered() { // what fails after that is the connection's matter
		return curfew.Verdict{State: curfew.DeliveryDone, Status: 250}
	}
	return judge(err)
}

// reusable reports whether the server answered, and goes on.
func reusable(err error) bool {
	var failed *gomail.SendError
	return errors.As(err, &failed) && failed.ErrorCode() >= 400 && failed.ErrorCode() != 421
}

// judge is what a refusal means. What the server says in words is not kept: it
// repeats the address. A sender that is refused is a matter of the settings, so
// the mail is tried again.
func judge(err error) curfew.Verdict {
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() == 0 {
		return later(0, "the connection to the mail server broke")
	}
	code := failed.ErrorCode()
	text := fmt.Sprint(code)
	if more := failed.EnhancedStatusCode(); more != "" {
		text += " " + more
	}
	switch {
	case failed.Reason == gomail.ErrSMTPMailFrom:
		return later(code, "the mail server refused the sender: "+text)
	case code >= 500:
		return curfew.Verdict{State: curfew.DeliveryDead, Status: code, Error: "the mail server refused it for good: " + text}
	}
	return later(code, "the mail server refused it for now: "+text)
}

// unreachable is a connection that did not come about.
func unreachable(err error) curfew.Verdict {
	var said *textproto.Error
	if errors.As(err, &said) {
		return later(said.Code, fmt.Sprintf("the mail server refused the connection or the login: %d", said.Code))
	}
	return later(0, "no connection to the mail server: "+err.Error())
}

const maxError = 200

func later(code int, why string) curfew.Verdict {
	return curfew.Verdict{State: curfew.DeliveryPending, Status: code, Error: why[:min(len(why), maxError)]}
}
