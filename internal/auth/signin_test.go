package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// desk stores sign-ins in memory, and may be out of reach.
type desk struct {
	mu   sync.Mutex
	rows map[string]record.SignIn
	down bool
}

// change changes a row, or reads it.
func (d *desk) change(id string, how func(*record.SignIn)) (record.SignIn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return record.SignIn{}, errDown
	}
	row, ok := d.rows[id]
	if !ok {
		return row, curfew.Errorf(curfew.NotFound, "there is no such sign-in")
	}
	how(&row)
	d.rows[id] = row
	return row, nil
}

func (d *desk) AddSignIn(_ context.Context, in record.SignIn, _ time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	in.CreatedAt, in.SeenAt = time.Now(), time.Now()
	d.rows[in.ID] = in
	return nil
}

func (d *desk) SignIns(context.Context, time.Duration, time.Duration, int) ([]record.SignIn, error) {
	return nil, nil
}

func (d *desk) SignIn(_ context.Context, id string) (record.SignIn, error) {
	return d.change(id, func(*record.SignIn) {})
}

func (d *desk) EndSignIn(_ context.Context, id string) error {
	_, err := d.change(id, func(in *record.SignIn) { in.EndedAt = time.Now() })
	return err
}

func (d *desk) EndSignIns(context.Context) (int, error) { return 0, nil }

func (d *desk) SeeSignIns(_ context.Context, ids []string) error {
	for _, id := range ids {
		if _, err := d.change(id, func(in *record.SignIn) { in.SeenAt = time.Now() }); err != nil {
			return err
		}
	}
	return nil
}

func (o *office) withCookie(cookie string) *http.Request {
	r := httptest.NewRequestWithContext(o.Context(), http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-curfew", Value: cookie})
	return r
}

// signIn signs a browser in. It returns its cookie, and the cookie's id.
func (o *office) signIn(who curfew.Actor) (cookie, id string) {
	o.Helper()
	ticket, err := o.identity.LoginTicket(who)
	must(o.T, err)
	r := httptest.NewRequestWithContext(o.Context(), http.MethodPost, "/login", strings.NewReader(url.Values{"ticket": {ticket}}.Encode()))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", strings.Repeat("Firefox/1 ", 50))
	w := httptest.NewRecorder()
	_, err = o.gate.SignIn(o.Context(), w, r, ticket)
	must(o.T, err)
	cookie = w.Result().Cookies()[0].Value
	return cookie, idOf(o.T, cookie)
}

func TestABrowserSignsInAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t, &ledger{})
	first, id := o.signIn(anna)
	second, other := o.signIn(anna)
	if first == second || id == other {
		t.Error("two sign-ins have one id")
	}
	row, err := o.desk.SignIn(t.Context(), id)
	must(t, err)
	if row.Actor != anna || !strings.HasPrefix(row.Browser, "Firefox/1 ") || len(row.Browser) != 200 {
		t.Errorf("the row is %+v", row)
	}
	for _, cookie := range []string{first, second} {
		must(t, o.browse(cookie))
	}
}

// A browser is signed out after an hour without use, and after twelve in any case.
func TestABrowserIsNotSignedInForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, &ledger{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); o.signIns.Run(ctx) }()
		defer func() { cancel(); <-done }()
		idle, _ := o.signIn(anna)
		used, _ := o.signIn(anna)
		watching, _ := o.signIn(anna)
		for range 3 {
			<-time.After(30 * time.Minute)
			must(t, o.browse(used))
			_ = o.gate.Proven(o.withCookie(watching)) // as a stream does
		}
		if err := o.browse(idle); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("an idle browser: %v", err)
		}
		if err := o.browse(watching); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("a page that was left open: %v", err)
		}
		for range 20 {
			<-time.After(30 * time.Minute)
			must(t, o.browse(used))
		}
		<-time.After(30 * time.Minute)
		if err := o.browse(used); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("after twelve hours: %v", err)
		}
	})
}

func TestASignInIsEnded(t *testing.T) {
	t.Parallel()
	o := newOffice(t, &ledger{})
	ended, id := o.signIn(anna)
	other, gone := o.signIn(anna)
	must(t, o.signIns.End(t.Context(), id))
	if err := o.browse(ended); !errors.Is(err, curfew.Unauthenticated) {
		t.Errorf("an ended one: %v", err)
	}
	must(t, o.browse(other))
	delete(o.desk.rows, gone)
	if err := o.browse(other); !errors.Is(err, curfew.Unauthenticated) {
		t.Errorf("an unknown sign-in: got error %v", err)
	}
	o.desk.down = true
	if err := o.browse(ended); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("without a database: %v", err)
	}
}
