// Package mailtest is a mail server for tests: a real one, over loopback, that
// opens what it gets, and refuses what it is told to.
//
// It knows nothing of notices. Only tests import it.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
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

// The one who may log in, where a login is asked for.
const (
	User     = "shop"
	Password = "open sesame"
)

// Options of an office. The zero value takes everything, in the clear.
type Options struct {
	StartTLS, ImplicitTLS, Login bool
	// Refuse is asked at MAIL, RCPT and DATA, each with its address; nil: it
	// takes everything.
	Refuse func(step, address string) error
	// Took is called when a mail is whole, before its sender hears so; nil:
	// nothing is.
	Took func(Mail)
}

// Office is a mail server.
type Office struct {
	Host  string
	Port  int
	Roots *x509.CertPool // who signed its certificate

	options     Options
	connections atomic.Int64
	mu          sync.Mutex
	mails       []Mail
}

// Open opens an office until the test ends.
func Open(t testing.TB, o Options) *Office {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, roots := newCertificate(t)
	at := listener.Addr().(*net.TCPAddr) //nolint:errcheck,forcetypeassert // it listens on tcp
	office := &Office{Host: "127.0.0.1", Port: at.Port, Roots: roots, options: o}
	server := smtp.NewServer(smtp.BackendFunc(office.visit))
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
	serving.Go(func() { _ = server.Serve(listener) }) // until it is closed
	t.Cleanup(func() {
		_ = server.Close()   // it may have visitors
		_ = listener.Close() // and may not have begun to serve, so that it does not know it
		serving.Wait()
	})
	return office
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

// Mails is what it took, in that order.
func (o *Office) Mails() []Mail {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Mail(nil), o.mails...)
}

// Connections is how many it has had.
func (o *Office) Connections() int { return int(o.connections.Load()) }

func (o *Office) visit(*smtp.Conn) (smtp.Session, error) {
	o.connections.Add(1)
	return &visit{office: o, known: !o.options.Login}, nil
}

// visit is one connection.
type visit struct {
	office *Office
	known  bool
	mail   Mail
}

func (v *visit) AuthMechanisms() []string {
	if !v.office.options.Login {
		return nil
	}
	return []string{sasl.Plain}
}

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		v.known = true
		return nil
	}), nil
}

func (v *visit) refused(step, address string) error {
	if v.office.options.Refuse == nil {
		return nil
	}
	return v.office.options.Refuse(step, address)
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if !v.known {
		return smtp.ErrAuthRequired
	}
	v.mail = Mail{From: from}
	return v.refused("MAIL", from)
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.mail.To = append(v.mail.To, to)
	return v.refused("RCPT", to)
}

func (v *visit) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := v.refused("DATA", v.mail.To[0]); err != nil {
		return err
	}
	m, err := v.mail.opened(raw)
	if err != nil {
		return errors.Join(errors.New("it cannot be opened"), err)
	}
	v.office.mu.Lock()
	v.office.mails = append(v.office.mails, m)
	v.office.mu.Unlock()
	if v.office.options.Took != nil {
		v.office.options.Took(m)
	}
	return nil
}

func (v *visit) Reset()        { v.mail = Mail{} }
func (v *visit) Logout() error { return nil }
