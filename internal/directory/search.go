package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Limits of a search.
const (
	// Shortest is the least number of letters of a search text.
	Shortest = 2
	// mostHits limits the hits of each kind of lookup.
	mostHits = 8
	// recently is how many of the newest payments and sessions are looked through for a part of a word, and
	// searchTimeout how long that may take.
	recently      = 10_000
	searchTimeout = 500 * time.Millisecond
)

// FindStore is what a search needs of a database. Texts are compared with the letters of ASCII in lower case.
type FindStore interface {
	// FindExact finds the customer with this id, and the payment with this reference.
	FindExact(ctx context.Context, text string) ([]record.Hit, error)
	// FindIDs finds what has an id between these two, both included, the newest of each kind first.
	FindIDs(ctx context.Context, low, high string, limit int) ([]record.Hit, error)
	// FindPayers finds customers by how the name or the address begins with which they paid.
	FindPayers(ctx context.Context, of record.Span, limit int) ([]record.Hit, error)
	// FindMechanics finds mechanics by how their id begins.
	FindMechanics(ctx context.Context, of record.Span, limit int) ([]record.Hit, error)
	// FindRecent finds payments and sessions among the newest that have one of the parts in an id, a reference, a name
	// or an address. Unavailable if it took longer than it may.
	FindRecent(ctx context.Context, parts []string, depth, limit int, within time.Duration) ([]record.Hit, error)
}

// Found is the result of a search, best matches first.
type Found struct {
	Hits    []record.Hit
	Partial bool // the search through recent rows took too long, and was given up
}

// Search finds customers, sessions, requests, payments, runs and mechanics by an id or a part of it, a name, an e-mail
// address or a payment's reference, whatever the case of the letters. A part of a word is found among the newest
// payments and sessions alone. A text of fewer than Shortest letters finds nothing. Errors: Invalid, Unavailable.
func (d Directory) Search(ctx context.Context, text string) (f Found, err error) {
	text = strings.TrimSpace(text)
	if len([]rune(text)) < Shortest {
		return f, nil
	}
	if err := curfew.CheckText("the text to search for", text); err != nil {
		return f, err
	}
	ways := []func() ([]record.Hit, error){func() ([]record.Hit, error) { return d.Find.FindExact(ctx, text) }}
	if low, high, ok := idsLike(text); ok {
		ways = append(ways, func() ([]record.Hit, error) { return d.Find.FindIDs(ctx, low, high, mostHits) })
	}
	parts := spellings(text)
	for _, part := range parts {
		span := record.Span{From: part, Below: part + string(unicode.MaxRune)}
		ways = append(ways, func() ([]record.Hit, error) { return d.Find.FindPayers(ctx, span, mostHits) },
			func() ([]record.Hit, error) { return d.Find.FindMechanics(ctx, span, mostHits) })
	}
	for _, look := range ways {
		found, err := look()
		if err != nil {
			return Found{}, err
		}
		f.add(found)
	}
	found, err := d.Find.FindRecent(ctx, parts, recently, mostHits, searchTimeout)
	if errors.Is(err, curfew.Unavailable) && ctx.Err() == nil {
		f.Partial, err = true, nil
	}
	f.add(found)
	return f, err
}

// add adds what is not there yet.
func (f *Found) add(found []record.Hit) {
	for _, m := range found {
		if !slices.ContainsFunc(f.Hits, func(known record.Hit) bool { return known.Kind == m.Kind && known.ID == m.ID }) {
			f.Hits = append(f.Hits, m)
		}
	}
}

// idsLike returns the first and the last id that begins like the text; ok is false if none does.
func idsLike(text string) (low, high string, ok bool) {
	digits := strings.ReplaceAll(strings.ToLower(text), "-", "")
	if len(digits) < 4 || len(digits) > 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", "", false
	}
	return dashed(digits + strings.Repeat("0", 32-len(digits))), dashed(digits + strings.Repeat("f", 32-len(digits))), true
}

func dashed(digits string) string {
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// spellings returns how a text may be written down, with the letters of ASCII in lower case: a database changes
// no others.
func spellings(text string) []string {
	lower := strings.ToLower(text)
	var all []string
	for _, spelled := range []string{text, lower, titled(lower), strings.ToUpper(text)} {
		if spelled = asciiLower(spelled); !slices.Contains(all, spelled) {
			all = append(all, spelled)
		}
	}
	return all
}

// titled capitalizes each word.
func titled(text string) string {
	begins := true
	return strings.Map(func(r rune) rune {
		defer func() { begins = !unicode.IsLetter(r) }()
		if begins {
			return unicode.ToTitle(r)
		}
		return r
	}, text)
}

func asciiLower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
