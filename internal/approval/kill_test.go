package approval_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/sqlite"
)

// What the process that is killed has to know: the file, where it stops, and what it approves.
const (
	killedFile  = "CURFEW_TEST_KILLED_FILE"
	killedAt    = "CURFEW_TEST_KILLED_AT"
	killedTasks = "CURFEW_TEST_KILLED_TASKS"
)

// stopping is a store whose process gets no further than one moment of an approval.
type stopping struct {
	approval.Store
	at      string
	reached func(id string)
}

func (s stopping) DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error) {
	a, err := s.Store.DecideApproval(ctx, id, to, by, note)
	if s.at == "decided" && err == nil {
		s.reached(id)
	}
	return a, err
}

func (s stopping) EndApproval(ctx context.Context, a record.Approval, as record.ApprovalState, note string) (record.Approval, error) {
	if s.at == "carried out" {
		s.reached(a.ID)
	}
	return s.Store.EndApproval(ctx, a, as, note)
}

// A process is killed with -9 while it carries out a refund, the end of a live session, a clearing and an erasure: before any of
// them is done, or when they are done and nobody has noted it. Another process ends them, and does nothing twice.
func TestAnApprovalOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"decided", "carried out"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{}, LiveEnds: true, Erasures: true})
			refund, session, cleared := env.paid("ada", 900), env.live("bob"), env.live("carl")
			asked := env.askForAll(refund, session, cleared)
			killed(env, at, asked)

			must(t, env.Resume(t.Context(), func(a record.Approval) { t.Errorf("%s is resumed while its process may be at work", a.Action) }))
			_, err := env.Approve(t.Context(), otto, asked[0].ID)
			refused(t, curfew.Conflict, err)
			env.Exec(t, "UPDATE "+env.Schema+"approvals SET tried_at = asked_at - 180000000")
			_, err = env.Approve(t.Context(), mara, asked[0].ID)
			refused(t, curfew.Forbidden, err)
			var ended int
			must(t, env.Resume(t.Context(), func(a record.Approval) {
				ended++
				if a.State != record.ApprovalDone || a.Tries != 1 {
					t.Errorf("%s is %s after %d more tries: %s", a.Action, a.State, a.Tries, a.Note)
				}
			}))
			must(t, env.Resume(t.Context(), func(record.Approval) { ended++ }))
			if ended != len(asked) {
				t.Errorf("%d of %d have ended", ended, len(asked))
			}
			events, err := env.Keeper.Checkouts.CheckoutEvents(t.Context(), refund)
			must(t, err)
			if last := events[len(events)-1]; last.To != string(curfew.RefundDue) || last.From != string(curfew.Fulfilled) || last.Actor != mara {
				t.Errorf("the payment's history ends with %+v", last)
			}
			for _, s := range []curfew.Snapshot{session, cleared} {
				now, err := env.Keeper.Sessions.Session(t.Context(), s.ID)
				must(t, err)
				if !now.Status.Ended() || now.Version != s.Version+1 {
					t.Errorf("session %s is %s, and was changed %d times", s.ID, now.Status, now.Version-s.Version)
				}
			}
			if left := env.Query(t, "SELECT count(*) FROM checkouts WHERE customer_id = 'dora'"); left[0][0] != "0" {
				t.Errorf("the customer who is to be erased still has payments: %s", left)
			}
		})
	}
}

// askForAll asks for one of each, of which the erasure is of dora.
func (env environment) askForAll(refund curfew.Checkout, session, cleared curfew.Snapshot) []record.Approval {
	env.Helper()
	ctx := env.Context()
	_, first, err := env.Refund(ctx, mara, refund.ID, "sorry", false)
	must(env.T, err)
	_, second, err := env.EndSession(ctx, mara, session, approval.End)
	must(env.T, err)
	_, third, err := env.ClearCustomer(ctx, mara, lifecycle.Clearing{CustomerID: cleared.CustomerID, Force: true, Reason: "stuck"})
	must(env.T, err)
	gone := env.paid("dora", 900)
	_, err = env.Keeper.Sessions.Cancel(ctx, gone.SessionID, shop)
	must(env.T, err)
	_, err = env.Keeper.Checkouts.RefundCheckout(ctx, shop, gone.ID, "sorry")
	must(env.T, err)
	_, err = env.Keeper.Checkouts.CloseRefund(ctx, shop, gone.ID, "by bank")
	must(env.T, err)
	p, err := env.Privacy.Preview(ctx, mara, "dora", true)
	must(env.T, err)
	fourth, err := env.EraseCustomer(ctx, mara, "dora", approval.Call{Reason: "asked", PreviewID: p.ID, Version: p.Version})
	must(env.T, err)
	return []record.Approval{*first, *second, *third, *fourth}
}

// killed approves in another process, which it kills when each approval has come so far.
func killed(env environment, at string, asked []record.Approval) {
	env.Helper()
	var ids []string
	for _, a := range asked {
		ids = append(ids, a.ID)
	}
	child := exec.CommandContext(env.Context(), os.Args[0], "-test.run=^TestAnApprovalUntilItIsKilled$")
	child.Env = append(os.Environ(), killedFile+"="+env.Query(env, "SELECT file FROM pragma_database_list")[0][0], killedAt+"="+at, killedTasks+"="+strings.Join(ids, " "))
	out, err := child.StdoutPipe()
	must(env.T, err)
	must(env.T, child.Start())
	reached := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "reached ") {
			if reached++; reached == len(asked) {
				must(env.T, child.Process.Kill()) // -9
			}
		} else {
			env.Log(lines.Text())
		}
	}
	if err := child.Wait(); err == nil || reached < len(asked) {
		env.Fatalf("it was not killed in the middle: %d of %d, %v", reached, len(asked), err)
	}
}

// It is not a test of its own: the one above runs and kills it.
func TestAnApprovalUntilItIsKilled(t *testing.T) {
	path := os.Getenv(killedFile)
	if path == "" {
		t.Skip("another test runs this one")
	}
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	must(t, err)
	keeper, err := lifecycle.New(store, lifecycle.Options{SweeperOff: true})
	must(t, err)
	var out sync.Mutex
	desk := approval.Desk{Keeper: keeper, Privacy: privacy.Service{Store: store}, Store: stopping{store, os.Getenv(killedAt), func(id string) {
		out.Lock()
		_, _ = fmt.Println("reached " + id) //nolint:forbidigo // to the test that reads it
		out.Unlock()
		select {}
	}}}
	var all sync.WaitGroup
	for id := range strings.FieldsSeq(os.Getenv(killedTasks)) {
		all.Go(func() { _, err := desk.Approve(context.Background(), otto, id); t.Error(err) })
	}
	all.Wait()
}
