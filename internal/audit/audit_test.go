package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

var mara = curfew.Actor{Role: curfew.Admin, ID: "mara"}

// entry is a look at a customer.
func entry(customer string) record.AuditEntry {
	return record.AuditEntry{Actor: mara, Action: "explain", Via: audit.ViaAPI, Status: 200, RequestID: "r1", About: record.AuditSubject{Customer: customer}}
}

func storeOf(h storetest.Harness) audit.Store {
	return h.Store.(audit.Store) //nolint:errcheck,forcetypeassert // both are
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verdict(t *testing.T, store audit.Store) audit.Verdict {
	t.Helper()
	v, err := audit.Verify(t.Context(), store, audit.Known{})
	must(t, err)
	return v
}

func whole(t *testing.T, store audit.Store, entries int64) audit.Verdict {
	t.Helper()
	v := verdict(t, store)
	if v.Broken != "" || v.Entries != entries {
		t.Fatalf("%d entries, and broken at link %d: %s", v.Entries, v.Link, v.Broken)
	}
	return v
}

// Several processes write at once, and there is one chain with everything in it.
func TestSeveralWritersMakeOneChain(t *testing.T) {
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers, batches, size = 4, 5, 3
			store := storeOf(open(t))
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					log := audit.New(audit.Options{Store: store})
					for b := range batches {
						for range size {
							log.Note(entry(fmt.Sprintf("customer-%d-%d", w, b)))
						}
						if err := log.Write(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			v := whole(t, store, writers*batches*size)
			if v.Links != writers*batches {
				t.Errorf("%d links", v.Links)
			}
		})
	}
}

// Each way to change what was written breaks the chain, and the first broken link is named.
func TestAChangeIsFoundAtItsLink(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		sql  string
		link int64
		want string
	}{
		"an entry's actor is another":       {"UPDATE {audit_entries} SET actor = 'admin:otto' WHERE number = 5", 2, "was changed"},
		"an entry's time is another":        {"UPDATE {audit_entries} SET at = at + 1 WHERE number = 5", 2, "was changed"},
		"an entry's commitment is another":  {"UPDATE {audit_entries} SET commitment = '' WHERE number = 5", 2, "was changed"},
		"an entry's subject is another":     {"UPDATE {audit_subjects} SET subject = 'bob' WHERE number = 5", 2, "the subject of entry 5 was changed"},
		"an entry is missing":               {"DELETE FROM {audit_entries} WHERE number = 5", 2, "entry 5 is missing"},
		"the last entry is missing":         {"DELETE FROM {audit_entries} WHERE number = 9", 3, "entry 9 is missing"},
		"an entry too many":                 {"INSERT INTO {audit_entries} SELECT 10, at, actor, action, via, status, request_id, '' FROM {audit_entries} WHERE number = 9", 4, "it is missing, but entry 10"},
		"a link is missing":                 {"DELETE FROM {audit_links} WHERE number = 2", 3, "it follows link 1"},
		"the first link is missing":         {"DELETE FROM {audit_links} WHERE number = 1", 2, "are missing, but entry 1 is there"},
		"the last link is missing":          {"DELETE FROM {audit_links} WHERE number = 3", 3, "it is missing, but entry 7 is there"},
		"a link's hash is another":          {"UPDATE {audit_links} SET hash = 'x' WHERE number = 2", 2, "was changed"},
		"a link's losses are others":        {"UPDATE {audit_links} SET lost = 5 WHERE number = 2", 2, "was changed"},
		"a link's time is another":          {"UPDATE {audit_links} SET at = at - 1 WHERE number = 2", 2, "was changed"},
		"all entries of the first are gone": {"DELETE FROM {audit_entries} WHERE number <= 3", 1, "younger than anything that is pruned"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			h := stores.SQLite(t)
			store := storeOf(h)
			written(t, store, 3)
			h.Exec(t, strings.NewReplacer("{", h.Schema, "}", "").Replace(c.sql))
			v := verdict(t, store)
			if v.Link != c.link || !strings.Contains(v.Broken, c.want) {
				t.Errorf("link %d: %s", v.Link, v.Broken)
			}
		})
	}
}

// written writes links with three entries each.
func written(t *testing.T, store audit.Store, links int) {
	t.Helper()
	log := audit.New(audit.Options{Store: store})
	for range links {
		for range 3 {
			log.Note(entry("ada"))
		}
		must(t, log.Write(t.Context()))
	}
	whole(t, store, int64(3*links))
}

// Whoever can rewrite the whole chain, or cut it off, cannot change what somebody wrote down elsewhere.
func TestALinkThatWasWrittenDownIsStillThere(t *testing.T) {
	t.Parallel()
	h := stores.SQLite(t)
	store := storeOf(h)
	written(t, store, 3)
	head := verdict(t, store).Head
	verify := func(known audit.Known) audit.Verdict {
		t.Helper()
		v, err := audit.Verify(t.Context(), store, known)
		must(t, err)
		return v
	}
	known, err := audit.ParseKnown(fmt.Sprintf("%d:%s", head.Number, head.Hash))
	must(t, err)
	if v := verify(known); v.Broken != "" {
		t.Errorf("it is there, and yet: %s", v.Broken)
	}
	if v := verify(audit.Known{Number: 2, Hash: head.Hash}); v.Link != 2 || !strings.Contains(v.Broken, "written down") {
		t.Errorf("another hash: link %d: %s", v.Link, v.Broken)
	}
	h.Exec(t, "DELETE FROM "+h.Schema+"audit_subjects WHERE number > 6")
	h.Exec(t, "DELETE FROM "+h.Schema+"audit_entries WHERE number > 6")
	h.Exec(t, "DELETE FROM "+h.Schema+"audit_links WHERE number > 2")
	whole(t, store, 6) // which only what was written down can tell from the truth
	if v := verify(known); v.Link != 3 || !strings.Contains(v.Broken, "the chain ends before link 3") {
		t.Errorf("cut off: link %d: %s", v.Link, v.Broken)
	}
	for _, bad := range []string{"", "3", "3:", ":" + head.Hash, "0:" + head.Hash, "3:" + strings.ToUpper(head.Hash) + "F", "3:" + head.Hash[1:], "x:" + head.Hash} {
		if _, err := audit.ParseKnown(bad); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%q is read: %v", bad, err)
		}
	}
}

// A customer who is erased leaves the chain whole, and nothing of them in it.
func TestErasureLeavesTheChainWhole(t *testing.T) {
	t.Parallel()
	store := storeOf(stores.SQLite(t))
	written(t, store, 2)
	n, err := store.EraseAudit(t.Context(), "ada")
	must(t, err)
	if v := whole(t, store, 6); n != 6 || v.Erased != 6 {
		t.Errorf("%d erased, and %d found", n, v.Erased)
	}
}

func TestPruningLeavesTheRestWhole(t *testing.T) {
	t.Parallel()
	h := stores.SQLite(t)
	store := storeOf(h)
	log := audit.New(audit.Options{Store: older{store, 40 * 24 * time.Hour}})
	for range 3 {
		log.Note(entry("ada"))
		must(t, log.Write(t.Context()))
	}
	fresh := audit.New(audit.Options{Store: store})
	fresh.Note(entry("bob"))
	must(t, fresh.Write(t.Context()))
	whole(t, store, 4)
	n, err := store.PruneAudit(t.Context(), record.MinAuditKeep, 1000)
	must(t, err)
	if v := whole(t, store, 1); n != 3 || v.Anchor.Number != 3 {
		t.Errorf("%d pruned, and the anchor is link %d", n, v.Anchor.Number)
	}
	fresh.Note(entry("bob"))
	must(t, fresh.Write(t.Context()))
	whole(t, store, 2)
}

// older is a store whose clock is behind.
type older struct {
	audit.Store
	by time.Duration
}

func (o older) AuditHead(ctx context.Context, batch string) (record.AuditHead, error) {
	head, err := o.Store.AuditHead(ctx, batch)
	head.Now = head.Now.Add(-o.by)
	return head, err
}

// failing is a store that does not take entries, or loses its answers.
type failing struct {
	audit.Store
	err   error
	after bool // it writes, and the answer is lost
}

func (f *failing) AppendAudit(ctx context.Context, l record.AuditLink, entries []record.AuditEntry) error {
	if f.err != nil && !f.after {
		return f.err
	}
	return errors.Join(f.Store.AppendAudit(ctx, l, entries), f.err)
}

// What cannot be written waits. What is too much to wait is counted, also in the chain.
func TestWhatIsLostIsCounted(t *testing.T) {
	t.Parallel()
	store := storeOf(stores.SQLite(t))
	down := &failing{Store: store, err: curfew.Unavailable}
	log := audit.New(audit.Options{Store: down})
	for range 5000 {
		log.Note(entry("ada"))
	}
	if err := log.Write(t.Context()); !errors.Is(err, curfew.Unavailable) {
		t.Fatalf("it was written: %v", err)
	}
	const kept = 4096
	if lost := log.Lost(); lost != 5000-kept {
		t.Errorf("%d lost", lost)
	}
	down.err = nil
	must(t, log.Write(t.Context()))
	if v := whole(t, store, kept); v.Lost != 5000-kept || log.Lost() != 0 {
		t.Errorf("the chain counts %d as lost, the log another %d", v.Lost, log.Lost())
	}
}

// An answer that is lost is not a failure: nothing is written twice.
func TestALostAnswerWritesNothingTwice(t *testing.T) {
	t.Parallel()
	store := storeOf(stores.SQLite(t))
	lossy := &failing{Store: store, err: curfew.Unavailable, after: true}
	log := audit.New(audit.Options{Store: lossy})
	log.Note(entry("ada"))
	if err := log.Write(t.Context()); !errors.Is(err, curfew.Unavailable) {
		t.Fatalf("an answer: %v", err)
	}
	log.Note(entry("bob"))
	lossy.err = nil
	must(t, log.Write(t.Context()))
	whole(t, store, 2)
}

func TestTheSameLookIsNotedOnceInAWhile(t *testing.T) {
	t.Parallel()
	store := &counting{}
	synctest.Test(t, func(t *testing.T) {
		log := audit.New(audit.Options{Store: store})
		look := func(customer string, status int) {
			e := entry(customer)
			e.Status = status
			log.NoteLook(e)
		}
		for range 3 {
			look("ada", 200)
		}
		look("bob", 200)
		look("ada", 404)
		time.Sleep(6 * time.Minute) //nolint:forbidigo // the bubble's clock
		look("ada", 200)
		must(t, log.Write(t.Context()))
		if store.entries != 4 {
			t.Errorf("%d entries", store.entries)
		}
	})
}

// counting is a store that counts.
type counting struct {
	audit.Store
	mu               sync.Mutex
	entries, pruned  int
	lastKeep         time.Duration
	newest           record.AuditEntry
	newestLink, tops record.AuditLink
}

func (c *counting) AuditHead(context.Context, string) (record.AuditHead, error) {
	return record.AuditHead{AuditLink: c.tops, Now: time.Now()}, nil
}

func (c *counting) AppendAudit(_ context.Context, l record.AuditLink, entries []record.AuditEntry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries += len(entries)
	c.newest, c.newestLink, c.tops = entries[len(entries)-1], l, l
	return nil
}

func (c *counting) PruneAudit(_ context.Context, keep time.Duration, _ int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pruned++
	c.lastKeep = keep
	return 0, nil
}

// Run writes every second with the times at which things happened, prunes every hour, and writes once more at its end.
func TestRun(t *testing.T) {
	t.Parallel()
	store := &counting{}
	synctest.Test(t, func(t *testing.T) {
		log := audit.New(audit.Options{Store: store, Keep: 1000 * time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- log.Run(ctx) }()
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
		happened := time.Now()
		log.Note(entry("ada"))
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if store.entries != 1 || !store.newest.At.Equal(happened.Truncate(time.Microsecond)) || !store.newestLink.At.After(happened) {
			t.Errorf("%d entries, the last one of %s in a link of %s, not of %s", store.entries, store.newest.At, store.newestLink.At, happened)
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if store.pruned != 3 || store.lastKeep != 1000*time.Hour {
			t.Errorf("pruned %d times, of what is older than %s", store.pruned, store.lastKeep)
		}
		log.Note(entry("bob"))
		cancel()
		must(t, <-done)
		if store.entries != 2 {
			t.Errorf("%d entries at the end", store.entries)
		}
	})
}
