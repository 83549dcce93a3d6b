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
	"github.com/curfewhq/curfew/internal/record"
)

// TLS is how the connection to the mail server is encrypted.
type TLS string

// The TLS modes. NoTLS is allowed only for a server on this machine.
const (
	StartTLS    TLS = "starttls"
	ImplicitTLS TLS = "tls"
	NoTLS       TLS = "none"
)

const (
	// timeout limits dialing, and sending one mail.
	timeout = 15 * time.Second
	// idle is how long an unused connection stays open.
	idle = 5 * time.Second
	// mostIdle is how many unused connections stay open.
	mostIdle = 8
)

// Server is a mail server.
type Server struct {
	Host               string
	Port               int // 0: the standard port for TLS
	Username, Password string
	TLS                TLS            // empty: StartTLS
	Roots              *x509.CertPool // trusted CAs; nil: the system's
}

// check returns Invalid if a setting is invalid.
func (s Server) check() error {
	switch {
	case s.Host == "":
		return curfew.Errorf(curfew.Invalid, "the mail server's name is missing")
	case !slices.Contains([]TLS{"", StartTLS, ImplicitTLS, NoTLS}, s.TLS):
		return curfew.Errorf(curfew.Invalid, "smtp.tls must be starttls, tls or none, not %q", s.TLS)
	case s.TLS == NoTLS && !s.here():
		return curfew.Errorf(curfew.Invalid, "smtp.tls none is only for a mail server on this machine, and %s is not one", s.Host)
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

// sender sends mails to one server. It pools idle connections.
type sender struct {
	server Server
	mu     sync.Mutex
	idle   []*connection
}

// connection is an SMTP connection.
type connection struct {
	client    *gomail.Client
	smtp      *smtp.Client
	conn      net.Conn
	idleSince time.Time
}

// dial opens a connection to the server.
func (s *sender) dial(ctx context.Context) (*connection, error) {
	c, stop := &connection{}, func() bool { return true }
	options := []gomail.Option{
		gomail.WithPort(s.server.port()), gomail.WithTimeout(timeout), gomail.WithTLSConfig(s.tls()),
		gomail.WithTLSPolicy(policies[s.server.TLS]), gomail.WithoutSMTPUTF8(),
		gomail.WithDialContextFunc(func(within context.Context, network, address string) (net.Conn, error) {
			conn, err := s.connect(within, network, address)
			if err == nil {
				c.conn, stop = conn, context.AfterFunc(ctx, func() { _ = conn.Close() }) // cancelling ctx ends a dial under way
			}
			return conn, err
		}),
	}
	if s.server.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.server.Username), gomail.WithPassword(s.server.Password))
	}
	var err error
	if c.client, err = gomail.NewClient(s.server.Host, options...); err != nil {
		return nil, err
	}
	c.smtp, err = c.client.DialToSMTPClientWithContext(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// policies are the library's STARTTLS policies. With implicit TLS there is nothing left to start,
// which the opportunistic policy lets the library detect.
var policies = map[TLS]gomail.TLSPolicy{
	"": gomail.TLSMandatory, StartTLS: gomail.TLSMandatory, ImplicitTLS: gomail.TLSOpportunistic, NoTLS: gomail.NoTLS,
}

func (s *sender) tls() *tls.Config {
	return &tls.Config{ServerName: s.server.Host, RootCAs: s.server.Roots, MinVersion: tls.VersionTLS12}
}

func (s *sender) connect(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{}
	if s.server.TLS == ImplicitTLS {
		return (&tls.Dialer{NetDialer: plain, Config: s.tls()}).DialContext(ctx, network, address)
	}
	return plain.DialContext(ctx, network, address)
}

// close closes the connection without QUIT.
func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// acquire returns an idle connection that still answers, or a new one.
func (s *sender) acquire(ctx context.Context) (*connection, error) {
	for {
		c := s.newest()
		if c == nil {
			return s.dial(ctx)
		}
		_ = c.conn.SetDeadline(time.Now().Add(timeout))
		if c.smtp.Noop() == nil {
			return c, nil
		}
		c.close() // the server closed it meanwhile
	}
}

func (s *sender) newest() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil
	}
	c := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	return c
}

// release returns a connection to the pool, or closes it if the pool is full.
func (s *sender) release(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == mostIdle {
		c.close()
		return
	}
	c.idleSince = time.Now()
	s.idle = append(s.idle, c)
	time.AfterFunc(idle, func() { s.closeIdle(time.Now().Add(-idle)) })
}

// closeIdle closes the connections that have been idle since then or longer.
func (s *sender) closeIdle(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = slices.DeleteFunc(s.idle, func(c *connection) bool {
		if c.idleSince.After(since) {
			return false
		}
		c.close()
		return true
	})
}

// send makes one attempt to deliver a mail to the server.
func (s *sender) send(ctx context.Context, m *gomail.Msg) record.Verdict {
	c, err := s.acquire(ctx)
	if err != nil {
		return unreachable(err)
	}
	stop := context.AfterFunc(ctx, c.close)
	err = c.client.SendWithSMTPClient(c.smtp, m)
	if stop() && (err == nil || reusable(err)) {
		s.release(c)
	} else {
		c.close()
	}
	if m.IsDelivered() { // a later failure concerns only the connection
		return record.Verdict{State: record.DeliveryDone, Status: 250}
	}
	return judge(err)
}

// reusable reports whether the server rejected the mail but keeps the connection open.
func reusable(err error) bool {
	var failed *gomail.SendError
	return errors.As(err, &failed) && failed.ErrorCode() >= 400 && failed.ErrorCode() != 421
}

// judge turns a failed attempt into a verdict. It drops the server's text, which repeats the
// address. A rejected sender is a mistake in the settings, so the mail is retried.
func judge(err error) record.Verdict {
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
		return record.Verdict{State: record.DeliveryDead, Status: code, Error: "the mail server refused it for good: " + text}
	}
	return later(code, "the mail server refused it for now: "+text)
}

// unreachable returns the verdict of an attempt without a connection.
func unreachable(err error) record.Verdict {
	var said *textproto.Error
	if errors.As(err, &said) {
		return later(said.Code, fmt.Sprintf("the mail server refused the connection or the login: %d", said.Code))
	}
	return later(0, "no connection to the mail server: "+err.Error())
}

const maxError = 200

func later(code int, why string) record.Verdict {
	return record.Verdict{State: record.DeliveryPending, Status: code, Error: why[:min(len(why), maxError)]}
}
