package httpapi_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// pageFixture is a fixture whose sweeper is dead, and the people in it.
type pageFixture struct{ *fixture }

var (
	mara    = curfew.Actor{Role: curfew.Admin, ID: "mara"}
	backend = curfew.Actor{Role: curfew.Service, ID: "shop"}
)

func newPageFixture(t *testing.T) *pageFixture {
	t.Helper()
	expert := curfew.Plan{Kind: curfew.Chat, Duration: 30 * time.Minute, Capture: "at_acceptance"}
	return &pageFixture{newFixtureWith(t, settings{policy: func(p *curfew.Policy) { p.Plans["expert"] = expert }, given: []api.Setting{
		{Key: "database_url", Value: "postgres://db.example.org/shop", Source: "environment", Where: "CURFEW_DATABASE_URL", Default: "sqlite:curfew.db", Help: "The database: sqlite:PATH or postgres://…"},
		{Key: "waiting_ttl", Value: "20m", Source: "file", Where: "curfew.yaml line 3: waiting_ttl", Default: "15m", Help: "How long a session waits for a mechanic."},
		{Key: "join_ttl", Value: "30m", Source: "default", Default: "30m", Help: "How long an accepted session may take to become live."},
		{Key: "sweeper", Value: "off", Source: "flag", Where: "--sweeper", Default: "on", Help: "off stops the sweeper of this process; every promise to customers still holds."},
		{Key: "auth.jwt_secret", Value: "set", Source: "environment", Where: "CURFEW_AUTH_JWT_SECRET", Help: "Tokens signed with this secret (HS256, 32 bytes or more) are good too. Better in the environment: others see flags."},
		{Key: "auth.role_claim", Value: "role", Source: "default", Default: "role", Help: "The claim that holds the role."},
	}})}
}

func (m *pageFixture) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// before does something at an earlier time, by the database's clock.
func (m *pageFixture) before(d time.Duration, do func()) {
	m.ago(d)
	defer m.ago(0)
	do()
}

// pays makes a paid checkout of a customer.
func (m *pageFixture) pays(customer, plan string, amount int64) lifecycle.Fulfillment {
	m.Helper()
	f, err := m.keeper.Admission.FulfillCheckout(m.Context(), backend, lifecycle.Purchase{
		PaymentRef: time.Now().Format("pi_150405.000000000_") + customer,
		CustomerID: customer, Plan: plan, Amount: &amount, Currency: "eur", Name: customer,
	})
	m.must(err)
	return f
}

// books makes an appointment in the future.
func (m *pageFixture) books(customer, plan string, amount int64, ahead time.Duration) {
	m.Helper()
	at := time.Now().Add(ahead + time.Minute)
	_, err := m.keeper.Admission.FulfillCheckout(m.Context(), backend, lifecycle.Purchase{
		PaymentRef: "pi_booked_" + customer, CustomerID: customer, Plan: plan, Amount: &amount, Currency: "eur", Name: customer,
		StartsAt: &at,
	})
	m.must(err)
}

// taken makes a session that a mechanic has accepted.
func (m *pageFixture) taken(customer, mechanic string) lifecycle.Fulfillment {
	m.Helper()
	f := m.pays(customer, "video15", 3900)
	_, err := m.keeper.Queue.Accept(m.Context(), f.RequestID, mechanic)
	m.must(err)
	return f
}

// live makes a session that both have joined.
func (m *pageFixture) live(customer, mechanic string) lifecycle.Fulfillment {
	m.Helper()
	f := m.taken(customer, mechanic)
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: customer}, {Role: curfew.Mechanic, ID: mechanic}} {
		_, err := m.keeper.Sessions.Join(m.Context(), f.SessionID, who)
		m.must(err)
	}
	return f
}

// orphan makes a session whose request somebody ended behind Curfew's back, while the guards were off.
func (m *pageFixture) orphan(customer string) {
	m.Helper()
	f := m.pays(customer, "diagnostic", 5900)
	m.must(m.store.SetGuards(m.Context(), false))
	m.exec("UPDATE session_requests SET status = 'expired', ended_at = created_at WHERE session_id = ?", f.SessionID)
	m.must(m.store.SetGuards(m.Context(), true))
}

// trouble makes a bad afternoon on which nobody swept for hours.
func (m *pageFixture) trouble() {
	m.Helper()
	m.before(3*time.Hour, func() { m.live("grace.h", "tom") })
	m.before(95*time.Minute, func() { m.taken("user_8412", "ruth") })
	m.before(47*time.Minute, func() { m.pays("cus_NffrFeUfNV2Hib", "chat10", 1500) })
	m.before(33*time.Minute, func() { m.pays("ada", "video15", 3900) })
	m.before(26*time.Minute, func() { m.orphan("bob@example.org") })
	m.before(18*time.Minute, func() { m.pays("linus", "chat10", 1500) })
	m.before(6*time.Minute, func() { m.live("margaret", "max") })
	m.before(4*time.Minute, func() { m.pays("katherine", "video15", 3900) })
	for range 3 {
		m.pays("katherine", "chat10", 1500) // refused: she has one open
	}
}

// hours makes an afternoon for the charts: customers come and go, and the sweeper dies.
func (m *pageFixture) hours() {
	m.Helper()
	defer m.ago(0)
	for back := 2 * time.Hour; back >= 0; back -= 4 * time.Minute {
		m.ago(back)
		m.server.Sample(m.Context())
	}
}
