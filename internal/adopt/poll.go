package adopt

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

const (
	// period is how often a table is read; reading takes at most 1/share of the time.
	period = 5 * time.Second
	share  = 10
	// takeover is how long another process may hold a table without reading it.
	takeover = period + 3*time.Second
	// slow is the interval of work that need not be done on every read.
	slow = time.Minute
	// breakAfter is how long a table may go unread before that counts as a gap in the shadow.
	breakAfter = 5 * time.Minute
)

// errOvertaken means that another process reads the table now, or that its mode changed.
var errOvertaken = errors.New("the table is read elsewhere")

// poller mirrors one table in mode shadow. It must be used by one goroutine only.
//
// It knows what it has mirrored since it claimed the table, as long as no other process claims it.
// After that, and after a restart, it starts from the mirrors in the database.
type poller struct {
	table
	theirs theirs

	claim    time.Time         // read_at as this process wrote it last
	known    map[string]string // the text of rows that are mirrored, or odd; empty: any
	refused  map[string]string // the customers of open rows that could not be mirrored
	changed  bool              // the last reading changed a mirror
	judged   time.Time         // the deadlines until then have been judged
	took     time.Duration     // by the last reading
	reported string            // why it could not be read, as logged
	checked  time.Time         // when it was last verified
	renewed  bool              // its triggers have been compared with the settings
	looked   time.Time         // when rows with unknown words were looked for
}

// Poll reads a table once, unless another process reads it, and mirrors what it finds. It returns
// why the table could not be read, in an error that is safe to show.
func (p *poller) Poll(ctx context.Context) error {
	previous, err := p.begin(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	if p.took, err = p.round(ctx); err == nil {
		return p.end(ctx, previous)
	}
	p.took = time.Since(begun)
	if errors.Is(err, errOvertaken) || ctx.Err() != nil {
		p.known = nil
		return err
	}
	why := reasonOf(err)
	if failed := p.fail(ctx, previous, why); failed != nil {
		p.known = nil
		return failed
	}
	return curfew.Errorf(curfew.Unavailable, "%s cannot be read: %s", p.Relation, why)
}

// round is one read and the work that follows from it.
func (p *poller) round(ctx context.Context) (took time.Duration, err error) {
	first := p.known == nil
	if first {
		if err := p.recall(ctx); err != nil {
			return 0, err
		}
	}
	odd := first || time.Since(p.looked) >= slow
	f, err := p.read(ctx, question{known: p.known, odd: odd, first: first})
	if err != nil {
		return 0, err
	}
	if err := p.hand(ctx, f, odd); err != nil {
		return 0, err
	}
	if odd {
		p.looked = time.Now()
	}
	return f.took, nil
}

func (p *poller) read(ctx context.Context, q question) (f found, err error) {
	err = p.theirs.within(ctx, func(ctx context.Context, tx pgx.Tx) error {
		r, err := readingOf(ctx, tx, p.Table, p.policy)
		if err != nil {
			return err
		}
		f, err = r.read(ctx, tx, q)
		return err
	})
	return f, err
}

// A process that has the table keeps it; another takes over once nobody has read it for a while.
// The table is read at most share of the time.
const claimTable = `UPDATE curfew.adoptions a SET read_at = clock_timestamp()
	FROM (SELECT name, read_at FROM curfew.adoptions WHERE name = $1 AND mode = 'shadow' FOR UPDATE) was
	WHERE a.name = was.name AND (was.read_at IS NULL OR was.read_at = $2
		OR was.read_at < clock_timestamp() - greatest($3::interval, a.read_took * $4))
	RETURNING a.read_at, was.read_at`

// begin claims the table for one read, and returns when it was last read.
func (p *poller) begin(ctx context.Context) (previous *time.Time, err error) {
	var now *time.Time
	err = p.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		now = nil
		rows, err := tx.Query(ctx, claimTable, p.Name, p.claim, takeover, share)
		if err != nil {
			return err
		}
		_, err = pgx.ForEachRow(rows, []any{&now, &previous}, func() error { return nil })
		return err
	})
	if err == nil && now == nil {
		err = errOvertaken
	}
	if err != nil || previous == nil || !previous.Equal(p.claim) {
		p.known = nil
	}
	if err == nil {
		p.claim = *now
	}
	return previous, err
}

const (
	endReading = `UPDATE curfew.adoptions SET read_took = $3, unread = '', mapping = $4::text, relation = $5,
			shadowed = CASE WHEN shadowed IS NOT NULL AND $6::timestamptz > read_at - $7::interval THEN shadowed ELSE read_at END
		WHERE name = $1 AND read_at = $2`
	forgetUnread = `DELETE FROM curfew.adoption_findings WHERE name = $1 AND code = 'unread'`
	// A failed read does not change when the table was last read.
	failReading = `UPDATE curfew.adoptions SET read_at = $3, unread = $4 WHERE name = $1 AND read_at = $2`
	foundUnread = `SELECT curfew.adopt_found($1, 'unread', '', $2)`
)

// end records that the whole table was read.
func (p *poller) end(ctx context.Context, previous *time.Time) error {
	text, err := mapping.Marshal(p.Table)
	if err != nil {
		return err
	}
	return p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := p.judge(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endReading, p.Name, p.claim, p.took, string(text), p.Relation, previous, breakAfter); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, forgetUnread, p.Name)
		return err
	})
}

// fail records why the table could not be read; nothing is then mirrored as gone.
func (p *poller) fail(ctx context.Context, previous *time.Time, why string) error {
	err := p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, foundUnread, p.Name, why); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, failReading, p.Name, p.claim, previous, why)
		return err
	})
	if p.claim = (time.Time{}); err == nil && previous != nil {
		p.claim = *previous
	}
	return err
}

// byKey makes the planner use index lookups, whatever the number of rows: statistics lag behind on
// tables that grow from nothing.
const byKey = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
	set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)`

const holdTable = `SELECT name FROM curfew.adoptions WHERE name = $1 AND mode = 'shadow' AND read_at = $2 FOR UPDATE`

// owning runs do in a transaction in which this process still owns the table, so an older read is
// never mirrored over a newer one.
func (p *poller) owning(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return p.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, byKey); err != nil {
			return err
		}
		held, err := collect(ctx, tx, pgx.RowTo[string], holdTable, p.Name, p.claim)
		switch {
		case err != nil:
			return err
		case len(held) == 0:
			return errOvertaken
		}
		return do(ctx, tx)
	})
}

const selectKnown = `SELECT s.adopted_id FROM curfew.sessions s
		WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.status IN ('scheduled', 'waiting', 'live')
	UNION SELECT f.adopted_id FROM curfew.adoption_findings f WHERE f.name = $1 AND f.adopted_id <> ''`

// recall starts from what is mirrored, so that the next read asks for those rows.
func (p *poller) recall(ctx context.Context) error {
	return p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
		ids, err := collect(ctx, tx, pgx.RowTo[string], selectKnown, p.Name)
		if err != nil {
			return err
		}
		p.known, p.refused, p.changed, p.judged = make(map[string]string, len(ids)), map[string]string{}, true, time.Time{}
		for _, id := range ids {
			p.known[id] = ""
		}
		return nil
	})
}

// hand mirrors what differs from what is known.
func (p *poller) hand(ctx context.Context, f found, all bool) error {
	free, err := p.free(ctx, all)
	if err != nil {
		return err
	}
	p.changed = false
	pending := maps.Clone(p.refused)
	var differs []theirRow
	for _, row := range f.rows {
		delete(pending, row.id)
		if text, ok := p.known[row.id]; !ok || text != row.text || free[row.id] {
			differs = append(differs, row)
		}
	}
	for id := range pending { // it ended, or is gone, before it was ever mirrored
		delete(p.refused, id)
	}
	if err := p.mirrorGone(ctx, f.gone); err != nil {
		return err
	}
	return p.mirror(ctx, differs)
}
