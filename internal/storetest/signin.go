package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var signIns = contract{
	"a sign-in is read as it was written":                             readsSignIn,
	"a missing sign-in is not found":                                  missesSignIn,
	"a sign-in ends once":                                             endsSignIn,
	"every sign-in ends":                                              endsSignIns,
	"lists leave out sign-ins that have ended, are too old or unused": listsSignIns,
	"the last use of a sign-in is recorded, but not after its end":    seesSignIns,
	"old sign-ins are deleted":                                        forgetsSignIns,
}

// signInStore is the part of a store that stores sign-ins.
type signInStore interface {
	AddSignIn(ctx context.Context, in record.SignIn, keep time.Duration) error
	SignIns(ctx context.Context, longest, idle time.Duration, limit int) ([]record.SignIn, error)
	SignIn(ctx context.Context, id string) (record.SignIn, error)
	EndSignIn(ctx context.Context, id string) error
	EndSignIns(ctx context.Context) (int, error)
	SeeSignIns(ctx context.Context, ids []string) error
}

func (f *fixture) signIns() signInStore {
	return f.Store.(signInStore) //nolint:errcheck,forcetypeassert // both are
}

var mara = curfew.Actor{Role: curfew.Admin, ID: "mara"}

// signIn signs a browser in.
func (f *fixture) signIn(id string) record.SignIn {
	f.Helper()
	f.must(f.signIns().AddSignIn(f.Context(), record.SignIn{ID: id, Actor: mara, Browser: "Firefox <b>"}, time.Hour))
	in, err := f.signIns().SignIn(f.Context(), id)
	f.must(err)
	return in
}

// listed returns the ids of the current sign-ins.
func (f *fixture) listed(limit int) []string {
	f.Helper()
	all, err := f.signIns().SignIns(f.Context(), 30*time.Minute, 10*time.Minute, limit)
	f.must(err)
	ids := []string{}
	for _, in := range all {
		ids = append(ids, in.ID)
	}
	return ids
}

// ageSignIn moves a time of a sign-in back to the time at which an API key expired.
func (f *fixture) ageSignIn(id, column string, by time.Duration) {
	f.Helper()
	k := unwrittenAPIKey()
	k.ExpiresAt = time.Now().Add(-by)
	_, err := f.apiKeys().AddAPIKey(f.Context(), k)
	f.must(err)
	f.exec("UPDATE {sign_ins} SET "+column+" = (SELECT expires_at FROM {api_keys} WHERE id = $1) WHERE id = $2", k.ID, id)
}

func readsSignIn(f *fixture) {
	in := f.signIn("one")
	f.around("created", in.CreatedAt, time.Now())
	f.same("read", in, record.SignIn{ID: "one", Actor: mara, Browser: "Firefox <b>", CreatedAt: in.CreatedAt, SeenAt: in.CreatedAt})
}

func missesSignIn(f *fixture) {
	f.refused(curfew.NotFound, func() error { return failed(f.signIns().SignIn(f.Context(), "none")) })
	f.refused(curfew.NotFound, func() error { return f.signIns().EndSignIn(f.Context(), "none") })
}

func endsSignIn(f *fixture) {
	f.signIn("one")
	f.signIn("two")
	f.must(f.signIns().EndSignIn(f.Context(), "one"))
	first, err := f.signIns().SignIn(f.Context(), "one")
	f.must(err)
	f.around("ended", first.EndedAt, time.Now())
	f.must(f.signIns().EndSignIn(f.Context(), "one"))
	again, err := f.signIns().SignIn(f.Context(), "one")
	f.must(err)
	f.same("its end stays", again, first)
	f.same("the other", f.listed(9), []string{"two"})
}

func endsSignIns(f *fixture) {
	f.signIn("one")
	f.signIn("two")
	f.must(f.signIns().EndSignIn(f.Context(), "one"))
	for _, want := range []int{1, 0} {
		n, err := f.signIns().EndSignIns(f.Context())
		f.must(err)
		f.same("ended", n, want)
	}
	f.same("left", f.listed(9), []string{})
}

func listsSignIns(f *fixture) {
	for _, id := range []string{"old", "idle", "ended", "first", "second"} {
		f.signIn(id)
	}
	f.ageSignIn("old", "created_at", 31*time.Minute)
	f.ageSignIn("idle", "seen_at", 11*time.Minute)
	f.ageSignIn("first", "created_at", 29*time.Minute)
	f.ageSignIn("first", "seen_at", 9*time.Minute)
	f.must(f.signIns().EndSignIn(f.Context(), "ended"))
	f.same("those that count", f.listed(9), []string{"second", "first"})
	f.same("the newest", f.listed(1), []string{"second"})
}

func seesSignIns(f *fixture) {
	for _, id := range []string{"used", "unused", "ended"} {
		f.signIn(id)
		f.ageSignIn(id, "seen_at", 5*time.Minute)
	}
	f.must(f.signIns().EndSignIn(f.Context(), "ended"))
	f.must(f.signIns().SeeSignIns(f.Context(), []string{"used", "ended", "none"}))
	for id, want := range map[string]time.Duration{"used": 0, "unused": 5 * time.Minute, "ended": 5 * time.Minute} {
		in, err := f.signIns().SignIn(f.Context(), id)
		f.must(err)
		f.around(id, in.SeenAt, time.Now().Add(-want))
	}
	f.must(f.signIns().SeeSignIns(f.Context(), []string{}))
}

func forgetsSignIns(f *fixture) {
	f.signIn("old")
	f.ageSignIn("old", "created_at", 61*time.Minute)
	f.signIn("new")
	f.same("kept", f.rows("SELECT id FROM {sign_ins}"), []string{"new"})
}
