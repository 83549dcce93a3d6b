package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres/pgtest"
	"github.com/curfewhq/curfew/server"
)

// illness is a way to bring about a finding, and what its fix is to do.
type illness struct {
	bring  func(p *patient)
	mended bool   // the finding is gone after the fix
	says   string // otherwise the fix answers with this
}

var illnesses = map[lifecycle.Code]illness{
	lifecycle.Unreadable: {func(p *patient) { p.exec(`ALTER TABLE {mechanic_slots} RENAME TO slots`) }, false, "✗ schema"},
	lifecycle.NotWritable: {func(p *patient) {
		p.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
		p.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}, false, "default_transaction_read_only"},
	lifecycle.AdmissionsFailing: {func(p *patient) {
		p.exec(`ALTER TABLE {checkouts} RENAME TO gone`)
		_, err := p.engine.FulfillCheckout(p.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
			lifecycle.Purchase{PaymentRef: "ref", CustomerID: "kim", Plan: "chat10"})
		if err == nil {
			p.Error("it was admitted")
		}
		p.exec(`ALTER TABLE {gone} RENAME TO checkouts`)
	}, false, "✓ connection"},
	lifecycle.SchemaLacking:     {func(p *patient) { p.exec(`DROP INDEX {runs_newest}`) }, false, "runs_newest"},
	lifecycle.VeryStaleSessions: {func(p *patient) { p.old(p.pay("kim")) }, true, ""},
	lifecycle.StaleSessions:     {func(p *patient) { p.old(p.pay("kim")) }, true, ""},
	lifecycle.StaleRequests:     {func(p *patient) { p.old(p.pay("kim")) }, true, ""},
	lifecycle.CleanupFailed: {func(p *patient) {
		p.exec(`INSERT INTO {runs} (id, trigger, actor, finished_at, outcome) VALUES ('019ab000-0000-7000-8000-000000000000', 'command', 'admin:me', ` +
			p.ago(time.Second) + `, 'failed')`)
	}, true, ""},
	lifecycle.SweeperSilent:  {func(p *patient) { p.pay("kim") }, false, `"success":true`}, // it is on, and never runs
	lifecycle.MoneyUnsettled: {func(p *patient) { p.held("ref-held") }, false, "ref-held"},
	lifecycle.RefundFailing:  {func(p *patient) { p.refund("kim", `attempts = 7`) }, false, "refund_due"},
	lifecycle.RefundsOverdue: {func(p *patient) { p.refund("kim", `first_try_at = `+p.ago(3*time.Hour)) }, false, "refund_due"},
	lifecycle.PaymentsDisputed: {func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {checkouts} SET disputed_at = ` + p.ago(time.Hour))
	}, false, "ref-kim"},
	lifecycle.DeliveriesDying:   {func(p *patient) { p.delivery(`'dead'`, p.ago(time.Minute)) }, false, "dead"},
	lifecycle.DeliveriesOverdue: {func(p *patient) { p.delivery(`'pending'`, p.ago(5*time.Hour)) }, false, "pending"},
	lifecycle.EndpointDisabled: {func(p *patient) {
		p.exec(`INSERT INTO {webhook_endpoints} (id, url, secret, enabled, disabled_reason)
			VALUES ('019ab000-0000-7000-8000-000000000000', 'https://there.example', 'whsec_', false, 'it answers 500')`)
	}, false, "there.example"},
	lifecycle.OrphanedSessions: {func(p *patient) {
		f := p.pay("kim")
		p.exec(`UPDATE {session_requests} SET status = 'expired', ended_at = ` + p.ago(time.Hour))
		p.old(f)
	}, true, ""},
	lifecycle.OverdueAssigned: {func(p *patient) {
		f := p.pay("kim")
		p.accept(f)
		p.old(f)
	}, true, ""},
	lifecycle.OverdueLive: {func(p *patient) {
		f := p.pay("kim")
		p.accept(f)
		p.join(f, curfew.Customer, "kim")
		p.join(f, curfew.Mechanic, "mia")
		p.old(f)
	}, true, ""},
	lifecycle.OverdueScheduled: {func(p *patient) {
		p.later("kim")
		p.exec(`UPDATE {sessions} SET starts_at = ` + p.ago(time.Hour) + `, expires_at = ` + p.ago(time.Hour))
	}, true, ""},
	lifecycle.LeakedSlots: {func(p *patient) {
		p.exec(`INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id) VALUES ('mia', 'kim', '019ab000-0000-7000-8000-000000000000')`)
	}, false, "guards are on"},
	lifecycle.BlockedRepeatedly: {func(p *patient) {
		f := p.pay("o'neil & sons/1")
		for range 3 {
			p.must(p.db.Refuse(p.Context(), "o'neil & sons/1", f.SessionID))
		}
	}, false, `"blocked":true`},
	lifecycle.QueueUnwatched: {func(p *patient) {
		p.pay("kim")
		p.exec(`UPDATE {session_requests} SET created_at = ` + p.ago(10*time.Minute))
	}, false, `"customerName"`},
	lifecycle.GuardsMissing: {func(p *patient) {
		p.exec(map[string]string{"": `DROP TRIGGER guard_events_kept`, "curfew.": `DROP TRIGGER guard_events_kept ON curfew.events`}[p.schema])
	}, true, ""},
}

// Each finding comes with a line to paste. Pasted, it mends what it can, and
// otherwise shows what a person must decide.
func TestEveryFixCanBePasted(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	for _, code := range lifecycle.Codes() {
		ill, ok := illnesses[code]
		if !ok {
			// The one fix sets this machine's clock; the other is tried by TestServe_ItsKeyServerIsDown.
			if code != lifecycle.ClockSkew && code != lifecycle.KeysUnreachable {
				t.Errorf("nobody tries the fix of %s", code)
			}
			continue
		}
		for _, kind := range kinds(code) {
			t.Run(string(code)+" on "+kind, func(t *testing.T) {
				t.Parallel()
				p := admit(t, kind)
				ill.bring(p)
				fix := p.finding(code)
				if fix == "" {
					t.Fatalf("health does not find it: %+v", p.health().Problems)
				}
				out := p.paste(fix)
				if !strings.Contains(out, ill.says) {
					t.Errorf("%s\nsays no %q:\n%s", fix, ill.says, out)
				}
				if still := p.finding(code) != ""; still == ill.mended {
					t.Errorf("after %s it is there: %t\n%s", fix, still, out)
				}
			})
		}
	}
}

// kinds is where a fix is tried: a call is the same on every store, a command is
// not.
func kinds(code lifecycle.Code) []string {
	if slices.Contains([]lifecycle.Code{lifecycle.Unreadable, lifecycle.SchemaLacking, lifecycle.LeakedSlots, lifecycle.GuardsMissing}, code) {
		return []string{"postgres", "sqlite"}
	}
	return []string{"postgres"}
}

// patient is a service whose sweeper is on and does nothing, over a database
// behind whose back things happen.
type patient struct {
	*testing.T
	db     database
	engine *lifecycle.Engine
	handle http.Handler
	behind *sql.DB
	url    databaseURL
	at     string // the service's address
	dir    string
	schema string
}

func admit(t *testing.T, kind string) *patient {
	t.Helper()
	p := &patient{T: t, dir: t.TempDir()}
	driver, source := "sqlite", "file:"+filepath.Join(p.dir, "curfew.db")+"?_pragma=busy_timeout(30000)"
	p.url = databaseURL("sqlite:" + filepath.Join(p.dir, "curfew.db"))
	if kind == "postgres" {
		p.schema, driver, source = "curfew.", "pgx", pgtest.Database(t)
		p.url = databaseURL(source)
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
	_, err = p.db.Migrate(t.Context())
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
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.handle.ServeHTTP(w, r) }))
	p.Cleanup(here.Close)
	svc := &service{db: p.db, log: s.logger(os.Stderr, 0), url: here.URL, front: &front{}}
	svc.hints = &hints{post: p.db.post(svc.log)}
	p.must(svc.build(context.WithoutCancel(p.Context()), s, policy))
	p.engine, p.handle, p.at = svc.engine, svc.public.Handler, here.URL
}

func (p *patient) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *patient) health() api.Health {
	p.Helper()
	return server.HealthJSON(p.engine.Health(p.Context()), "test", p.at)
}

// finding is the fix of a finding; empty: there is none.
func (p *patient) finding(code lifecycle.Code) string {
	p.Helper()
	h := p.health()
	i := slices.IndexFunc(h.Findings, func(f api.HealthFinding) bool { return f.Code == string(code) })
	if i < 0 {
		return ""
	}
	if len(h.Recommendations) != len(h.Findings) || h.Recommendations[i] != h.Findings[i].Fix {
		p.Errorf("recommendations are %v", h.Recommendations)
	}
	return h.Findings[i].Fix
}

// paste runs a line where the service's key lies. Only preflight may answer with
// something else than success.
func (p *patient) paste(line string) string {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), "bash", "-euo", "pipefail", "-c", strings.Replace(line, "curl ", "curl --silent --show-error --fail-with-body ", 1))
	cmd.Dir, cmd.Env = p.dir, append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+string(p.url), "CURFEW_AUTH_KEY_FILE=curfew.key")
	out, err := cmd.CombinedOutput()
	if err != nil && line != "curfew preflight" {
		p.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func (p *patient) exec(statement string) {
	p.Helper()
	statement = strings.NewReplacer("{", p.schema, "}", "").Replace(statement)
	if _, err := p.behind.ExecContext(p.Context(), statement); err != nil {
		p.Fatalf("%s: %v", statement, err)
	}
}

// ago is a moment as SQL.
func (p *patient) ago(d time.Duration) string {
	at := time.Now().Add(-d)
	if p.schema == "" {
		return fmt.Sprint(at.UnixMicro())
	}
	return "'" + at.UTC().Format(time.RFC3339Nano) + "'"
}

func (p *patient) pay(customer string) lifecycle.Fulfilment {
	p.Helper()
	f, err := p.engine.FulfillCheckout(p.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "chat10"})
	p.must(err)
	return f
}

func (p *patient) later(customer string) {
	p.Helper()
	start := time.Now().Add(time.Hour)
	_, err := p.engine.FulfillCheckout(p.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "video15", StartsAt: &start})
	p.must(err)
}

func (p *patient) accept(f lifecycle.Fulfilment) {
	p.Helper()
	_, err := p.engine.Accept(p.Context(), f.RequestID, "mia")
	p.must(err)
}

func (p *patient) join(f lifecycle.Fulfilment, role curfew.Role, id string) {
	p.Helper()
	_, err := p.engine.Join(p.Context(), f.SessionID, curfew.Actor{Role: role, ID: id})
	p.must(err)
}

func (p *patient) held(ref string) {
	p.Helper()
	p.must(p.engine.Receive(p.Context(), curfew.Notice{Kind: curfew.NoticePaid, Payment: curfew.Payment{
		Ref: ref, PaymentID: "pi-" + ref, Plan: "gold", Amount: 2900, Currency: "eur", Paid: true,
	}}))
}

// refund makes a customer's payment refund due, with such columns.
func (p *patient) refund(customer, columns string) {
	p.Helper()
	p.pay(customer)
	_, err := p.engine.RefundCheckout(p.Context(), curfew.Actor{Role: curfew.Admin, ID: "me"}, "ref-"+customer, "as asked")
	p.must(err)
	p.exec(`UPDATE {checkouts} SET ` + columns)
}

// delivery is a message to somebody, as it stands since a moment.
func (p *patient) delivery(state, since string) {
	p.Helper()
	const id = "019ab000-0000-7000-8000-000000000000"
	p.exec(`INSERT INTO {deliveries} (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, state, next_at, created_at, updated_at)
		SELECT 'kim', '` + id + `', '` + id + `', '` + id + `', 1, 'webhook', 'lane', 'there', 'session.created', '', ` + state + `, ` + since + `, ` + since + `, ` + since)
}

// old makes a session an hour overdue.
func (p *patient) old(f lifecycle.Fulfilment) {
	p.Helper()
	p.exec(`UPDATE {sessions} SET created_at = ` + p.ago(2*time.Hour) + `, expires_at = ` + p.ago(time.Hour) + ` WHERE id = '` + f.SessionID + `'`)
}
