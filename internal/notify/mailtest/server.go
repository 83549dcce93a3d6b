// Package mailtest is an SMTP server for tests. It listens on loopback, parses the mails it
// receives and refuses what the test wants refused.
//
// It knows nothing of notices. Only tests import it.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The only account, for a server that requires a login.
const (
	User     = "shop"
	Password = "open sesame"
)

// Options configure a server. The zero value accepts every mail, without TLS and without a login.
type Options struct {
	StartTLS, ImplicitTLS, Login bool
	// Refuse may return an error for MAIL, RCPT or DATA and its address. Nil accepts everything.
	Refuse func(command, address string) error
	// Received is called with each complete mail, before its sender gets the reply. Nil does nothing.
	Received func(Mail)
}

// Server is an SMTP server.
type Server struct {
	Host  string
	Port  int
	Roots *x509.CertPool // the CA of its certificate

	options     Options
	connections atomic.Int64
	mu          sync.Mutex
	mails       []Mail
}

// NewServer starts a server that runs until the test ends.
func NewServer(t testing.TB, o Options) *Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, roots := newCertificate(t)
	at := listener.Addr().(*net.TCPAddr) //nolint:errcheck,forcetypeassert // the network is tcp
	s := &Server{Host: "127.0.0.1", Port: at.Port, Roots: roots, options: o}
	server := smtp.NewServer(smtp.BackendFunc(s.newSession))
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "localhost", !o.StartTLS && !o.ImplicitTLS, slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if o.StartTLS {
		server.TLSConfig = config
	}
	if o.ImplicitTLS {
		listener = tls.NewListener(listener, config)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // returns when the server is closed
	t.Cleanup(func() {
		_ = server.Close()   // connections may be open
		_ = listener.Close() // the server does not know the listener before Serve begins
		serving.Wait()
	})
	return s
}

func newCertificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	text, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}, roots
}

// Mails returns the mails received so far, oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Connections counts the connections accepted so far.
func (s *Server) Connections() int { return int(s.connections.Load()) }

func (s *Server) newSession(*smtp.Conn) (smtp.Session, error) {
	s.connections.Add(1)
	return &session{server: s, loggedIn: !s.options.Login}, nil
}

// session is one connection.
type session struct {
	server   *Server
	loggedIn bool
	mail     Mail
}

func (s *session) AuthMechanisms() []string {
	if !s.server.options.Login {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

func (s *session) refuse(command, address string) error {
	if s.server.options.Refuse == nil {
		return nil
	}
	return s.server.options.Refuse(command, address)
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return s.refuse("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.refuse("RCPT", to)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.refuse("DATA", s.mail.To[0]); err != nil {
		return err
	}
	m, err := s.mail.parse(raw)
	if err != nil {
		return fmt.Errorf("unreadable mail: %w", err)
	}
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, m)
	s.server.mu.Unlock()
	if s.server.options.Received != nil {
		s.server.options.Received(m)
	}
	return nil
}

func (s *session) Reset()        { s.mail = Mail{} }
func (s *session) Logout() error { return nil }
