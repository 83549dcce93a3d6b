package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/curfewhq/curfew"
)

// maxKeySet limits the size of a key set, in bytes.
const maxKeySet = 1 << 20

// CheckKeyURL checks a key server's address: https, or http on this machine. The keys decide who
// gets in, so nobody may be able to replace them in transit. It returns Invalid for other
// addresses.
func CheckKeyURL(address string) error {
	at, err := url.Parse(address) // not wrapped: it may contain a password
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "https" && at.Scheme != "http":
		return curfew.Errorf(curfew.Invalid, "the address of the keys is not a URL: write it like https://id.example.org/.well-known/jwks.json")
	case at.Scheme == "http" && !onLoopback(at.Hostname()):
		return curfew.Errorf(curfew.Invalid, "the address of the keys must begin with https://: whoever is on the way could replace the keys (http is for this machine alone)")
	}
	return nil
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keySource reads a JSON Web Key Set (RFC 7517) over HTTP.
type keySource struct {
	url    string
	host   string // the URL as it may be shown
	client *http.Client
	log    *slog.Logger
}

func newKeySource(address string, timeout time.Duration, log *slog.Logger) (keySource, error) {
	if err := CheckKeyURL(address); err != nil {
		return keySource{}, err
	}
	at, err := url.Parse(address)
	if err != nil {
		return keySource{}, err
	}
	return keySource{url: address, host: at.Host, client: keyClient(timeout), log: log}, nil
}

// keyClient follows a few redirects, and only to https. Each fetch has its own connection, so that
// one that died silently does not hold up the next.
func keyClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			switch {
			case to.URL.Scheme != "https":
				return errors.New("it redirects to an address without https")
			case len(via) > 3:
				return errors.New("it redirects too often")
			}
			return nil
		},
	}
}

// read returns the published keys that Curfew can use. Anything but a key set is an error; an empty
// set revokes every key.
func (s keySource) read(ctx context.Context) ([]jwkset.JWK, error) {
	text, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil, errors.New("it answered with something that is not a JSON Web Key Set")
	}
	usable := []jwkset.JWK{}
	for _, one := range *set.Keys {
		if key, ok := usableKey(one); ok {
			usable = append(usable, key)
		}
	}
	if skipped := len(*set.Keys) - len(usable); skipped > 0 {
		s.log.DebugContext(ctx, "the key server has keys that are not for ES256, RS256 or EdDSA signatures", "host", s.host, "skipped", skipped)
	}
	return usable, nil
}

func (s keySource) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { _ = resp.Body.Close() }() // read already, or of no use
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered with status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its answer broke off: %w", err)
	case len(text) > maxKeySet:
		return nil, fmt.Errorf("it answered with more than %d bytes", maxKeySet)
	}
	return text, nil
}

// withoutAddress returns a client's error without the URL, which may contain a password.
func withoutAddress(err error) error {
	failed, ok := errors.AsType[*url.Error](err)
	switch {
	case ok && failed.Timeout():
		return errors.New("it did not answer in time")
	case ok:
		return failed.Err
	}
	return err
}

// usableKey parses a public key for ES256, RS256 or EdDSA signatures. It returns false for other
// keys, and also for a broken one, which must not make the others unusable.
func usableKey(text []byte) (key jwkset.JWK, ok bool) {
	var is jwkset.JWKMarshal
	if json.Unmarshal(text, &is) != nil || is.USE == jwkset.UseEnc {
		return key, false
	}
	key, err := jwkset.NewJWKFromMarshal(is, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return key, false
	}
	switch key.Key().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return key, true
	}
	return key, false
}
