package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to age rows
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// Scripts run on both stores; those that begin with sqlite_ or postgres_ on
// that one alone. The stores take turns in the short form.
func TestScriptsOnSQLite(t *testing.T) {
	t.Parallel()
	runScripts(t, "sqlite_", "postgres_", func(*testing.T) string { return "sqlite:curfew.db" })
}

func TestScriptsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	runScripts(t, "postgres_", "sqlite_", func(t *testing.T) string { return pgtest.Database(t) })
}

func needPostgres(t *testing.T) {
	t.Helper()
	if os.Getenv("CURFEW_TEST_POSTGRES") == "" {
		t.Skip("CURFEW_TEST_POSTGRES is not set: run make test, or scripts/with-postgres go test ./…")
	}
}

func runScripts(t *testing.T, own, others string, database func(*testing.T) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for i, file := range files {
		name := filepath.Base(file)
		turn := !testing.Short() || (i%2 == 0) == (own == "sqlite_")
		if strings.HasPrefix(name, others) || !strings.HasPrefix(name, own) && !turn {
			continue
		}
		t.Run(strings.TrimSuffix(name, ".txtar"), func(t *testing.T) {
			t.Parallel()
			url := database(t)
			testscript.Run(t, testscript.Params{
				Files: []string{file}, RequireUniqueNames: true, RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("CURFEW_DATABASE_URL", url)
					env.Setenv("MONTH", time.Now().UTC().Format("2006-01"))
					env.Setenv("SCHEMA", map[bool]string{true: "curfew."}[strings.HasPrefix(url, "postgres")])
					env.Values[services{}] = map[string]*process{}
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"exits": exits, "keys": keys, "capture": capture, "oneline": oneLineOnly,
					"serve": serveScript, "stop": stopScript, "call": call, "redeem": redeemScript,
					"migrated": func(ts *testscript.TestScript, _ bool, _ []string) { migratedScript(t, ts) },
					"fulfil":   fulfil, "held": held, "age": age, "statement": statement,
				},
			})
		})
	}
}

// migratedScript gives a script a database with today's tables, which takes less than `curfew migrate` on an
// empty one.
func migratedScript(t *testing.T, ts *testscript.TestScript) {
	t.Helper()
	if strings.HasPrefix(ts.Getenv("CURFEW_DATABASE_URL"), "postgres") {
		ts.Setenv("CURFEW_DATABASE_URL", stores.PostgresMigrated(t))
		return
	}
	ts.Check(os.Rename(stores.SQLiteMigrated(t), ts.MkAbs("curfew.db")))
}

// services is the key of a script's processes.
type services struct{}

// exits CODE COMMAND…: the command ends with exactly that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// keys FILE KEY…: the JSON in FILE is an object with exactly these keys; a key
// may lead down, like sessions.waiting, and is then only looked for.
func keys(ts *testscript.TestScript, _ bool, args []string) {
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &object))
	top := 0
	for _, key := range args[1:] {
		at := any(object)
		for part := range strings.SplitSeq(key, ".") {
			inner, ok := at.(map[string]any)
			if at = inner[part]; !ok {
				ts.Fatalf("%s leads nowhere", key)
			}
			if _, there := inner[part]; !there {
				ts.Fatalf("there is no key %s", key)
			}
		}
		if !strings.Contains(key, ".") {
			top++
		}
	}
	if top != len(object) {
		ts.Fatalf("there are %d keys, want %d", len(object), top)
	}
}

// capture NAME FILE PATTERN sets a variable to the pattern's first group.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if m == nil {
		ts.Fatalf("%s does not match %s", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}

// oneline FILE: it is one line, whole.
func oneLineOnly(ts *testscript.TestScript, _ bool, args []string) {
	if text := ts.ReadFile(args[0]); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("%s is not one line", args[0])
	}
}

// serve [ARG…] starts `curfew serve`, sets $URL, $OPS and $OPS_AT, and waits for its first
// sweep: health would tell of a sweeper that has never run.
func serveScript(ts *testscript.TestScript, _ bool, args []string) {
	p, err := start(ts.Getenv("WORK"), []string{"CURFEW_DATABASE_URL=" + ts.Getenv("CURFEW_DATABASE_URL")}, args...)
	ts.Check(err)
	ts.Defer(p.kill)
	if !slices.Contains(args, "--sweeper=off") {
		ts.Check(p.swept())
	}
	ts.Value(services{}).(map[string]*process)["serve"] = p //nolint:errcheck // set by Setup
	ts.Setenv("URL", p.url)
	ts.Setenv("OPS", p.ops)
	ts.Setenv("OPS_AT", strings.TrimPrefix(p.ops, "http://"))
}

// stop ends the service by SIGTERM, which must go well, and prints what it said.
func stopScript(ts *testscript.TestScript, _ bool, _ []string) {
	p := ts.Value(services{}).(map[string]*process)["serve"] //nolint:errcheck // set by Setup
	ts.Check(p.end(syscall.SIGTERM))
	say(ts, "%s", p.stderr())
}

// call METHOD URL [TOKEN] [BODY] prints the answer's status and body.
func call(ts *testscript.TestScript, _ bool, args []string) {
	args = append(args, "", "")
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(args[3]))
	ts.Check(err)
	if args[2] != "" {
		req.Header.Set("Authorization", "Bearer "+args[2])
	}
	if args[3] != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	sayAnswer(ts, &http.Client{CheckRedirect: stayHere}, req)
}

// sayAnswer prints the status and the body of an answer.
func sayAnswer(ts *testscript.TestScript, client *http.Client, req *http.Request) {
	res, err := client.Do(req)
	ts.Check(err)
	body, err := io.ReadAll(res.Body)
	ts.Check(errors.Join(err, res.Body.Close()))
	say(ts, "%s\n%s\n", res.Status, body)
}

// redeemScript LINK clicks the button behind a sign-in link.
func redeemScript(ts *testscript.TestScript, _ bool, args []string) {
	req, err := redeeming(context.Background(), args[0])
	ts.Check(err)
	sayAnswer(ts, &http.Client{CheckRedirect: stayHere}, req)
}

// redeeming is what the button behind a sign-in link sends.
func redeeming(ctx context.Context, link string) (*http.Request, error) {
	page, form, _ := strings.Cut(strings.TrimSpace(link), "?")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(form))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return req, err
}

func stayHere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func say(ts *testscript.TestScript, format string, args ...any) {
	_, err := fmt.Fprintf(ts.Stdout(), format, args...)
	ts.Check(err)
}

// opened is the script's database.
func opened(ts *testscript.TestScript) (url config.DatabaseURL, path string) {
	url = config.DatabaseURL(ts.Getenv("CURFEW_DATABASE_URL"))
	if name, ok := url.File(); ok {
		path = filepath.Join(ts.Getenv("WORK"), name)
		url = config.DatabaseURL("sqlite:" + path)
	}
	return url, path
}

// fulfil CUSTOMER REF [MECHANIC] pays for a session, and lets a mechanic accept it.
func fulfil(ts *testscript.TestScript, _ bool, args []string) {
	url, _ := opened(ts)
	ctx := context.Background()
	s := settings{config.Settings{DatabaseURL: url}}
	db, err := s.open(ctx)
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	keeper, err := lifecycle.New(db, lifecycle.Options{})
	ts.Check(err)
	done, err := keeper.Admission.FulfillCheckout(ctx, curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: args[1], CustomerID: args[0], Plan: "chat10"})
	ts.Check(err)
	ts.Setenv("SESSION", done.SessionID)
	if len(args) > 2 {
		_, err := keeper.Queue.Accept(ctx, done.RequestID, args[2])
		ts.Check(err)
	}
}

// held REF is a payment that a provider told and nobody can use.
func held(ts *testscript.TestScript, _ bool, args []string) {
	url, _ := opened(ts)
	ctx := context.Background()
	s := settings{config.Settings{DatabaseURL: url}}
	db, err := s.open(ctx)
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	keeper, err := lifecycle.New(db, lifecycle.Options{})
	ts.Check(err)
	ts.Check(keeper.Payments.Receive(ctx, storetest.Report{
		Ref: args[0], PaymentID: "pi-" + args[0], Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}.Notice()))
}

// age CUSTOMER DURATION makes the customer's sessions so much older.
func age(ts *testscript.TestScript, _ bool, args []string) {
	by, err := time.ParseDuration(args[1])
	ts.Check(err)
	db, schema, earlier := behind(ts)
	defer func() { ts.Check(db.Close()) }()
	for table, columns := range map[string][]string{
		"sessions": {"created_at", "expires_at", "accepted_at"}, "session_requests": {"created_at"},
	} {
		for _, c := range columns {
			_, err := db.Exec("UPDATE "+schema+table+" SET "+c+" = "+c+earlier+" WHERE customer_id = $1", args[0], by.Microseconds())
			ts.Check(err)
		}
	}
}

// statement SQL runs it as another program would; a table is written {so}.
func statement(ts *testscript.TestScript, _ bool, args []string) {
	db, schema, _ := behind(ts)
	defer func() { ts.Check(db.Close()) }()
	_, err := db.Exec(strings.NewReplacer("{", schema, "}", "").Replace(args[0]))
	ts.Check(err)
}

// behind is the database behind Curfew's back; earlier moves a time back.
func behind(ts *testscript.TestScript) (db *sql.DB, schema, earlier string) {
	driver, schema, earlier := "pgx", "curfew.", " - $2 * interval '1 microsecond'"
	url, path := opened(ts)
	source := string(url)
	if path != "" {
		driver, schema, earlier, source = "sqlite", "", " - $2", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	ts.Check(err)
	return db, schema, earlier
}
