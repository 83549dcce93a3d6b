package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/curfewhq/curfew"
)

// Address is an address to listen on: HOST:PORT.
type Address string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return fmt.Errorf("%q is not an address to listen on: write it like 127.0.0.1:3001", text)
	}
	*a = Address(text)
	return nil
}

// Loopback reports whether only this machine can reach the address.
func (a Address) Loopback() bool {
	host, _, _ := net.SplitHostPort(string(a))
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// URL returns how a program on this machine reaches a listener at the address.
func (a Address) URL() string {
	host, port, _ := net.SplitHostPort(string(a))
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// WebURL is an http or https address without a trailing slash.
type WebURL string

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *WebURL) UnmarshalText(text []byte) error {
	at, err := url.Parse(string(text))
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("%q is not an address: write it like https://curfew.example.org", text)
	}
	*u = WebURL(strings.TrimRight(string(text), "/"))
	return nil
}

// SessionURL is an http or https address with {id} for a session's id.
type SessionURL string

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *SessionURL) UnmarshalText(text []byte) error {
	at, err := url.Parse(strings.ReplaceAll(string(text), "{id}", "id"))
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || !strings.Contains(string(text), "{id}") {
		return fmt.Errorf("%q is not an address of sessions: write it like https://app.example.org/chat/{id}", text)
	}
	*u = SessionURL(text)
	return nil
}

// Origins are origins of pages, separated by commas: https://app.example.org.
type Origins struct{ All []string }

// UnmarshalText implements encoding.TextUnmarshaler. Origins must be written as browsers send them.
// It accepts only origins that nobody can impersonate on the network: https, or this machine.
func (o *Origins) UnmarshalText(text []byte) error {
	parts, err := items(string(text))
	if err != nil {
		return err
	}
	o.All = nil
	for _, part := range parts {
		at, err := url.Parse(part)
		if err != nil || at.Host == "" || !strings.EqualFold(part, at.Scheme+"://"+at.Host) {
			return fmt.Errorf("%q is not an origin: write it like https://app.example.org, without a path", part)
		}
		if local := at.Scheme == "http" && Address(net.JoinHostPort(at.Hostname(), "0")).Loopback(); at.Scheme != "https" && !local {
			return fmt.Errorf("%q is not safe as an origin: it must begin with https://, or be on this machine", part)
		}
		o.All = append(o.All, strings.ToLower(part))
	}
	return nil
}

// SMTPURL is a mail server: smtp://USER@HOST:PORT. The password is a separate setting.
type SMTPURL struct {
	Host, User string
	Port       int // 0: the standard port
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *SMTPURL) UnmarshalText(text []byte) error {
	at, err := url.Parse(string(text))
	wrong := errors.New("is not a mail server: write it like smtp://USER@mail.example.org:587") // not repeated: it may contain a password
	if err != nil || at.Scheme != "smtp" || at.Hostname() == "" || at.Path != "" && at.Path != "/" || at.RawQuery != "" {
		return wrong
	}
	if _, ok := at.User.Password(); ok {
		return errors.New("must not hold a password: set smtp.password instead")
	}
	u.Host, u.User, u.Port = at.Hostname(), at.User.Username(), 0
	if port := at.Port(); port != "" {
		if u.Port, err = strconv.Atoi(port); err != nil || u.Port < 1 || u.Port > 65535 {
			return wrong
		}
	}
	return nil
}

// Folder is the path of an existing folder.
type Folder string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Folder) UnmarshalText(text []byte) error {
	info, err := os.Stat(string(text))
	if err != nil || !info.IsDir() {
		return curfew.Errorf(curfew.Invalid, "there is no folder %q", text)
	}
	*f = Folder(text)
	return nil
}
