package adopt

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/pgtest"
)

var updateMappings = flag.Bool("update", false, "rewrite the mappings in testdata")

// fixtures are the tables of sessions in testdata, by the name of their file.
var fixtures = map[string]string{
	"live_help":    "public.sessions",
	"telehealth":   "public.telehealth_consultations",
	"astrology":    "public.consultations",
	"video_visits": `public."Consultation"`,
	"mentors":      `public."Booking"`,
	"doctors":      "public.consultations",
	"courts":       "public.bookings",
	"numbers":      "public.e_consultation",
	"lookup":       "public.tickets",
	"soft_deletes": "public.lessons",
	"desk":         "care_desk.help_calls",
}

// marketplace is a database with nothing but an app's tables.
func marketplace(t *testing.T, fixture string) (url string, conn *pgx.Conn) {
	t.Helper()
	sql, err := os.ReadFile(filepath.Join("testdata", fixture+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	url = pgtest.Database(t) + "&timezone=UTC"
	conn, err = pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	run(t, conn, string(sql))
	return url, conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func inspected(t *testing.T, url, relation string) *Inspection {
	t.Helper()
	found, err := Inspect(t.Context(), url, relation)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// passing is what a mapping's comments say of the time of the test.
var passing = regexp.MustCompile(`\d{4}-\d\d-\d\d|\d+h\d*m?|\d+m before|\d+s before`)

func TestEveryTableIsMapped(t *testing.T) {
	t.Parallel()
	for fixture, relation := range fixtures {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			url, conn := marketplace(t, fixture)
			found := inspected(t, url, relation)
			got := unwrap(passing.ReplaceAllString(found.YAML, "…"))
			golden := filepath.Join("testdata", fixture+".yaml")
			if *updateMappings {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("go test ./internal/adopt -update rewrites the mapping\n%s", diff)
			}
			checkMapping(t, conn, found)
		})
	}
}

// unwrap joins the lines of a comment, which break elsewhere when a number has another length.
func unwrap(yaml string) string {
	var lines []string
	for line := range strings.Lines(yaml) {
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	for i := 1; i < len(lines); i++ {
		before, after := strings.TrimLeft(lines[i-1], " "), strings.TrimLeft(lines[i], " ")
		if strings.HasPrefix(before, "# ") && strings.HasPrefix(after, "# ") {
			lines[i-1] += after[1:]
			lines = slices.Delete(lines, i, i+1)
			i--
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// checkMapping checks that a mapping is read back as it is, and fits its table.
func checkMapping(t *testing.T, conn *pgx.Conn, found *Inspection) {
	t.Helper()
	tables, err := mapping.Parse([]byte(found.YAML))
	if err != nil {
		t.Fatalf("%v in\n%s", err, found.YAML)
	}
	plain, err := found.Mapping.Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mapping.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, tables); diff != "" {
		t.Errorf("the comments change the mapping: %s", diff)
	}
	setting, err := json.Marshal(found.Adopt)
	if err != nil {
		t.Fatal(err)
	}
	if fromJSON, err := mapping.Parse(setting); err != nil || !cmp.Equal(fromJSON, tables) {
		t.Errorf("as JSON it is another mapping: %v, %s", err, setting)
	}
	checkFits(t, conn, found)
	plan, err := readPlan(t.Context(), conn, tables[0], curfew.DefaultPolicy(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range plan.Ends {
		if end.Wrong != "" {
			t.Errorf("the plan refuses the ending for %s: %s", end.Rule, end.Wrong)
		}
	}
}

func checkFits(t *testing.T, conn *pgx.Conn, found *Inspection) {
	t.Helper()
	problems, err := Fit(t.Context(), conn, found.Mapping)
	if err != nil || len(problems) > 0 {
		t.Errorf("the mapping does not fit its table: %v, %v", problems, err)
	}
}

// Without rows, a mapping is guessed from names and constraints. It says so, and fits all the same.
func TestEmptyTablesAreMapped(t *testing.T) {
	t.Parallel()
	for fixture, relation := range fixtures {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			url, conn := marketplace(t, fixture)
			run(t, conn, "TRUNCATE "+relation+" CASCADE")
			found := inspected(t, url, relation)
			checkMapping(t, conn, found)
			if found.Rows != 0 || !noticed(found.Decide, "status", "the table has no rows") {
				t.Errorf("%d rows, and %v", found.Rows, found.Decide)
			}
			for _, s := range found.Statuses {
				if s.Rows != 0 || s.Source == "rows" {
					t.Errorf("a status is counted: %+v", s)
				}
			}
		})
	}
}

func noticed(notices []Notice, part, text string) bool {
	return slices.ContainsFunc(notices, func(r Notice) bool { return r.Part == part && strings.Contains(r.Text, text) })
}

func TestWhatAPersonMustDecideIsSaid(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string][]Notice{
		"live_help": {
			{"mechanic.accepted", "mechanic_id is set in 3 of 9 rows with status waiting: that counts as accepted"},
			{"duration", "duration_minutes is left out"},
			{"end.expired", "cancelled ends it, because no row has expired"},
		},
		"telehealth": {
			{"customer", "nurse_id is the customer, because policy nurse_makes lets only its own user insert a row; there is patient_id, too"},
			{"status.waiting", "accepted counts as waiting, because started_at is NULL in 4 of 4 rows and doctor_id is set in 4 of 4 rows"},
		},
		"astrology": {
			{"mechanic.accepted", "astrologer_id is never NULL"},
			{"times.zone", "so they are +05:30 ahead of UTC"},
			{"duration.unit", "duration is from 15 to 60, which is taken for minutes"},
		},
		"video_visits": {
			{"mechanic.accepted", "practitionerId is set in 7 of 7 rows with status WAITING"},
			{"times.entered", "no column says when a scheduled session began to wait"},
			{"end.overran", "no column says how long"},
		},
		"mentors": {{"end.missed", "no status says that a session is live"}},
		"doctors": {{"payment", "payments are in public.payments, by consultation_id"}},
		"courts":  {{"customer", "the customer is an e-mail address"}, {"mechanic", "no column says who serves"}},
		"numbers": {
			{"customer", "online_patient_id is set in 66 rows and offline_patient_id in 32, never both"},
			{"status.waiting", "1 counts as waiting, because a new row begins with it: 14 rows"},
			{"status.other", "nothing says what 5 means: 14 rows"},
			{"status.other", "link set in 14"},
			{"end", "no word for sessions that are cancelled is known"},
		},
		"lookup":       {{"status.waiting", "20 (Assigned) counts as waiting"}},
		"soft_deletes": {{"status.other", "1 row has no status at all, but NULL"}, {"payment", "nothing says which provider transaction_ref belongs to"}},
		"desk":         {{"status.waiting", "active counts as waiting, because started_at is NULL in 8 of 8 rows"}, {"end.expired", "dropped is a guess"}},
	} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			url, _ := marketplace(t, fixture)
			found := inspected(t, url, fixtures[fixture])
			for _, r := range want {
				if !noticed(found.Decide, r.Part, r.Text) {
					t.Errorf("%s: %q is not among %v", r.Part, r.Text, found.Decide)
				}
			}
			for _, r := range found.Decide {
				if first, _, _ := strings.Cut(r.Text, " "); !strings.Contains(found.YAML, "# "+first) {
					t.Errorf("no comment says %q", r.Text)
				}
			}
		})
	}
}

func TestFactsAreTold(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string][]Notice{
		"live_help": {
			{"customer", "customer_user_id is NULL in 2 of 160 rows (2 rows with status pending)"},
			{"customer", "1 customer has several sessions waiting or live"},
			{"plan", "chat10 (80), video15 (80)"},
			{"request", "public.session_requests belongs to it by session_id; its statuses are accepted"},
		},
		"telehealth": {
			{"end", "cancelled_at is left to your trigger keep_times"},
			{"table", "row-level security is on (3 policies): Curfew's role must be the owner"},
			{"table", "keep_times: it sets accepted_at, started_at, completed_at, cancelled_at"},
		},
		"astrology":    {{"times.entered", "queue_entered_at is NULL in 2 of 9 rows that wait"}},
		"video_visits": {{"times.zone", "the default of createdAt says UTC"}, {"customer", "4 rows with status SCHEDULED"}},
		"mentors":      {{"times.zone", "before now, read as UTC"}},
		"doctors":      {{"request", "public.consultation_requests looks like a queue of these sessions, but no column of it names one"}},
		"courts":       {{"table", "and forced, so that it binds the owner too: Curfew's role must be a superuser"}},
		"lookup":       {{"status", "the words' names come from public.ticket_states.label"}},
		"soft_deletes": {{"deleted", "deleted_at marks 5 rows as deleted"}},
	} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			url, _ := marketplace(t, fixture)
			found := inspected(t, url, fixtures[fixture])
			for _, r := range want {
				if !noticed(found.Notices, r.Part, r.Text) {
					t.Errorf("%s: %q is not among %v", r.Part, r.Text, found.Notices)
				}
			}
		})
	}
}

func TestStatusesAreCounted(t *testing.T) {
	t.Parallel()
	url, _ := marketplace(t, "live_help")
	found := inspected(t, url, "public.sessions")
	got := map[string]int64{}
	for _, s := range found.Statuses {
		got[s.Word] = s.Rows
		if s.Rows > 0 && (s.Oldest.IsZero() || s.Oldest.After(found.At)) {
			t.Errorf("the oldest %s is from %v", s.Word, s.Oldest)
		}
	}
	want := map[string]int64{"pending": 12, "waiting": 9, "live": 2, "scheduled": 4, "completed": 113, "cancelled": 17, "expired": 0, "unattended": 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheIndexIsProposedUntilItIsThere(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string]string{
		"live_help": `CREATE INDEX CONCURRENTLY "sessions_curfew_open" ON public.sessions ("id") WHERE "status" IN ('scheduled', 'pending', 'waiting', 'live');`,
		"numbers":   `CREATE INDEX CONCURRENTLY "e_consultation_curfew_open" ON public.e_consultation ("id") WHERE "status"::text IN ('1');`,
		"doctors":   "", // it has one
	} {
		url, conn := marketplace(t, fixture)
		if got := inspected(t, url, fixtures[fixture]).Index; got != want {
			t.Errorf("%s: %q is proposed, want %q", fixture, got, want)
		}
		if want == "" {
			continue
		}
		run(t, conn, want)
		if got := inspected(t, url, fixtures[fixture]).Index; got != "" {
			t.Errorf("%s: %q is proposed again", fixture, got)
		}
	}
}

func TestTablesWithoutAMappingAreRefused(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "live_help")
	run(t, conn, `CREATE TABLE public.pairs (a integer, b integer, status text DEFAULT 'pending', customer_id integer, PRIMARY KEY (a, b));
		CREATE TABLE public.plain (id integer PRIMARY KEY, customer_id integer, note text);
		CREATE TABLE public.nobody (id integer PRIMARY KEY, status text DEFAULT 'waiting');
		CREATE TABLE public.odd (id integer PRIMARY KEY, customer_id integer, status text, created_at timestamptz);
		INSERT INTO public.odd VALUES (1, 1, 'blue', now()), (2, 2, 'green', now());
		CREATE TABLE public.texts (id integer PRIMARY KEY, customer_id integer, status text);
		INSERT INTO public.texts SELECT i, i, 'text ' || i FROM generate_series(1, 200) i;`)
	for relation, want := range map[string]string{
		"public.pairs":   "no single column identifies a row",
		"public.plain":   "no column looks like the status of a session",
		"public.nobody":  "no column looks like the customer of a session",
		"public.odd":     "none of the words in status looks like waiting, so that there is nothing to keep: blue (1 row), green (1 row)",
		"public.texts":   "public.texts.status has more than 100 different values: it is not a status",
		"public.nothing": "there is no table public.nothing",
		"nothing":        "has no schema",
	} {
		_, err := Inspect(t.Context(), url, relation)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", relation, err, want)
		}
		if kind := curfew.KindOf(err); kind != curfew.Invalid && kind != curfew.NotFound {
			t.Errorf("%s: %v is of kind %v", relation, err, kind)
		}
	}
}
