package adopt

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

var (
	requestTable = regexp.MustCompile(`request|offer|queue|invit|dispatch|bid|assignment|ring|broadcast|call_attempt`)
	pendingWords = []string{"pending", "waiting", "open", "searching", "sent", "offered", "queued", "new", "requested", "ringing", "active"}
	expiredWords = []string{"expired", "timed_out", "timeout", "cancelled", "canceled", "closed", "withdrawn", "rejected", "declined"}
)

// request finds the table of offers, by a foreign key or by a column's name.
func (g *guess) request(ctx context.Context) error {
	linked, err := g.linked(ctx)
	if err != nil {
		return err
	}
	for _, k := range linked {
		offers, err := ReadRelation(ctx, g.look, mapping.JoinRelation(k.Schema, k.Table))
		if err != nil {
			return err
		}
		if found, err := g.offers(ctx, offers, k.Others[0]); err != nil || found {
			return err
		}
	}
	return g.unlinked(ctx)
}

const linkedSQL = `SELECT n.nspname::text, c.relname::text, a.attname::text
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attname = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.oid <> $2
	AND format_type(a.atttypid, NULL) = $3 AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'curfew')
ORDER BY n.nspname = $4 DESC, c.relname`

// linked returns the tables whose rows may be offers of these sessions, likeliest first. Each
// foreign key points from their column to this table.
func (g *guess) linked(ctx context.Context) ([]ForeignKey, error) {
	byName := g.r.linkNames()
	found := slices.DeleteFunc(slices.Clone(g.r.Referenced), func(k ForeignKey) bool { return len(k.Others) != 1 })
	slices.SortStableFunc(found, func(a, b ForeignKey) int { // session_id before parent_session_id
		return len(a.Others[0]) - len(b.Others[0])
	})
	columns, err := collect(ctx, g.look, func(row pgx.CollectableRow) (k ForeignKey, err error) {
		k.Columns, k.Others = []string{g.Mapping.ID}, []string{""}
		err = row.Scan(&k.Schema, &k.Table, &k.Others[0])
		return k, err
	}, linkedSQL, byName, g.r.OID, g.r.Columns[g.Mapping.ID].Base, g.r.Schema)
	for _, k := range columns {
		if !slices.ContainsFunc(found, func(o ForeignKey) bool { return o.Schema == k.Schema && o.Table == k.Table }) {
			found = append(found, k)
		}
	}
	return slices.DeleteFunc(found, func(k ForeignKey) bool { return !requestTable.MatchString(snake(k.Table)) }), err
}

// linkNames returns likely names of a column that refers to this table.
func (r *Relation) linkNames() []string {
	singular := strings.TrimSuffix(snake(r.Name), "s")
	words := strings.Split(singular, "_")
	camel := words[0]
	for _, w := range words[1:] {
		if w != "" {
			camel += strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return []string{singular + "_id", camel + "Id", singular, words[len(words)-1] + "_id"}
}

// offers maps a table of offers if its status has a word for pending ones.
func (g *guess) offers(ctx context.Context, offers *Relation, session string) (bool, error) {
	request := &mapping.Request{Relation: offers.String(), Session: session, Status: offers.statusColumn(), Set: map[string]string{}}
	if request.Status == "" {
		return false, nil
	}
	words, by := offers.allowed(request.Status)
	found, err := g.look.counts(ctx, offers.String(), name(request.Status), "")
	if err != nil && whyUnread(err) == "" {
		return false, err
	}
	if err != nil {
		g.fact("request", "%s could not be read: %s", offers, whyUnread(err))
	}
	for _, n := range found {
		if !n.null && !contains(words, n.text) {
			words = append(words, n.text)
		}
	}
	if word := offers.initial(request.Status); word != "" && !contains(words, word) {
		words = append(words, word)
	}
	request.Pending = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !contains(pendingWords, snake(w)) })
	if len(request.Pending) == 0 {
		return false, nil
	}
	g.expiredOffer(request, words, by != "")
	if updated := offers.first(updatedNames, Column.Moment); updated != "" && offers.setBy(updated) == "" {
		request.Set[updated] = mapping.Now
	}
	g.Mapping.Request = request
	text := ""
	if len(found) > 0 {
		text = "; its statuses are " + listOf(found)
	}
	g.fact("request", "%s belongs to it by %s%s", offers, session, text)
	return true, nil
}

var updatedNames = named(`updated_(at|on|time)|updated|modified_(at|on)|date_(updated|modified)`)

// expiredOffer chooses the word for an offer whose session was ended.
func (g *guess) expiredOffer(request *mapping.Request, words []string, confined bool) {
	request.Expired = choose(expiredWords, words, func(string) bool { return true })
	switch {
	case request.Expired != "":
	case confined:
		request.Expired = words[len(words)-1]
		g.ask("request", "no word of %s looks like the end of an offer that nobody took: %s is a guess", request.Relation, request.Expired)
	default:
		request.Expired = "cancelled"
		if like := g.Mapping.Words(curfew.Cancelled); len(like) > 0 {
			request.Expired = like[0]
		}
		g.ask("request", "no row of %s has a word for an offer that nobody accepted: your programs may not know %s", request.Relation, request.Expired)
	}
}

const queuesSQL = `SELECT n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = $1 AND c.oid <> $2 AND c.relname ~* 'request|queue|offer'
ORDER BY c.relname`

// unlinked notes tables that look like offers but that nothing links to a session.
func (g *guess) unlinked(ctx context.Context) error {
	found, err := collect(ctx, g.look, func(row pgx.CollectableRow) (k ForeignKey, err error) {
		err = row.Scan(&k.Schema, &k.Table)
		return k, err
	}, queuesSQL, g.r.Schema, g.r.OID)
	for _, k := range found {
		if shared(snake(k.Table), snake(g.r.Name)) {
			g.fact("request", "%s looks like a queue of these sessions, but no column of it names one: its rows cannot be ended with their session",
				mapping.JoinRelation(k.Schema, k.Table))
		}
	}
	return err
}

// shared reports whether two names have a word in common.
func shared(a, b string) bool {
	for part := range strings.SplitSeq(a, "_") {
		for other := range strings.SplitSeq(b, "_") {
			if strings.TrimSuffix(part, "s") == strings.TrimSuffix(other, "s") {
				return true
			}
		}
	}
	return false
}
