package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// gated is a store whose undos revive so many sessions, and then wait until the gate is open.
type gated struct {
	lifecycle.Store
	free chan struct{} // a token for each session
}

func newGate(free int) *gated {
	g := &gated{free: make(chan struct{}, 100)}
	for range free {
		g.free <- struct{}{}
	}
	return g
}

func (g *gated) open() { close(g.free) }

func (g *gated) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	if a.RunID != "" {
		select {
		case <-g.free:
		case <-ctx.Done():
			return curfew.Snapshot{}, ctx.Err()
		}
	}
	return g.Store.Admit(ctx, a)
}

// before puts the gate before a store.
func (g *gated) before(s lifecycle.Store) lifecycle.Store {
	g.Store = s
	return g
}

// cleaned is a run that ended sessions of so many customers.
func (m *pageFixture) cleaned(customers ...string) string {
	m.Helper()
	m.before(40*time.Minute, func() {
		for _, c := range customers {
			m.pays(c, "chat10", 1500)
		}
	})
	run, err := m.admin().RunCleanup(m.Context(), api.Cleanup{Reason: "by mistake"})
	m.must(err)
	return run.RunID
}

// Work that takes longer than its call is a job: it can be watched, stopped, and done again.
func TestLongWorkIsAJob(t *testing.T) {
	t.Parallel()
	gate := newGate(1)
	m := &pageFixture{newFixtureWith(t, settings{store: gate.before, answer: 50 * time.Millisecond})}
	run := m.cleaned("ada", "bob", "cyd")
	var begun api.Job
	got := m.sendAs(curfew.Admin, "mara", "POST", "/api/debug/cleanup-runs/"+run+"/undo", `{}`)
	m.must(json.Unmarshal([]byte(got.body), &begun))
	if got.status != http.StatusAccepted || got.header.Get("Location") != "/api/debug/jobs/"+begun.JobID || begun.State != "running" || begun.Kind != "undo" || begun.RunID == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	half := m.job(begun.JobID, func(j api.Job) bool { return j.Done == 1 })
	if half.Total == nil || *half.Total != 3 || half.Phase != "reviving sessions" || half.Actor != "admin:mara" || half.Result != nil {
		t.Errorf("in its middle it is %+v", half)
	}
	_, err := m.admin().CancelJob(t.Context(), begun.JobID)
	m.must(err)
	m.job(begun.JobID, func(j api.Job) bool { return j.CancelledBy != "" })
	gate.free <- struct{}{} // the step that it is at
	stopped := m.job(begun.JobID, func(j api.Job) bool { return j.State != "running" })
	if stopped.State != "cancelled" || stopped.Done != 2 || stopped.CancelledBy != "admin:anna" || !strings.Contains(string(stopped.Result), `"newSessionId"`) {
		t.Errorf("it ended as %+v", stopped)
	}
	gate.open()
	undone, err := m.admin().UndoRun(t.Context(), run, api.Undo{}) // the client waits for the end
	m.must(err)
	if len(undone.Revived) != 3 || undone.Revived[0].CustomerID != "ada" {
		t.Errorf("undone again: %+v", undone)
	}
	all, err := m.admin().Jobs(t.Context(), api.Page{Limit: 2})
	m.must(err)
	if len(all.Jobs) != 2 || all.Jobs[0].RunID != undone.RunID || all.Jobs[1].JobID != begun.JobID || all.NextCursor == nil {
		t.Errorf("the jobs are %+v", all)
	}
}

// job waits until a job is so.
func (m *pageFixture) job(id string, so func(api.Job) bool) api.Job {
	m.Helper()
	for deadline := time.Now().Add(testTimeout); ; <-time.After(20 * time.Millisecond) {
		j, err := m.admin().Job(m.Context(), id)
		m.must(err)
		if so(j) {
			return j
		}
		if time.Now().After(deadline) {
			m.Fatalf("the job is %+v", j)
		}
	}
}

func TestRowsOfAPreviewAreChosen(t *testing.T) {
	t.Parallel()
	m := newPageFixture(t)
	m.before(40*time.Minute, func() {
		for _, c := range []string{"ada", "bob", "cyd", "dan"} {
			m.pays(c, "chat10", 1500)
		}
	})
	preview, err := m.admin().StorePreview(t.Context(), api.Cleanup{})
	m.must(err)
	ids := map[string]string{}
	for _, item := range preview.Items {
		ids[item.CustomerID] = item.SessionID
	}
	m.before(40*time.Minute, func() { m.pays("late", "chat10", 1500) }) // due, and not in the preview
	stored := `"previewId":"` + *preview.PreviewID + `"`
	for sentence, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"an empty list":           {`{` + stored + `,"only":[]}`, 422, "only"},
		"an empty list to spare":  {`{` + stored + `,"except":[]}`, 422, "except"},
		"an id that is not in it": {`{` + stored + `,"only":["` + preview.Items[0].RequestID + `"]}`, 422, "is not in this preview"},
		"a spared id not in it":   {`{` + stored + `,"except":["x"]}`, 422, "is not in this preview"},
		"both":                    {`{` + stored + `,"only":["` + ids["ada"] + `"],"except":["` + ids["bob"] + `"]}`, 422, "not both"},
		"without a preview":       {`{"only":["` + ids["ada"] + `"]}`, 422, "previewId"},
		"all of them spared":      {`{` + stored + `,"except":["` + strings.Join([]string{ids["ada"], ids["bob"], ids["cyd"], ids["dan"]}, `","`) + `"]}`, 422, "nothing would end"},
	} {
		if got := m.sendAs(curfew.Admin, "mara", "POST", "/api/debug/cleanup-sessions", c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	open := func(want ...string) {
		t.Helper()
		for _, c := range []string{"ada", "bob", "cyd", "dan", "late"} {
			all, err := m.store.Unended(t.Context(), c)
			m.must(err)
			if wants := strings.Contains(strings.Join(want, " "), c); wants != (len(all) == 1) {
				t.Errorf("%s has %d open", c, len(all))
			}
		}
	}
	open("ada", "bob", "cyd", "dan", "late")
	_, err = m.admin().RunCleanup(t.Context(), api.Cleanup{PreviewID: *preview.PreviewID, Only: []string{ids["ada"]}})
	m.must(err)
	open("bob", "cyd", "dan", "late")
	result, err := m.admin().RunCleanup(t.Context(), api.Cleanup{PreviewID: *preview.PreviewID, Except: []string{ids["bob"]}})
	m.must(err)
	open("bob", "late")
	if result.Stats.OldWaitingSessions != 2 || len(result.Drifted) != 1 || result.Drifted[0].CustomerID != "ada" {
		t.Errorf("it did %+v", result)
	}
}
