package mapping_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// full uses every key and every form.
const full = `adopt:
  sessions:
    table: public.sessions
    id: id
    customer: [online_id, offline_id]
    mechanic: {column: mechanic_id, accepted: [accepted, live]}
    status:
      column: status
      scheduled: [scheduled]
      waiting: [pending, accepted]
      live: [live]
      completed: [completed]
      cancelled: [cancelled, expired]
      other: report
    times:
      zone: Asia/Kolkata
      created: created_at
      starts: [scheduled_start, scheduled_for]
      entered: seen
      accepted: accepted_at
      started: started_at
      ended: [completed_at, cancelled_at]
    deleted: deleted_at
    deadline: {column: expires_at, else: policy}
    duration: {column: minutes, unit: minutes}
    plan: {column: plan}
    payment: {provider: stripe, ref: intent_id, paid: {column: payment_status, is: [paid, settled]}}
    request:
      table: public."Requests"
      session: sessionId
      status: status
      pending: [pending]
      expired: cancelled
      set: {updatedAt: now}
    end:
      expired: {status: expired, set: {cancelled_by: curfew, ended_at: now, note: null}}
      no_show: {status: cancelled}
      overran: {status: completed, set: {ended_at: planned_end}}
      missed: {status: cancelled}
`

func TestAMappingIsWrittenAsItWasRead(t *testing.T) {
	t.Parallel()
	tables, err := mapping.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	text, err := mapping.Marshal(tables...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, string(text)); diff != "" {
		t.Error(diff)
	}
	got := tables[0]
	if got.Schema() != "public" || !got.Times.Seen || got.End[curfew.Expired].Set["note"] != mapping.Null || len(got.Unended()) != 4 {
		t.Errorf("read %+v", got)
	}
}

func TestJSONIsReadAlike(t *testing.T) {
	t.Parallel()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(full), &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value["adopt"])
	if err != nil {
		t.Fatal(err)
	}
	want, err := mapping.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	got, err := mapping.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Notes are comments: they change nothing, and none is lost.
func TestNotesAreComments(t *testing.T) {
	t.Parallel()
	tables, err := mapping.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	table := tables[0]
	table.Duration, table.Deleted = mapping.Duration{}, ""
	delete(table.End, curfew.Overran)
	notes := mapping.Notes{
		"status.waiting": {"accepted waits: nobody has started it"}, "mechanic.accepted": {"decide what accepted means"},
		"duration": {"no column says how long"}, "end.overran": {"nothing overruns"}, "times": {strings.Repeat("a long sentence ", 20)},
		"elsewhere": {"what belongs nowhere"},
	}
	text, err := table.Marshal(notes)
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{"# accepted waits", "# decide what", "# no column", "# nothing overruns", "# a long sentence", "# what belongs nowhere"} {
		if strings.Count(string(text), note) != 1 {
			t.Errorf("%q is not there once:\n%s", note, text)
		}
	}
	got, err := mapping.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff([]mapping.Table{table}, got); diff != "" {
		t.Error(diff)
	}
}

func TestShortFormsAreRead(t *testing.T) {
	t.Parallel()
	tables, err := mapping.Parse([]byte(`
bookings:
  table: '"Shop"."Booking"'
  id: id
  customer: user_id
  mechanic: helper_id
  status: {column: state, waiting: 1, cancelled: [8, 9]}
  times: {created: created_at}
  deadline: expires_at
  plan: plan
  payment: none
  request: none
  end: {expired: 8, no_show: {status: 9, set: {ended_at: ~, note: ""}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := mapping.Table{
		Name: "bookings", Relation: `"Shop"."Booking"`, ID: "id", Customer: []string{"user_id"},
		Mechanic: mapping.Mechanic{Column: "helper_id"},
		Status:   mapping.Status{Column: "state", Words: map[curfew.SessionStatus][]string{curfew.Waiting: {"1"}, curfew.Cancelled: {"8", "9"}}},
		Times:    mapping.Times{Created: "created_at"}, Deadline: "expires_at", Plan: "plan",
		End: map[curfew.EndReason]mapping.Ending{
			curfew.Expired: {Status: "8"},
			curfew.NoShow:  {Status: "9", Set: map[string]string{"ended_at": mapping.Null, "note": ""}},
		},
	}
	if diff := cmp.Diff([]mapping.Table{want}, tables); diff != "" {
		t.Error(diff)
	}
}

// Each mistake in the full mapping is answered with where it is and what to do.
func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ old, new, want string }{
		"no table":                     {"table: public.sessions", "# nothing", "adopt.sessions.table: is needed: name the table like public.sessions"},
		"no id":                        {"    id: id\n", "", "adopt.sessions.id: is needed"},
		"an empty id":                  {"    id: id\n", "    id:\n", "adopt.sessions.id: has no value"},
		"no customer":                  {"customer: [online_id, offline_id]", "# nothing", "adopt.sessions.customer: is needed"},
		"an empty list":                {"customer: [online_id, offline_id]", "customer: []", "adopt.sessions.customer: must not be empty"},
		"a name twice":                 {"[online_id, offline_id]", "[online_id, online_id]", "adopt.sessions.customer: has online_id twice"},
		"no waiting word":              {"      waiting: [pending, accepted]\n", "", "adopt.sessions.status.waiting: is needed"},
		"no status column":             {"      column: status\n", "", "adopt.sessions.status.column: is needed"},
		"a word twice":                 {"live: [live]", "live: [live, pending]", "adopt.sessions.status.live: pending is under waiting already"},
		"an unknown reason":            {"no_show: {status: cancelled}", "noshow: {status: cancelled}", "adopt.sessions.end.noshow: unknown key: did you mean no_show?"},
		"an unknown ending":            {"no_show: {status: cancelled}", "no_show: {status: canceled}", "adopt.sessions.end.no_show.status: canceled is not under cancelled in status: did you mean cancelled?"},
		"a no-show that is completed":  {"no_show: {status: cancelled}", "no_show: {status: completed}", "adopt.sessions.end.no_show.status: completed is not under cancelled in status"},
		"an ending that is live":       {"overran: {status: completed", "overran: {status: live", "adopt.sessions.end.overran.status: live is not under completed or cancelled in status"},
		"an unknown key":               {"customer: [", "custmer: [", "adopt.sessions.custmer: unknown key: did you mean customer?"},
		"an unknown status":            {"live: [live]", "running: [live]", "adopt.sessions.status.running: unknown key: there are column, scheduled"},
		"an unknown time":              {"created: created_at", "creatd: created_at", "adopt.sessions.times.creatd: unknown key: did you mean created?"},
		"a key twice":                  {"    id: id\n", "    id: id\n    id: uid\n", "adopt.sessions.id: is set twice"},
		"a bad zone":                   {"Asia/Kolkata", "IST+5:30", `adopt.sessions.times.zone: "IST+5:30" is not a time zone: write one like UTC or Asia/Kolkata`},
		"the zone of a machine":        {"Asia/Kolkata", "Local", "is not a time zone"},
		"no creation":                  {"      created: created_at\n      starts: [scheduled_start, scheduled_for]\n      entered: seen", "      starts: [scheduled_start, scheduled_for]", "adopt.sessions.times.created: is needed"},
		"scheduled without a start":    {"      starts: [scheduled_start, scheduled_for]\n", "", "adopt.sessions.times.starts: is needed for sessions that are scheduled"},
		"no unit":                      {"{column: minutes, unit: minutes}", "{column: minutes}", "adopt.sessions.duration.unit: is needed"},
		"a bad unit":                   {"{column: minutes, unit: minutes}", "{column: minutes, unit: days}", "adopt.sessions.duration.unit: must be seconds or minutes or hours, not days"},
		"no schema":                    {"public.sessions", "sessions", `adopt.sessions.table: "sessions" has no schema: write it like public.sessions`},
		"capitals without quotes":      {`public."Requests"`, "public.Requests", `adopt.sessions.request.table: "Requests" has capitals`},
		"Curfew's own table":           {"public.sessions", "curfew.sessions", "adopt.sessions.table: curfew.sessions cannot be adopted"},
		"three names":                  {"public.sessions", "db.public.sessions", "is not one table"},
		"no provider":                  {"provider: stripe, ", "", "adopt.sessions.payment.provider: is needed"},
		"no reference":                 {"ref: intent_id, ", "", "adopt.sessions.payment.ref: is needed"},
		"a paid word that is none":     {"paid: {column: payment_status, is: [paid, settled]}", "paid: sometimes", "adopt.sessions.payment.paid: must be always, not sometimes"},
		"words of no column":           {"{column: payment_status, is: [paid, settled]}", "{is: [paid]}", "adopt.sessions.payment.paid.column: is needed"},
		"a request that stays pending": {"expired: cancelled\n", "expired: pending\n", "adopt.sessions.request.expired: pending is under pending already"},
		"a request without a session":  {"      session: sessionId\n", "", "adopt.sessions.request.session: is needed"},
		"accepted in no status":        {"accepted: [accepted, live]", "accepted: [acepted, live]", "adopt.sessions.mechanic.accepted: acepted is not one of the statuses under status: did you mean accepted?"},
		"other words ignored":          {"other: report", "other: ignore", "adopt.sessions.status.other: must be report, not ignore"},
		"a status set by hand":         {"{ended_at: planned_end}", "{status: done}", "adopt.sessions.end.overran.set.status: cannot be set here"},
		"a customer set":               {"{ended_at: planned_end}", "{online_id: null}", "adopt.sessions.end.overran.set.online_id: cannot be set"},
		"a planned end for a no-show":  {"no_show: {status: cancelled}", "no_show: {status: cancelled, set: {ended_at: planned_end}}", "adopt.sessions.end.no_show.set.ended_at: only overran has a planned_end"},
		"a planned end of no duration": {"    duration: {column: minutes, unit: minutes}\n    plan: {column: plan}\n", "", "planned_end needs times.started, and a duration or a plan"},
		"missed without scheduled":     {"      scheduled: [scheduled]\n", "", "adopt.sessions.end.missed: no session is ever missed"},
		"a column in quotes":           {"mechanic_id", `'"mechanicId"'`, "adopt.sessions.mechanic.column: must be the column's name without double quotes: mechanicId"},
		"a value that is a list":       {"{ended_at: planned_end}", "{ended_at: [now]}", "adopt.sessions.end.overran.set.ended_at: must be one value"},
		"a bad name":                   {"  sessions:\n", "  My Sessions:\n", "adopt.My Sessions: a name has small letters"},
		"a list for a table":           {full[len("adopt:\n  sessions:\n"):], "    - one\n", "adopt.sessions: must be a mapping"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(full, c.old, c.new, 1)
			if text == full {
				t.Fatal("the mistake is not made")
			}
			_, err := mapping.Parse([]byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mapping.Parse([]byte("sessions: {table: public.sessions, status: {column: status}}"))
	var problem mapping.Problem
	if !errors.As(err, &problem) || problem.Path != "adopt.sessions.id" {
		t.Errorf("the first is %v", problem)
	}
	for _, part := range []string{"id", "customer", "status.waiting", "times.created"} {
		if !strings.Contains(err.Error(), "adopt.sessions."+part+": ") {
			t.Errorf("nothing is said of %s in %v", part, err)
		}
	}
}

func TestATableIsMappedOnce(t *testing.T) {
	t.Parallel()
	second := strings.Replace(strings.TrimPrefix(full, "adopt:\n"), "sessions:", "again:", 1)
	if _, err := mapping.Parse([]byte(full + second)); err == nil || !strings.Contains(err.Error(), "adopt.again.table: public.sessions is mapped already, as sessions") {
		t.Errorf("got %v", err)
	}
	for _, empty := range []string{"", "{}", "# nothing\n"} {
		if _, err := mapping.Parse([]byte(empty)); err == nil || !strings.Contains(err.Error(), "adopt: must not be empty") {
			t.Errorf("%q is taken: %v", empty, err)
		}
	}
}

func TestRelationsAreReadAsSQLWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"public.sessions":        {"public", "sessions"},
		`public."Consultation"`:  {"public", "Consultation"},
		`"My Schema"."a.b""c"`:   {"My Schema", `a.b"c`},
		`public."order"`:         {"public", "order"},
		`care_desk.help_tickets`: {"care_desk", "help_tickets"},
	} {
		schema, table, err := mapping.SplitRelation(text)
		if err != nil || schema != want[0] || table != want[1] {
			t.Errorf("%s is read as %q and %q: %v", text, schema, table, err)
		}
		if again := mapping.JoinRelation(schema, table); text != again && text != `public."order"` {
			t.Errorf("%s is written as %s", text, again)
		}
	}
	for _, bad := range []string{"", "a", "a.", ".a", `a."`, `a.""`, "a b.c", `"a"b.c`, "a.b;drop"} {
		if _, _, err := mapping.SplitRelation(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The mappings that inspect writes are in testdata of package adopt. They parse here too.
func TestGoldenMappingsParse(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mapping.Parse(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
