package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// illness is a way to cause a finding. The line that health prints for the
// finding is pasted into a shell; then the finding must be gone.
type illness struct {
	code  lifecycle.Code
	how   string // beside the code, where there are several
	bring func(p *patient)
	says  string           // what the pasted line answers, among other things
	then  func(p *patient) // what the line's comment leaves to a person, if anything
}

const someID = "019ab000-0000-7000-8000-000000000000"

var illnesses = []illness{
	{
		code: lifecycle.Unreadable, says: "✗ schema", bring: func(p *patient) { p.exec(`ALTER TABLE {mechanic_slots} RENAME TO slots`) },
		then: func(p *patient) { p.exec(`ALTER TABLE {slots} RENAME TO mechanic_slots`) },
	},
	{
		code: lifecycle.SchemaLacking, says: "runs_newest", bring: func(p *patient) { p.exec(`DROP INDEX {runs_newest}`) },
		then: func(p *patient) { p.exec(`CREATE INDEX runs_newest ON {runs} (started_at DESC, id DESC)`) },
	},
	{
		code: lifecycle.NotWritable, says: "✗", bring: func(p *patient) { p.exec(`ALTER TABLE {signals} RENAME TO beats`) },
		then: func(p *patient) { p.exec(`ALTER TABLE {beats} RENAME TO signals`) },
	},
	{
		code: "audit_lost", says: "None.", bring: func(p *patient) {
			head, err := p.db.AuditHead(p.Context(), uuid.NewString())
			p.must(err)
			p.must(p.db.AppendAudit(p.Context(), record.AuditLink{Number: 1, Batch: uuid.NewString(), First: 1, Lost: 3, At: head.Now, Hash: "h"}, nil))
		},
		then: func(p *patient) { p.exec(`UPDATE {audit_links} SET lost = 0`) },
	},
	{code: lifecycle.TalliesWrong, bring: func(p *patient) {
		_, err := p.keeper.Sessions.Cancel(p.Context(), p.pay("kim").SessionID, curfew.Actor{Role: curfew.Service, ID: "shop"})
		p.must(err)
		p.exec(`UPDATE {tallies} SET n = n + 3 WHERE noun = 'checkout' AND status = 'credited' AND shard =
			(SELECT min(shard) FROM {tallies} WHERE noun = 'checkout' AND status = 'credited')`)
	}},
	{code: lifecycle.RowsInconsistent, bring: func(p *patient) {
		p.pay("kim")
		p.exec(`DELETE FROM {payment_refs}`)
	}},
	{
		code: lifecycle.RowsInconsistent, how: "beyond repair", says: "What is left needs a decision", bring: func(p *patient) {
			p.pay("kim")
			p.must(p.db.SetGuards(p.Context(), false))
			p.exec(`CREATE TABLE kept AS SELECT * FROM {events}`)
			p.exec(`DELETE FROM {events}`)
			p.must(p.db.SetGuards(p.Context(), true))
		},
		then: func(p *patient) { p.exec(`INSERT INTO {events} SELECT * FROM kept`) }, // from a backup
	},
	{code: lifecycle.VeryStaleSessions, bring: func(p *patient) { p.old(p.pay("kim")) }},
	{code: lifecycle.StaleSessions, bring: func(p *patient) { p.old(p.pay("kim")) }},
	{code: lifecycle.StaleRequests, bring: func(p *patient) { p.old(p.pay("kim")) }},
	{code: lifecycle.StuckRows, bring: func(p *patient) {
		p.old(p.pay("kim"))
		cure := storetest.Poison(p, storetest.Harness{Exec: p.execute, Schema: p.schema}, "sessions", "UPDATE", "kim")
		_, err := p.keeper.Sweeper.Sweep(p.Context())
		p.must(err)
		cure() // the line says so: once the cause is gone
	}},
	{code: lifecycle.CleanupFailed, bring: func(p *patient) {
		p.exec(`INSERT INTO {runs} (id, trigger, actor, finished_at, outcome) VALUES ('` + someID + `', 'command', 'admin:me', ` +
			p.ago(time.Second) + `, 'failed')`)
	}},
	{code: lifecycle.SweeperSilent, says: `"success":true`, bring: func(p *patient) { p.pay("kim") }, then: (*patient).works},
	{
		code: lifecycle.MoneyUnsettled, how: "held", says: "ref-held", bring: func(p *patient) { p.held("ref-held") },
		then: func(p *patient) {
			p.paste(`curfew checkouts refund ref-held --by-hand --reason "given back at the till"`)
		},
	},
	{code: lifecycle.MoneyUnsettled, how: "left by another program", says: `"success":true`, bring: func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {sessions} SET status = 'cancelled'`)
	}},
	{code: lifecycle.RefundFailing, says: "refund_due", bring: func(p *patient) { p.refund("kim", `attempts = 7`) }, then: (*patient).givenBack},
	{
		code: lifecycle.RefundsOverdue, says: "refund_due", bring: func(p *patient) { p.refund("kim", `first_try_at = `+p.ago(3*time.Hour)) },
		then: (*patient).givenBack,
	},
	{code: lifecycle.PaymentsDisputed, says: "ref-kim", bring: func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {checkouts} SET disputed_at = ` + p.ago(time.Hour))
	}, then: func(p *patient) { p.paste(p.rest(lifecycle.PaymentsDisputed, "then: ")) }},
	{code: lifecycle.CaptureFailing, says: "ref-kim", bring: func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {checkouts} SET concern = 'capture_failed', note = 'the key may not do it'`)
	}, then: func(p *patient) { p.exec(`UPDATE {checkouts} SET concern = ''`) }}, // as the next try does
	{code: lifecycle.PaymentLost, says: "ref-kim", bring: func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {checkouts} SET concern = 'payment_lost'`)
	}, then: func(p *patient) { p.paste(p.rest(lifecycle.PaymentLost, "or: ")) }},
	{code: lifecycle.PaymentDisagrees, says: "ref-kim", bring: func(p *patient) {
		p.pay("kim")
		n := storetest.Report{Ref: "ref-kim", PaymentID: "pi-kim", CustomerID: "ada", Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true}
		p.must(p.keeper.Payments.Receive(p.Context(), n.Notice()))
	}, then: func(p *patient) { p.paste(p.rest(lifecycle.PaymentDisagrees, "or: ")) }},
	{code: lifecycle.BooksDiffer, says: "ref-kim: TO DO: ask your shop", bring: func(p *patient) {
		f := p.pay("kim")
		p.must(p.db.KeepDifferences(p.Context(), []record.Difference{
			{CheckoutID: f.CheckoutID, Kind: "not_paid_there", Ref: "ref-kim", Detail: "here 29.00 EUR, there nothing"},
		}))
	}, then: func(p *patient) { p.paste(p.rest(lifecycle.BooksDiffer, "or: ")) }},
	{code: lifecycle.MessagesRefused, says: "✓ connection", bring: func(p *patient) {
		p.must(p.db.CountRefused(p.Context(), "stripe", "no signing secret fits", 5))
	}, then: func(p *patient) { p.exec(`UPDATE {refused_messages} SET last_at = ` + p.ago(2*time.Hour)) }},
	{code: "messages_unusable", says: "✓ connection", bring: func(p *patient) {
		p.must(p.keeper.Payments.Receive(p.Context(), curfew.Notice{ID: "evt_1", Provider: "bank", Unread: "it has no amount"}))
	}, then: func(p *patient) { p.paste(p.rest("messages_unusable", "or: ")) }},
	{
		code: lifecycle.DeliveriesDying, says: "dead", bring: func(p *patient) { p.delivery(`'dead'`, p.ago(time.Minute)) },
		then: func(p *patient) { p.paste("curfew deliveries replay " + someID) },
	},
	{
		code: lifecycle.DeliveriesOverdue, says: "pending", bring: func(p *patient) { p.delivery(`'pending'`, p.ago(5*time.Hour)) },
		then: (*patient).delivers,
	},
	{code: lifecycle.EndpointDisabled, says: "there.example", bring: func(p *patient) {
		p.exec(`INSERT INTO {webhook_endpoints} (id, url, secret, enabled, disabled_reason, created_at, updated_at)
			VALUES ('` + someID + `', 'https://there.example', 'whsec_', false, 'it answers 500', ` + p.ago(0) + `, ` + p.ago(0) + `)`)
	}, then: func(p *patient) { p.paste("curfew webhooks enable " + someID) }},
	{code: lifecycle.OrphanedSessions, bring: func(p *patient) {
		f := p.pay("kim")
		p.exec(`UPDATE {session_requests} SET status = 'expired', ended_at = ` + p.ago(time.Hour))
		p.old(f)
	}},
	{code: lifecycle.OverdueAssigned, bring: func(p *patient) {
		f := p.pay("kim")
		p.accept(f)
		p.old(f)
	}},
	{code: lifecycle.OverdueLive, bring: func(p *patient) {
		f := p.pay("kim")
		p.accept(f)
		p.join(f, curfew.Customer, "kim")
		p.join(f, curfew.Mechanic, "mia")
		p.old(f)
	}},
	{code: lifecycle.OverdueScheduled, how: "its slot is free", bring: func(p *patient) {
		p.later("kim")
		p.exec(`UPDATE {sessions} SET starts_at = ` + p.ago(time.Hour) + `, expires_at = ` + p.ago(time.Hour))
	}},
	{code: lifecycle.OverdueScheduled, how: "its slot is taken at its second chance", bring: func(p *patient) {
		p.later("kim")
		p.exec(`UPDATE {sessions} SET starts_at = ` + p.ago(time.Hour) + `, expires_at = ` + p.ago(time.Minute))
		p.payFor("kim", "ref-other")
	}},
	{code: lifecycle.LeakedSlots, bring: func(p *patient) {
		p.exec(`INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id) VALUES ('mia', 'kim', '` + someID + `')`)
	}},
	{code: lifecycle.BlockedRepeatedly, says: `"blocked":true`, bring: func(p *patient) {
		f := p.pay("o'neil & sons/1")
		for range 3 {
			p.must(p.db.Refuse(p.Context(), "o'neil & sons/1", f.SessionID))
		}
	}, then: func(p *patient) { p.paste(p.rest(lifecycle.BlockedRepeatedly, "or by: ")) }},
	{code: lifecycle.QueueUnwatched, says: `"customerName"`, bring: func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {session_requests} SET created_at = ` + p.ago(10*time.Minute))
	}, then: func(p *patient) {
		p.until(lifecycle.QueueUnwatched, func() {
			_, err := p.keeper.Queue.Pending(p.Context(), curfew.Cursor{}, 1)
			p.must(err)
		})
	}},
	{code: lifecycle.GuardsMissing, bring: func(p *patient) {
		p.exec(map[string]string{"": `DROP TRIGGER guard_events_kept`, "curfew.": `DROP TRIGGER guard_events_kept ON curfew.events`}[p.schema])
	}},
}

// triedElsewhere holds the codes without a row, with the reason.
var triedElsewhere = map[lifecycle.Code]string{
	lifecycle.AdmissionsFailing: "TestFailedAdmissionsAreForgottenAfterAMinute: it goes by itself",
	lifecycle.ClockSkew:         "its fix sets this machine's clock",
	lifecycle.KeysUnreachable:   "TestServe_ItsKeyServerIsDown",
}

// Each finding comes with a line to paste. Once that is run, and a person has
// done what its comment asks, the finding is gone: on every store.
func TestEveryFixCanBePasted(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	for _, code := range lifecycle.Codes() {
		if tried := slices.ContainsFunc(illnesses, func(i illness) bool { return i.code == code }); !tried && triedElsewhere[code] == "" {
			t.Errorf("no test tries the fix of %s: add a row to illnesses that brings it about, with what internal/wire/finding.go's line for it "+
				"answers (says) and what is left to a person (then)", code)
		}
	}
	for i, ill := range illnesses {
		kinds := []string{"postgres", "sqlite"}
		if testing.Short() { // the stores take turns
			kinds = kinds[i%2:][:1]
		}
		for _, kind := range kinds {
			t.Run(strings.TrimSpace(string(ill.code)+" "+ill.how)+" on "+kind, func(t *testing.T) {
				t.Parallel()
				p := admit(t, kind)
				ill.bring(p)
				fix := p.finding(ill.code)
				if fix == "" {
					t.Fatalf("health does not find it: %+v", p.health().Problems)
				}
				out := p.paste(fix)
				if !strings.Contains(out, ill.says) {
					t.Errorf("%s\nsays no %q:\n%s", fix, ill.says, out)
				}
				if ill.then != nil {
					if p.finding(ill.code) == "" {
						t.Errorf("a person had nothing left to do after %s", fix)
					}
					ill.then(p)
				}
				if !p.gone(ill.code) {
					t.Errorf("after %s it is still there\n%s", fix, out)
				}
			})
		}
	}
}

// gone waits for health to look again at what was wrong, which it does at most
// once a second.
func (p *patient) gone(code lifecycle.Code) bool {
	p.Helper()
	ctx, stop := context.WithTimeout(p.Context(), 10*time.Second)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for p.finding(code) != "" {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// rest is what the comment of a finding's line names to be pasted.
func (p *patient) rest(code lifecycle.Code, after string) string {
	p.Helper()
	_, line, found := strings.Cut(p.finding(code), after)
	if !found {
		p.Fatalf("%s has no %q", p.finding(code), after)
	}
	return line
}

// until lets the service work until a finding is gone.
func (p *patient) until(code lifecycle.Code, also func()) {
	p.Helper()
	ctx, stop := context.WithTimeout(p.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- p.keeper.Sweeper.Run(ctx) }()
	for tick := time.NewTicker(50 * time.Millisecond); p.finding(code) != "" && ctx.Err() == nil; <-tick.C {
		also()
	}
	stop()
	p.must(<-done)
}

func (p *patient) works() { p.Helper(); p.until(lifecycle.SweeperSilent, func() {}) }

func (p *patient) givenBack() {
	p.Helper()
	p.paste(`curfew checkouts refund ref-kim --by-hand --reason "given back at the provider"`)
}

// delivers is a receiver that answers again.
func (p *patient) delivers() {
	p.Helper()
	claimed, _, err := p.db.Claim(p.Context(), "lane", 1, time.Minute)
	p.must(err)
	_, err = p.db.Settle(p.Context(), []record.Attempt{{Delivery: claimed[0], Verdict: record.Verdict{State: record.DeliveryDone, Status: 200}}})
	p.must(err)
}

// patient is a service whose sweeper is on and does nothing, over a database
// behind whose back things happen.
type patient struct {
	*testing.T
	db     database
	keeper *lifecycle.Keeper
	behind *sql.DB
	url    config.DatabaseURL
	at     string // the service's address
	dir    string
	schema string
}

func admit(t *testing.T, kind string) *patient {
	t.Helper()
	p := &patient{T: t, dir: t.TempDir()}
	var driver, source string
	if kind == "postgres" {
		p.schema, driver, source = "curfew.", "pgx", stores.PostgresMigrated(t)
		p.url = config.DatabaseURL(source)
	} else {
		file := stores.SQLiteMigrated(t)
		driver, source = "sqlite", "file:"+file+"?_pragma=busy_timeout(30000)"
		p.url = config.DatabaseURL("sqlite:" + file)
	}
	var line commandLine
	parser, err := newParser(&line, terminal{os.Stdout, os.Stderr, false})
	p.must(err)
	_, err = parser.Parse([]string{"serve", "--database-url", string(p.url), "--auth-key-file", filepath.Join(p.dir, "curfew.key"), "--log-level=error"})
	p.must(err)
	s := &line.settings
	unlock, err := s.lock()
	p.must(err)
	p.db, err = s.connect(t.Context(), true)
	p.must(err)
	p.behind, err = sql.Open(driver, source)
	p.must(err)
	t.Cleanup(func() {
		p.must(p.behind.Close())
		p.must(p.db.Close())
		p.must(unlock())
	})
	p.serve(s)
	return p
}

func (p *patient) serve(s *settings) {
	p.Helper()
	policy, err := s.policy()
	p.must(err)
	door := &startupHandler{}
	here := httptest.NewServer(door)
	p.Cleanup(here.Close)
	svc := &service{db: p.db, log: s.logger(os.Stderr, 0), url: here.URL, listeners: &listeners{opsHandler: &startupHandler{}}}
	svc.notifications = &notifications{replicas: p.db.replicas(svc.log)}
	p.must(svc.build(context.WithoutCancel(p.Context()), s, policy))
	door.use(svc.public.Handler)
	p.keeper, p.at = svc.keeper, here.URL
}

func (p *patient) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *patient) health() api.Health {
	p.Helper()
	return wire.Health(p.keeper.Health.Report(p.Context()), "test", p.at)
}

// finding is the fix of a finding; empty: there is none that counts.
func (p *patient) finding(code lifecycle.Code) string {
	p.Helper()
	h := p.health()
	i := slices.IndexFunc(h.Findings, func(f api.HealthFinding) bool { return f.Code == string(code) && f.Acknowledged == nil })
	if i < 0 {
		return ""
	}
	if len(h.Recommendations) != len(h.Findings) || h.Recommendations[i] != h.Findings[i].Fix {
		p.Errorf("recommendations are %v", h.Recommendations)
	}
	return h.Findings[i].Fix
}

// paste runs a line where the service's key lies. Only preflight and a repair may
// answer with something else than success: with what is left to do.
func (p *patient) paste(line string) string {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "bash", "-euo", "pipefail", "-c", strings.Replace(line, "curl ", "curl --silent --show-error --fail-with-body ", 1))
	cmd.Dir, cmd.Env = p.dir, append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+string(p.url), "CURFEW_AUTH_KEY_FILE=curfew.key")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.HasPrefix(line, "curfew preflight") && !strings.HasPrefix(line, "curfew migrate --repair") {
		p.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func (p *patient) exec(statement string) {
	p.Helper()
	if !strings.Contains(statement, "$$") {
		statement = strings.NewReplacer("{", p.schema, "}", "").Replace(statement)
	}
	if _, err := p.behind.ExecContext(p.Context(), statement); err != nil {
		p.Fatalf("%s: %v", statement, err)
	}
}

// execute is exec for what a harness does behind the store's back.
func (p *patient) execute(t testing.TB, statement string, _ ...any) {
	t.Helper()
	p.exec(statement)
}

// ago is a moment as SQL.
func (p *patient) ago(d time.Duration) string {
	at := time.Now().Add(-d)
	if p.schema == "" {
		return fmt.Sprint(at.UnixMicro())
	}
	return "'" + at.UTC().Format(time.RFC3339Nano) + "'"
}

func (p *patient) pay(customer string) lifecycle.Fulfillment {
	p.Helper()
	return p.payFor(customer, "ref-"+customer)
}

func (p *patient) payFor(customer, ref string) lifecycle.Fulfillment {
	p.Helper()
	f, err := p.keeper.Admission.FulfillCheckout(p.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: ref, CustomerID: customer, Plan: "chat10"})
	p.must(err)
	return f
}

func (p *patient) later(customer string) {
	p.Helper()
	start := time.Now().Add(time.Hour)
	_, err := p.keeper.Admission.FulfillCheckout(p.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "video15", StartsAt: &start})
	p.must(err)
}

func (p *patient) accept(f lifecycle.Fulfillment) {
	p.Helper()
	_, err := p.keeper.Queue.Accept(p.Context(), f.RequestID, "mia")
	p.must(err)
}

func (p *patient) join(f lifecycle.Fulfillment, role curfew.Role, id string) {
	p.Helper()
	_, err := p.keeper.Sessions.Join(p.Context(), f.SessionID, curfew.Actor{Role: role, ID: id})
	p.must(err)
}

func (p *patient) held(ref string) {
	p.Helper()
	p.must(p.keeper.Payments.Receive(p.Context(), storetest.Report{
		Ref: ref, PaymentID: "pi-" + ref, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}.Notice()))
}

// refund makes a customer's payment refund due, with such columns.
func (p *patient) refund(customer, columns string) {
	p.Helper()
	p.pay(customer)
	_, err := p.keeper.Checkouts.RefundCheckout(p.Context(), curfew.Actor{Role: curfew.Admin, ID: "me"}, "ref-"+customer, "as asked")
	p.must(err)
	p.exec(`UPDATE {checkouts} SET ` + columns)
}

// delivery is a message to somebody, as it stands since a moment.
func (p *patient) delivery(state, since string) {
	p.Helper()
	const id = someID
	p.exec(`INSERT INTO {deliveries} (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, state, next_at, created_at, updated_at)
		SELECT 'kim', '` + id + `', '` + id + `', '` + id + `', 1, 'webhook', 'lane', 'there', 'session.created', '', ` + state + `, ` + since + `, ` + since + `, ` + since)
}

// old makes a session an hour overdue.
func (p *patient) old(f lifecycle.Fulfillment) {
	p.Helper()
	p.exec(`UPDATE {sessions} SET created_at = ` + p.ago(2*time.Hour) + `, expires_at = ` + p.ago(time.Hour) + ` WHERE id = '` + f.SessionID + `'`)
}
