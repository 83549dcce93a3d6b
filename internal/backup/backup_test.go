package backup_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestABackupComesBackByteForByte(t *testing.T) {
	t.Parallel()
	for from, source := range stores.Each() {
		for to, target := range stores.Each() {
			t.Run("from "+from+" into "+to, func(t *testing.T) {
				t.Parallel()
				old := source(t)
				inhabit(t, old)
				first := save(t, old)

				fresh := target(t)
				must(t, restore(t, first, fresh))
				second := save(t, fresh)
				sameFiles(t, first, second)
				storetest.CheckInvariants(t, fresh)
				sameHealth(t, old, fresh)
				guarded(t, fresh)
			})
		}
	}
}

// A database in its sixth hour: every outcome, standing and kind of row.
func inhabit(t *testing.T, h storetest.Harness) {
	t.Helper()
	e := keeper(t, h)
	ctx := t.Context()
	pay := func(customer, ref string) lifecycle.Fulfillment {
		t.Helper()
		amount := int64(2900)
		f, err := e.Admission.FulfillCheckout(ctx, shop, lifecycle.Purchase{
			PaymentRef: ref, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur",
			Name: "Käthe <b>\u2028\"\\ 🛠", Email: customer + "@example.org",
			Metadata: map[string]string{"z": "1", "a": "é", "line": "two\nlines"}, PaymentID: "pi-" + ref,
		})
		must(t, err)
		return f
	}
	for _, customer := range []string{"Zoë", "anna", "Änne", "bea", "_c", "d-1"} { // sorts apart by language and by bytes
		pay(customer, "ref-"+customer)
	}
	pay("anna", "ref-deferred")
	live := pay("live", "ref-live")
	accept(t, e, live, "mia")
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "live"}, {Role: curfew.Mechanic, ID: "mia"}} {
		_, err := e.Sessions.Join(ctx, live.SessionID, who)
		must(t, err)
	}
	accept(t, e, pay("accepted", "ref-accepted"), "max")
	start := time.Now().Add(30 * time.Hour)
	_, err := e.Admission.FulfillCheckout(ctx, shop, lifecycle.Purchase{PaymentRef: "ref-later", CustomerID: "later", Plan: "video15", StartsAt: &start})
	must(t, err)
	_, err = e.Admission.CreateSession(ctx, curfew.Actor{Role: curfew.Customer, ID: "free"}, lifecycle.NewSession{Plan: "free", CustomerID: "free", Key: "k-1"})
	must(t, err)
	_, err = e.Admission.CreateSession(ctx, curfew.Actor{Role: curfew.Customer, ID: "free"}, lifecycle.NewSession{Plan: "free", CustomerID: "free"})
	if !errors.Is(err, curfew.SessionOpen) {
		t.Fatalf("the second session was not refused: %v", err)
	}
	must(t, e.Payments.Receive(ctx, storetest.Report{
		Ref: "ref-held", PaymentID: "pi-held", Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}.Notice()))
	_, err = e.Checkouts.RefundCheckout(ctx, curfew.Actor{Role: curfew.Admin, ID: "anna"}, "ref-bea", "she asked")
	must(t, err)
	h.Exec(t, "INSERT INTO "+h.Schema+"payment_repayments (payment_id, amount, currency) VALUES ('pi-old', 100, 'eur')")
	_, err = h.Store.Report(ctx, record.PaymentReport{
		Provider: "stripe", Account: "acct_1", References: []string{"cs-1", "pi-1"}, Name: "pi-1", Reason: "told", Actor: curfew.Provider,
		Facts: []curfew.Fact{{Kind: "attempt", Object: "ch-1", State: "captured", Amount: 2900, Currency: "eur", At: time.Now()}},
	})
	must(t, err)
	must(t, h.Store.KeepMessage(ctx, record.ProviderMessage{Provider: "stripe", ID: "evt-1", Type: "payout.paid", Body: "{}", Reason: "of no use", At: time.Now()}))
	h.Exec(t, "INSERT INTO "+h.Schema+"unsubscriptions (address_hash, kind, at) SELECT 'ab12', 'accepted', created_at FROM "+h.Schema+"checkouts LIMIT 1")
	h.Exec(t, "INSERT INTO "+h.Schema+`deliveries (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, next_at, created_at, updated_at)
		SELECT customer_id, id, id, subject_id, number, 'webhook', 'lane', 'there', 'session.created', '{}', at, at, at FROM `+h.Schema+"events WHERE number = 1")
	for _, key := range []string{"NULL, NULL, NULL, NULL, NULL, NULL", "'de-', 'sessions stream', 5000, 'eur', created_at, created_at"} {
		h.Exec(t, "INSERT INTO "+h.Schema+`api_keys (id, name, hash, customer_prefix, routes, max_amount, max_currency, expires_at, used_at, created_at, created_by)
			SELECT $1, 'shop', $2, `+key+", created_at, 'admin:anna' FROM "+h.Schema+"checkouts LIMIT 1", uuid.NewString(), strings.Repeat("a", 64))
	}
	for _, what := range []string{"'token', 'jti-1'", "'subject', 'customer:Zoë'"} {
		h.Exec(t, "INSERT INTO "+h.Schema+"revocations (noun, name, at, actor) SELECT "+what+", created_at, 'admin:anna' FROM "+h.Schema+"checkouts LIMIT 1")
	}
	h.Exec(t, "INSERT INTO "+h.Schema+`audit_links (number, batch, first_entry, last_entry, lost, at, hash)
		SELECT 1, id, 1, 1, 0, created_at, 'ab12' FROM `+h.Schema+"checkouts LIMIT 1")
	h.Exec(t, "INSERT INTO "+h.Schema+`audit_entries (number, at, actor, action, via, status, request_id, commitment)
		SELECT 1, created_at, 'admin:anna', 'explain', 'api', 200, 'r-1', 'cd34' FROM `+h.Schema+"checkouts LIMIT 1")
	h.Exec(t, "INSERT INTO "+h.Schema+"audit_subjects (number, subject, object, detail, salt) VALUES (1, 'Zoë', '', '', 'ef56')")
	h.Exec(t, "INSERT INTO "+h.Schema+`erasures (id, customer_id, pseudonym, version, held, actor, reason, planned_at, erased_at)
		SELECT id, 'gone', '', 3, '{"events": 3}', 'admin:anna', 'asked for', created_at, created_at FROM `+h.Schema+"checkouts LIMIT 1")
	h.Exec(t, "INSERT INTO "+h.Schema+`absences (mechanic_id, session_id, number, customer_id, at)
		SELECT 'max', id, 3, customer_id, created_at FROM `+h.Schema+"sessions LIMIT 1")
	for range 3 {
		h.Age(t, pay("loop", "ref-loop-"+fmt.Sprint(time.Now().UnixNano())).SessionID, 25*time.Minute)
	}
	_, err = e.Cleanups.RunCleanup(ctx, lifecycle.Cleanup{Trigger: curfew.ByCommand, Actor: shop, Reason: "every hour"})
	must(t, err)
}

func accept(t *testing.T, e *lifecycle.Keeper, f lifecycle.Fulfillment, mechanic string) {
	t.Helper()
	_, err := e.Queue.Accept(t.Context(), f.RequestID, mechanic)
	must(t, err)
}

// What is written while a backup is taken is not in it, in no table.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			inhabit(t, h)
			before, during := save(t, h), filepath.Join(t.TempDir(), "during")
			late := source{saved(t, h), func() {
				_, err := keeper(t, h).Admission.FulfillCheckout(t.Context(), shop, lifecycle.Purchase{PaymentRef: "late", CustomerID: "late", Plan: "chat10"})
				must(t, err)
			}}
			m, err := backup.Write(t.Context(), during, late, backup.Options{})
			must(t, err)
			sameFiles(t, before, during)
			if off := time.Since(m.TakenAt).Abs(); off > time.Hour {
				t.Errorf("taken %s ago", off)
			}
			must(t, restore(t, during, open(t)))
		})
	}
}

// source lets something happen after the first table.
type source struct {
	backup.Source
	happen func()
}

func (s source) Dump(ctx context.Context, tables []record.Table, save func(record.Table, backup.Rows) error) (time.Time, error) {
	first := true
	return s.Source.Dump(ctx, tables, func(t record.Table, rows iter.Seq2[[]any, error]) error {
		err := save(t, rows)
		if first {
			s.happen()
		}
		first = false
		return err
	})
}

func TestABadBackupIsRefusedAndNothingIsRestored(t *testing.T) {
	t.Parallel()
	from := stores.SQLite(t)
	inhabit(t, from)
	original := save(t, from)
	for sentence, c := range map[string]struct {
		corrupt func(t *testing.T, dir string)
		want    string
	}{
		"a changed letter":             {change("checkouts.jsonl", "2900", "2901"), "checkouts.jsonl of DIR is damaged"},
		"a file that is cut":           {cut("events.jsonl"), "events.jsonl of DIR is cut off"},
		"a line too many":              {add("sessions.jsonl", "{}\n"), "sessions.jsonl of DIR is damaged"},
		"a file that is missing":       {remove("session_requests.jsonl"), "DIR lacks session_requests.jsonl"},
		"no manifest":                  {remove("manifest.json"), "DIR has no manifest.json: it is no backup, or one that was not finished"},
		"a manifest that is cut":       {cut("manifest.json"), "DIR/manifest.json is damaged"},
		"a newer format":               {change("manifest.json", `"format": 1`, `"format": 2`), "has format 2, which this release does not know"},
		"a newer table":                {change("manifest.json", `"name": "refusals"`, `"name": "moods"`), `has a table "moods"`},
		"a newer column":               {change("manifest.json", `"end_reason"`, `"mood"`), `has a column "mood" of sessions`},
		"a value that the tables lack": {forge("sessions.jsonl", `"kind":"chat"`, `"kind":"dance"`), "restore DIR"},
		"a value of another kind":      {forge("sessions.jsonl", `"version":1`, `"version":"one"`), "sessions.jsonl line 1: version"},
	} {
		for name, open := range stores.Each() {
			t.Run(sentence+" for "+name, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "copy")
				must(t, os.CopyFS(dir, os.DirFS(original)))
				c.corrupt(t, dir)
				h := open(t)
				err := restore(t, dir, h)
				if want := strings.ReplaceAll(c.want, "DIR", dir); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
				if n := h.Query(t, "SELECT count(*) FROM "+h.Schema+"checkouts")[0][0]; n != "0" {
					t.Errorf("%s checkouts came in", n)
				}
				guarded(t, h)
			})
		}
	}
}

func TestABackupGoesIntoAnEmptyDatabaseOnly(t *testing.T) {
	t.Parallel()
	dir := save(t, stores.SQLite(t))
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			must(t, h.Store.Refuse(t.Context(), "kim", "019ab000-0000-7000-8000-000000000000"))
			err := restore(t, dir, h)
			if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "refusals has rows") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestABackupIsWrittenIntoAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	h := stores.SQLite(t)
	dir := save(t, h)
	_, err := backup.Write(t.Context(), dir, saved(t, h), backup.Options{})
	if !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("got %v", err)
	}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		if others := info.Mode().Perm() & 0o077; others != 0 {
			t.Errorf("others may use %s: %v", path, info.Mode())
		}
		return err
	}))
}

// What was broken on the way leaves no manifest, so nobody takes it for a backup.
func TestAnUnfinishedBackupIsNone(t *testing.T) {
	t.Parallel()
	h := stores.SQLite(t)
	dir := filepath.Join(t.TempDir(), "half")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := backup.Write(ctx, dir, source{saved(t, h), cancel}, backup.Options{})
	if err == nil {
		t.Fatal("it was finished")
	}
	if _, err := backup.Open(dir); !errors.Is(err, curfew.NotFound) {
		t.Errorf("opened: %v", err)
	}
}

// A backup of an earlier release has fewer columns: the defaults stand for them.
func TestABackupOfAnEarlierReleaseComesBack(t *testing.T) {
	t.Parallel()
	from := stores.SQLite(t)
	inhabit(t, from)
	original := save(t, from)
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "earlier")
			must(t, os.CopyFS(dir, os.DirFS(original)))
			rewrite(t, dir, "checkouts.jsonl", func(line string) string { return line[:strings.LastIndex(line, `,"note"`)] + "}" })
			edit(t, filepath.Join(dir, "manifest.json"), func(s string) string {
				for _, column := range []string{"note", "line_of", "line", "starts_at", "extends", "concern", "capture", "at_risk"} {
					s = strings.Replace(s, ",\n        \""+column+"\"", "", 1)
				}
				return s
			})
			h := open(t)
			must(t, restore(t, dir, h))
			storetest.CheckInvariants(t, h)
		})
	}
}

// Every table and column of a schema is in the backup, or left out by name.
func TestEveryColumnIsInTheBackup(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]struct {
		open func(testing.TB) storetest.Harness
		sql  string
	}{
		"sqlite": {stores.SQLite, `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*'`},
		"postgres": {stores.Postgres, `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'curfew'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := look.open(t)
			made := append(record.TablesLeftOut(), "curfew_migrations", "session_transitions", "outcome_steps")
			var want, got []string
			for _, row := range h.Query(t, look.sql) {
				if !slices.Contains(made, row[0]) {
					got = append(got, row[0]+"."+row[1])
				}
			}
			for _, table := range record.Tables() {
				for _, c := range table.Columns {
					want = append(want, table.Name+"."+c.Name)
				}
			}
			if diff := gocmp.Diff(want, got, cmpopts.SortSlices(cmp.Less[string])); diff != "" {
				t.Errorf("curfew.Tables differs from the schema: write new columns into table.go (-table.go +schema):\n%s", diff)
			}
		})
	}
}

var shop = curfew.Actor{Role: curfew.Service, ID: "shop"}

func keeper(t *testing.T, h storetest.Harness) *lifecycle.Keeper {
	t.Helper()
	e, err := lifecycle.New(h.Store, lifecycle.Options{})
	must(t, err)
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved is a harness's store as what is backed up.
func saved(t *testing.T, h storetest.Harness) backup.Source {
	t.Helper()
	from, ok := h.Store.(backup.Source)
	if !ok {
		t.Fatalf("%T cannot be backed up", h.Store)
	}
	return from
}

func save(t *testing.T, h storetest.Harness) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "backup")
	_, err := backup.Write(t.Context(), dir, saved(t, h), backup.Options{Version: "test", Schema: 1})
	must(t, err)
	return dir
}

func restore(t *testing.T, dir string, h storetest.Harness) error {
	t.Helper()
	b, err := backup.Open(dir)
	if err != nil {
		return err
	}
	defer func() { must(t, b.Close()) }()
	to, ok := h.Store.(backup.Target)
	if !ok {
		t.Fatalf("nothing can be restored into %T", h.Store)
	}
	return b.Restore(t.Context(), to, nil)
}

// sameFiles compares two backups, but for the moment in the manifest.
func sameFiles(t *testing.T, one, other string) {
	t.Helper()
	for _, table := range record.Tables() {
		a, b := text(t, one, table.Name+".jsonl"), text(t, other, table.Name+".jsonl")
		if a == "" {
			t.Errorf("%s has no row: nothing is proven", table.Name)
		}
		if diff := gocmp.Diff(strings.Split(a, "\n"), strings.Split(b, "\n")); diff != "" {
			t.Errorf("%s differs:\n%s", table.Name, diff)
		}
	}
	var a, b backup.Manifest
	must(t, json.Unmarshal([]byte(text(t, one, "manifest.json")), &a))
	must(t, json.Unmarshal([]byte(text(t, other, "manifest.json")), &b))
	if diff := gocmp.Diff(a.Tables, b.Tables); diff != "" {
		t.Errorf("the manifests differ:\n%s", diff)
	}
}

func text(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return string(text)
}

// sameHealth: what is tallied was counted again.
func sameHealth(t *testing.T, one, other storetest.Harness) {
	t.Helper()
	a, b := keeper(t, one).Health.Report(t.Context()), keeper(t, other).Health.Report(t.Context())
	if diff := gocmp.Diff([]any{a.Sessions, a.Requests.ByStatus, a.Checkouts.ByOutcome, a.Mechanics, a.Repeated},
		[]any{b.Sessions, b.Requests.ByStatus, b.Checkouts.ByOutcome, b.Mechanics, b.Repeated}); diff != "" {
		t.Errorf("health differs:\n%s", diff)
	}
}

// guarded: no guard is missing, and no trigger is off.
func guarded(t *testing.T, h storetest.Harness) {
	t.Helper()
	missing, err := h.Store.GuardsMissing(t.Context())
	must(t, err)
	if len(missing) > 0 {
		t.Errorf("guards are missing: %v", missing)
	}
	must(t, h.Store.Verify(t.Context()))
}

// Ways to corrupt a copy.

func edit(t *testing.T, path string, how func(string) string) {
	t.Helper()
	before, err := os.ReadFile(path)
	must(t, err)
	after := how(string(before))
	if after == string(before) {
		t.Fatalf("%s stays as it is", path)
	}
	must(t, os.WriteFile(path, []byte(after), 0o600))
}

func change(file, from, to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		edit(t, filepath.Join(dir, file), func(s string) string { return strings.Replace(s, from, to, 1) })
	}
}

func cut(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		edit(t, filepath.Join(dir, file), func(s string) string { return s[:len(s)/2] })
	}
}

func add(file, more string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		edit(t, filepath.Join(dir, file), func(s string) string { return s + more })
	}
}

func remove(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		must(t, os.Remove(filepath.Join(dir, file)))
	}
}

// forge changes every line, and the checksum with them.
func forge(file, from, to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		rewrite(t, dir, file, func(line string) string { return strings.Replace(line, from, to, 1) })
	}
}

func rewrite(t *testing.T, dir, file string, how func(line string) string) {
	t.Helper()
	edit(t, filepath.Join(dir, file), func(s string) string {
		var lines strings.Builder
		for line := range strings.Lines(s) {
			lines.WriteString(how(strings.TrimSuffix(line, "\n")) + "\n")
		}
		return lines.String()
	})
	sign(t, dir, file)
}
