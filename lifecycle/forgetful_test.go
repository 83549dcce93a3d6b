package lifecycle_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// The market of the simulation: mechanics who forget a share of what they accept, and look away for a while then.
const (
	simulated     = 2 * time.Hour
	tick          = 15 * time.Second
	mechanics     = 5
	forgottenPart = 0.3
	lookingAway   = 6 * time.Minute
	talk          = 8 * time.Minute // on average
	nextCustomer  = 150 * time.Second
)

// forgetful is one simulated market.
type forgetful struct {
	env     *environment
	now     time.Time
	arrival *rand.Rand // the same customers come under both rules
	random  *rand.Rand
	until   map[string]time.Time // by mechanic: when they have time again; beyond the end: they are in a session
	serving map[string]string    // by mechanic
	waiting map[string]bool      // sessions that have not ended
	paid    int
	served  int
	lost    int // ended by Curfew without a mechanic's help
	avoided int // of those, while a mechanic was free and looking
}

// Three of ten acceptances are forgotten. With a time for mechanics to come in, no customer loses a session while another
// mechanic was free; beside it, what became of the same market under the rule before.
func TestForgetfulMechanicsCostNoCustomerASessionWhileAnotherIsFree(t *testing.T) {
	t.Parallel()
	chosen := seed.New(t)
	for round := range effort.Of(0, 1, 4) {
		before := simulate(t, chosen+uint64(round), 0)
		now := simulate(t, chosen+uint64(round), 3*time.Minute)
		t.Logf("seed %d: with join_offer %d of %d served (%d %%), %d lost, %d of them while a mechanic was free; before %d of %d (%d %%), %d lost, %d while one was free",
			chosen+uint64(round), now.served, now.paid, 100*now.served/now.paid, now.lost, now.avoided,
			before.served, before.paid, 100*before.served/before.paid, before.lost, before.avoided)
		if now.avoided != 0 {
			t.Errorf("%d customers lost their session while a mechanic was free", now.avoided)
		}
		if before.avoided == 0 || now.paid != before.paid || now.served <= before.served {
			t.Errorf("the rule before lost %d while a mechanic was free and served %d, now %d are served: too gentle to prove anything", before.avoided, before.served, now.served)
		}
	}
}

func simulate(t *testing.T, chosen uint64, offer time.Duration) *forgetful {
	t.Helper()
	m := &forgetful{
		now: time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC), arrival: seed.Dice(chosen, "customers"), random: seed.Dice(chosen, "mechanics"),
		until: map[string]time.Time{}, serving: map[string]string{}, waiting: map[string]bool{},
	}
	h := stores.SQLiteAt(t, func() time.Time { return m.now })
	m.env = newEnvironment(t, h, func(p *curfew.Policy) { p.JoinOffer = offer })
	next := m.now
	for end := m.now.Add(simulated); m.now.Before(end); m.now = m.now.Add(tick) {
		for ; !m.now.Before(next); next = next.Add(exponential(m.arrival, nextCustomer)) {
			m.arrive()
		}
		must(m.env.Sweep(m.env.Context()))(m.env)
		m.settle()
		m.work()
	}
	storetest.CheckInvariants(t, h)
	return m
}

// exponential is a random time with that mean.
func exponential(random *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(random.ExpFloat64() * float64(mean))
}

func (m *forgetful) arrive() {
	m.paid++
	m.waiting[m.env.pay(fmt.Sprint("c", m.paid), fmt.Sprint("p", m.paid)).SessionID] = true
}

// settle counts what has ended since, and whether somebody could have helped.
func (m *forgetful) settle() {
	for id := range m.waiting {
		s := must(m.env.Session(m.env.Context(), id))(m.env)
		if !s.Status.Ended() {
			continue
		}
		delete(m.waiting, id)
		if s.Status == curfew.Completed {
			m.served++
			continue
		}
		m.lost++
		if m.anybodyFree() {
			m.avoided++
		}
	}
}

// anybodyFree reports whether a mechanic had time when the queue was last read, and so could have taken what was in it.
func (m *forgetful) anybodyFree() bool {
	for i := range mechanics {
		if !m.now.Add(-tick).Before(m.until[fmt.Sprint("m", i)]) {
			return true
		}
	}
	return false
}

// work lets each mechanic who has time end their session, and take the first of the queue.
func (m *forgetful) work() {
	for i := range mechanics {
		who := fmt.Sprint("m", i)
		if m.now.Before(m.until[who]) {
			continue
		}
		if id := m.serving[who]; id != "" {
			delete(m.serving, who)
			must(m.env.End(m.env.Context(), id, mechanic(who)))(m.env)
		}
		queue := must(m.env.Pending(m.env.Context(), curfew.Cursor{}, 1))(m.env)
		if len(queue) == 0 {
			return
		}
		m.accept(who, queue[0])
	}
}

// accept serves a session, or forgets it.
func (m *forgetful) accept(who string, s curfew.Snapshot) {
	ctx := m.env.Context()
	if _, err := m.env.Accept(ctx, s.Request.ID, who); err != nil {
		return // held up by what they forgot
	}
	must(m.env.Join(ctx, s.ID, customer(s.CustomerID)))(m.env)
	if m.random.Float64() < forgottenPart {
		m.until[who] = m.now.Add(lookingAway)
		return
	}
	must(m.env.Join(ctx, s.ID, mechanic(who)))(m.env)
	m.serving[who], m.until[who] = s.ID, m.now.Add(time.Minute+exponential(m.random, talk))
}
