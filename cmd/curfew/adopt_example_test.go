package main

import (
	"context"
	"encoding/json"
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

// exampleMinute is how many milliseconds a minute of the history lasts: 275 of them are 5.5 s.
func exampleMinute() string {
	if testing.Short() {
		return "20"
	}
	return "200"
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
	for _, name := range []string{"curfew.yaml", "history.json"} {
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
