package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew/internal/pgtest"
)

// exampleApp is examples/adopt: a marketplace that has the disease, on its own tables.
const exampleApp = "../../examples/adopt"

// replayed is what a replay of its history prints.
type replayed struct {
	Requests int `json:"requests"`
	Refused  int `json:"refused"`
	Blocked  int `json:"blocked"` // customers who were refused
	Lost     int `json:"lost"`    // sessions that ended before the mechanic came who did so in the history
}

// exampleMinute is how many milliseconds a minute of the history lasts, of which it has 142. The sweeper looks for deadlines
// that are new to it every five seconds: whoever was not answered must not come back before that.
func exampleMinute() string {
	if testing.Short() {
		return "95"
	}
	return "500"
}

// withExample makes the example's tables, and returns their database and a folder with its settings.
func withExample(t *testing.T) *walk {
	t.Helper()
	needPostgres(t)
	w := &walk{T: t, dir: t.TempDir(), url: pgtest.Database(t)}
	schema, err := os.ReadFile(filepath.Join(exampleApp, "schema.sql"))
	if err != nil {
		t.Fatal(err)
	}
	w.psql(string(schema))
	for _, name := range []string{"schema.sql", "curfew.yaml", "history.json"} {
		text, err := os.ReadFile(filepath.Join(exampleApp, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// replay runs the history through the example's app.
func (w *walk) replay() (result replayed) {
	w.Helper()
	app := listening(w.T, bundled(w.T, filepath.Join(exampleApp, "server.ts")), "DATABASE_URL="+w.url, "MINUTE="+exampleMinute())
	cmd := exec.CommandContext(context.WithoutCancel(w.Context()), node(w.T), bundled(w.T, filepath.Join(exampleApp, "replay.ts")))
	cmd.Dir, cmd.Env = w.dir, append(withoutSettings(os.Environ()), "APP_URL="+app, "MINUTE="+exampleMinute())
	cmd.Stderr = w.Output()
	out, err := cmd.Output()
	if err != nil {
		w.Fatal(err)
	}
	if err := json.Unmarshal(out, &result); err != nil {
		w.Fatalf("%v in %s", err, out)
	}
	return result
}

// Six customers are never answered, and stay pending for ever: twelve times they come back, and are refused.
func TestTheExampleHasTheDisease(t *testing.T) {
	t.Parallel()
	w := withExample(t)
	if got, want := w.replay(), (replayed{Requests: 43, Refused: 12, Blocked: 6}); got != want {
		t.Errorf("without Curfew the replay is %+v, want %+v", got, want)
	}
}

// Only the tables are adopted: the app is the same, to the byte.
func TestAdoptionCuresTheExample(t *testing.T) {
	t.Parallel()
	w := withExample(t)
	w.run("curfew migrate\ncurfew adopt enforce sessions --config curfew.yaml --yes")
	w.serve = serving(t, w.dir, []string{"CURFEW_DATABASE_URL=" + w.url}, "--config=curfew.yaml")
	if got, want := w.replay(), (replayed{Requests: 43}); got != want {
		t.Errorf("with Curfew the replay is %+v, want %+v", got, want)
	}
	w.run("curfew adopt verify sessions --config curfew.yaml")
	if got := w.value(`SELECT string_agg(status || ' ' || n, ', ' ORDER BY status) FROM (SELECT status, count(*) n FROM sessions GROUP BY status) s`); got != "cancelled 6, completed 37" {
		t.Errorf("in the end the sessions are %s", got)
	}
}

// value is a text in the database.
func (w *walk) value(query string) (text string) {
	w.Helper()
	db, err := sql.Open("pgx", w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(w.Context(), query).Scan(&text); err != nil {
		w.Fatal(err)
	}
	return text
}

// schemaDump is what pg_dump writes of the marketplace's schema, without the key that is new in each dump.
const schemaDump = `pg_dump --schema-only --schema=public "$CURFEW_DATABASE_URL" | grep -v restrict`

func TestAdoptionCanBeWalkedThrough(t *testing.T) {
	t.Parallel()
	w := withExample(t)
	w.psql("DROP TABLE sessions, session_requests")
	w.run("rm curfew.yaml\n" + section(t, "adopt.md", "What you need"))
	before := w.run(schemaDump)
	follow := func(heading string) string {
		return w.run("export CURFEW_CONFIG=curfew.yaml\n" + section(t, "adopt.md", heading))
	}
	w.says(w.run(section(t, "adopt.md", "1. See")), "expired: sessions that nobody accepted in time", "1 of 1 open  of 1 customer")
	w.says(w.run("cat curfew.yaml"), "customer: customer_id", "waiting_ttl: 30m")
	w.serve = serving(t, w.dir, []string{"CURFEW_DATABASE_URL=" + w.url}, "--config=curfew.yaml")
	w.says(follow("What you see then"), "kim by row", "kim is blocked.", "Curfew does not end it")
	w.unchanged("shadow", before)
	follow("2. End what is overdue")
	until(t.Context(), t, "the end of Kim's session", func() bool {
		return w.value("SELECT concat_ws(' ', s.status, s.end_reason) FROM sessions s") == "cancelled expired"
	})
	follow("5. Sell here, and drop the mapping")
	w.unchanged("release", before)
}

// unchanged compares the marketplace's schema with what it was.
func (w *walk) unchanged(after, before string) {
	w.Helper()
	if now := w.run(schemaDump); now != before {
		w.Errorf("%s changed their schema from\n%s\nto\n%s", after, before, now)
	}
}

// Each step of the move works while another copy of the app still does everything by itself.
func TestTheExampleMovesOverStepByStep(t *testing.T) {
	t.Parallel()
	w := withExample(t)
	const secret = "a secret that the app and Curfew share"
	w.run("curfew migrate\ncurfew adopt enforce sessions --config curfew.yaml --yes")
	w.serve = serving(t, w.dir, []string{"CURFEW_DATABASE_URL=" + w.url, "CURFEW_AUTH_JWT_SECRET=" + secret}, "--config=curfew.yaml")
	program := bundled(t, filepath.Join(exampleApp, "server.ts"))
	app := func(step string) shopApp {
		return shopApp{t, listening(t, program, "DATABASE_URL="+w.url, "STEP="+step, "CURFEW_URL="+w.serve.url, "CURFEW_AUTH_JWT_SECRET="+secret)}
	}
	old, third, fourth, fifth := app("0"), app("3"), app("4"), app("5")

	old.call(201, "/ask", "customer", "ada", "plan", "chat10", "payment", "cs_ada")
	request := third.call(200, "/queue", "mechanic", "mia")["requests"].([]any)[0].(map[string]any)["id"].(string)
	fourth.call(200, "/accept", "request", request, "mechanic", "mia")
	const state = "SELECT concat_ws(' ', s.status, s.mechanic_id) FROM sessions s WHERE s.customer_id = 'ada'"
	if got := w.value(state); got != "pending mia" {
		t.Fatalf("after Mia accepted at Curfew, Ada's row is %s", got)
	}
	session := w.value("SELECT id::text FROM sessions")
	old.call(409, "/accept", "session", session, "mechanic", "max")
	old.call(200, "/begin", "session", session)
	if kept := fifth.call(202, "/ask", "customer", "ada", "plan", "chat10", "payment", "cs_ada_again")["outcome"]; kept != "deferred" {
		t.Errorf("Ada's payment at Curfew, during a session of the app's, is %v", kept)
	}
	fifth.call(201, "/ask", "customer", "ben", "plan", "chat10", "payment", "cs_ben")
	old.call(200, "/complete", "session", session)
	if got := w.value(state); got != "completed mia" {
		t.Errorf("in the end Ada's row is %s", got)
	}
	w.run("curfew adopt verify sessions --config curfew.yaml")
}

// shopApp is one copy of the example's app.
type shopApp struct {
	*testing.T
	url string
}

// call posts names and values, and returns the answer, which must have a status.
func (a shopApp) call(status int, path string, pairs ...string) (answer map[string]any) {
	a.Helper()
	body := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(body)
	if err != nil {
		a.Fatal(err)
	}
	got, err := http.Post(a.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		a.Fatal(err)
	}
	defer got.Body.Close()
	if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || got.StatusCode != status {
		a.Fatalf("%s %v is answered %d %v (%v), want %d", path, body, got.StatusCode, answer, err, status)
	}
	return answer
}
