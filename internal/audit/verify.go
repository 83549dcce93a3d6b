package audit

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// linkPage is how many links are read at once.
const linkPage = 500

// Verdict is what Verify found.
type Verdict struct {
	Links, Entries int64 // that are right
	Erased         int64 // entries whose subject was erased
	Lost           int64 // entries that could not be written
	// Anchor is the last link whose entries were pruned, zero if there is none.
	Anchor record.AuditLink
	Head   record.AuditLink // the last link that is right
	// Broken says what is wrong with the first broken link; it is empty if the whole chain verifies.
	Broken string
	Link   int64 // the number of that link
}

// Known is a link that somebody recorded elsewhere. A chain that was cut off or rewritten does not
// contain it.
type Known struct {
	Number int64
	Hash   string
}

// verifier walks the chain.
type verifier struct {
	store Store
	known Known
	now   time.Time
	Verdict
}

// Verify reads the whole chain, and names the first link that is not as it was written. known may be zero.
func Verify(ctx context.Context, store Store, known Known) (Verdict, error) {
	head, err := store.AuditHead(ctx, noBatch)
	if err != nil {
		return Verdict{}, err
	}
	v := &verifier{store: store, known: known, now: head.Now}
	for v.Broken == "" {
		links, err := store.AuditLinks(ctx, v.Head.Number, linkPage)
		if err != nil {
			return v.Verdict, err
		}
		if len(links) == 0 {
			break
		}
		if err := v.walk(ctx, links); err != nil {
			return v.Verdict, err
		}
	}
	if v.Broken == "" {
		err = v.end(ctx)
	}
	return v.Verdict, err
}

// noBatch is the batch of no link.
const noBatch = "00000000-0000-0000-0000-000000000000"

// walk checks links until one is broken.
func (v *verifier) walk(ctx context.Context, links []record.AuditLink) error {
	for _, l := range links {
		entries, err := v.entries(ctx, l)
		if err != nil {
			return err
		}
		if v.Broken = v.wrong(l, entries); v.Broken != "" {
			v.Link = l.Number
			return nil
		}
		v.Head = l
		v.Links++
		v.Lost += l.Lost
	}
	return nil
}

// entries returns the entries that a link should have. The first link may be the anchor: then it is read whether entries
// before its end are left.
func (v *verifier) entries(ctx context.Context, l record.AuditLink) ([]record.AuditEntry, error) {
	after, want := l.First-1, int(min(max(0, l.Last-l.First+1), maxBatch))
	if v.Head.Number == 0 {
		after, want = 0, maxBatch+1
	}
	if want == 0 {
		return nil, nil
	}
	all, err := v.store.AuditEntries(ctx, record.AuditSearch{Oldest: true, After: after, Limit: want})
	for i, e := range all {
		if e.Number > l.Last {
			return all[:i], err
		}
	}
	return all, err
}

// wrong says what is wrong with a link, or nothing.
func (v *verifier) wrong(l record.AuditLink, entries []record.AuditEntry) string {
	if v.known.Number == l.Number && v.known.Hash != l.Hash {
		return "its hash is not the one that was written down"
	}
	if v.Head.Number == 0 && (l.Number > 1 || len(entries) == 0 && l.Last >= l.First) {
		return v.wrongAnchor(l, entries)
	}
	switch {
	case l.Number != v.Head.Number+1:
		return fmt.Sprintf("it follows link %d: those between are missing", v.Head.Number)
	case l.First != v.Head.Last+1:
		return fmt.Sprintf("it begins with entry %d, but the link before ends with %d", l.First, v.Head.Last)
	}
	for i := range max(l.Last-l.First+1, int64(len(entries))) {
		if i >= int64(len(entries)) || entries[i].Number != l.First+i {
			return fmt.Sprintf("entry %d is missing, or one too many", l.First+i)
		}
		if e := entries[i]; e.About.Salt != "" && commitment(e.About) != e.Commitment {
			return fmt.Sprintf("the subject of entry %d was changed", e.Number)
		}
	}
	if hashOf(v.Head.Hash, l, entries) != l.Hash {
		return fmt.Sprintf("it or one of its entries (%d to %d) was changed", l.First, l.Last)
	}
	v.count(entries)
	return ""
}

func (v *verifier) count(entries []record.AuditEntry) {
	v.Entries += int64(len(entries))
	for _, e := range entries {
		if e.Erased() {
			v.Erased++
		}
	}
}

// wrongAnchor says what is wrong with the link that pruning has left as the first one, or nothing. Its hash is believed: it
// is what the next link continues.
func (v *verifier) wrongAnchor(l record.AuditLink, entries []record.AuditEntry) string {
	switch {
	case len(entries) > 0:
		return fmt.Sprintf("the links before it are missing, but entry %d is there", entries[0].Number)
	case v.now.Sub(l.At) < record.MinAuditKeep:
		return "what is before it is missing, and is younger than anything that is pruned"
	}
	v.Anchor = l
	return ""
}

// end checks that nothing is behind the last link, and that the link that somebody wrote down was there.
func (v *verifier) end(ctx context.Context) error {
	left, err := v.store.AuditEntries(ctx, record.AuditSearch{Oldest: true, After: v.Head.Last, Limit: 1})
	switch {
	case err != nil:
		return err
	case len(left) > 0:
		v.Link, v.Broken = v.Head.Number+1, fmt.Sprintf("it is missing, but entry %d is there", left[0].Number)
	case v.known.Number > v.Head.Number:
		v.Link, v.Broken = v.Head.Number+1, fmt.Sprintf("it is missing: the chain ends before link %d, which was written down", v.known.Number)
	}
	return nil
}

// knownLink is a link as people write it down.
var knownLink = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9a-f]{64})$`)

// ParseKnown reads a link that somebody wrote down, as NUMBER:HASH.
func ParseKnown(text string) (Known, error) {
	parts := knownLink.FindStringSubmatch(text)
	if parts == nil {
		return Known{}, curfew.Errorf(curfew.Invalid, "%q names no link: write NUMBER:HASH, as curfew verify prints it", curfew.Visible(text))
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	return Known{number, parts[2]}, err
}
