package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
)

// A stream ticket opens one stream for an EventSource, which cannot send headers. It contains the
// caller's own token, and for whom they act, encrypted with a key derived from the local one.
// Whatever ends the token thus ends the stream, and a ticket found in a log is useless.

// TicketParam is the query parameter with a stream ticket.
const TicketParam = "ticket"

// streamTicketTTL is how long a stream ticket is valid.
const streamTicketTTL = 30 * time.Second

func (i *Identity) streamSeal() cipher.AEAD {
	block, _ := aes.NewCipher(i.Sign("stream-ticket", "")) // never fails: that is the length of a key
	gcm, _ := cipher.NewGCMWithRandomNonce(block)          // never fails: it is AES
	return gcm
}

// StreamTicket returns a ticket for a stream of the caller, and when it expires. It returns
// Conflict for a signed-in browser, which needs no ticket.
func (g *Gate) StreamTicket(c Request) (ticket string, until time.Time, err error) {
	if c.bearer == "" {
		return "", until, curfew.Errorf(curfew.Conflict, "a browser that is signed in needs no ticket: its cookie opens the stream")
	}
	until = time.Now().Add(streamTicketTTL).Truncate(time.Second)
	text := append(binary.BigEndian.AppendUint64(nil, uint64(until.Unix())), c.bearer...) //nolint:gosec // it is after 1970
	if who := c.Actor; who.By != "" {
		text = append(text, "\n"+string(who.Role)+":"+url.PathEscape(who.ID)...)
	}
	sealed := g.identity.streamSeal().Seal(nil, nil, text, nil) //nolint:gosec // it makes its own random nonce
	return base64.RawURLEncoding.EncodeToString(sealed), until, nil
}

// AuthorizeStream is Authorize for a stream, which a ticket can also open. The request that it
// returns carries the token.
func (g *Gate) AuthorizeStream(r *http.Request, a Access) (*http.Request, Request, error) {
	opened, err := g.withTicket(r)
	if err != nil {
		if limited := g.Count(r, curfew.Actor{}, limit.Failures, err); limited != nil {
			return r, Request{}, limited
		}
		return r, Request{}, err
	}
	c, err := g.Authorize(opened, a)
	return opened, c, err
}

// withTicket uses up a request's ticket, and returns the request with the token from the ticket.
func (g *Gate) withTicket(r *http.Request) (*http.Request, error) {
	ticket := problem.QueryValue(r, TicketParam)
	if ticket == "" {
		return r, nil
	}
	if len(r.Header.Values("Authorization"))+len(r.Header.Values(ActAs)) > 0 {
		return r, curfew.Errorf(curfew.Invalid, "send either a token or a ticket, not both")
	}
	token, err := g.unseal(r.Context(), ticket)
	if err != nil {
		return r, err
	}
	opened := r.Clone(r.Context())
	token, actAs, acts := strings.Cut(token, "\n")
	opened.Header.Set("Authorization", "Bearer "+token)
	if acts {
		opened.Header.Set(ActAs, actAs)
	}
	return opened, nil
}

var errTicket = curfew.Errorf(curfew.Unauthenticated, "the ticket opens no stream, or did so before: get a new one for each")

// unseal uses up a ticket and returns its contents.
func (g *Gate) unseal(ctx context.Context, ticket string) (text string, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		return "", errTicket
	}
	open, err := g.identity.streamSeal().Open(nil, nil, sealed, nil)
	if err != nil || len(open) < 8 || !time.Now().Before(time.Unix(int64(binary.BigEndian.Uint64(open)), 0)) { //nolint:gosec // this process wrote it
		return "", errTicket
	}
	sum := sha256.Sum256(sealed)
	err = g.once.ClaimOnce(ctx, "stream:"+hex.EncodeToString(sum[:16]), streamTicketTTL+skew)
	if errors.Is(err, curfew.Conflict) {
		return "", errTicket
	}
	return string(open[8:]), err
}
