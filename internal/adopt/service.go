package adopt

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/suggest"
)

// Options configures a Service.
type Options struct {
	// Pool connects to Curfew's own database.
	Pool *pgxpool.Pool
	// TheirURL is the database from which mode shadow reads the adopted tables; empty means
	// Curfew's own. It may be a read-only replica. Mode enforce requires the tables in Curfew's own
	// database.
	TheirURL string
	Tables   []mapping.Table
	Policy   curfew.Policy
	// Logger receives the log; nil discards it.
	Logger *slog.Logger
}

// Service looks after every adopted table of a process. Its methods are safe for concurrent use,
// also with other processes on the same database.
type Service struct {
	Options

	mu     sync.Mutex
	modes  map[string]record.Adoption // as they were at readAt
	readAt time.Time
}

// New returns a Service. It does not connect to anything.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{Options: o}
}

// table returns what can be done to a table in Curfew's own database.
func (s *Service) table(t mapping.Table) table { return table{t, s.Pool, s.Policy} }

// poller returns the poller of a table. It returns Invalid, without showing the address, if that is
// not a database URL.
func (s *Service) poller(t mapping.Table) (*poller, error) {
	config := s.Pool.Config().ConnConfig.Copy()
	if s.TheirURL != "" {
		var err error
		if config, err = pgx.ParseConfig(s.TheirURL); err != nil {
			return nil, curfew.Errorf(curfew.Invalid, "adopt_database_url is no URL of a PostgreSQL database")
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a pooler may stand in between
	config.ConnectTimeout = connectLimit
	config.RuntimeParams["application_name"] = "curfew adopt"
	return &poller{table: s.table(t), theirs: theirs{config: config}}, nil
}

// Table returns the mapping with this name, or NotFound if the settings have none.
func (s *Service) Table(name string) (mapping.Table, error) {
	var names []string
	for _, t := range s.Tables {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	hint := suggest.Among(name, names)
	switch {
	case len(names) == 0:
		return mapping.Table{}, curfew.Errorf(curfew.NotFound,
			"the settings map no table under adopt: curfew adopt inspect finds tables of sessions, and prints what to put there")
	case hint == "":
		hint = ": there are " + strings.Join(names, ", ")
	}
	return mapping.Table{}, curfew.Errorf(curfew.NotFound, "adopt maps no table called %s%s", name, hint)
}

// modesFor is how long modes may be cached.
const modesFor = 2 * time.Second

// adoption returns a table's row in adoptions, at most modesFor old.
func (s *Service) adoption(ctx context.Context, name string) (record.Adoption, error) {
	all, err := s.adoptions(ctx)
	if err != nil {
		return record.Adoption{}, err
	}
	if a, ok := all[name]; ok {
		return a, nil
	}
	return record.Adoption{Name: name, Mode: record.AdoptOff}, nil
}

func (s *Service) adoptions(ctx context.Context) (map[string]record.Adoption, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.modes != nil && time.Since(s.readAt) < modesFor {
		return s.modes, nil
	}
	asked := time.Now()
	all, err := readAdoptions(ctx, s.Pool)
	if err != nil {
		return nil, err
	}
	s.modes, s.readAt = all, asked
	return all, nil
}

// forget makes the next call read the modes again.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes = nil
}

// Enforced lists the mapped tables whose overdue rows are ended, by any rule.
func (s *Service) Enforced(ctx context.Context) ([]string, error) {
	all, err := s.adoptions(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range s.Tables {
		if a := all[t.Name]; a.Mode == record.AdoptEnforce && len(a.Rules) > 0 {
			names = append(names, t.Name)
		}
	}
	return names, nil
}

// May reports whether rows of a table are ended for this reason, and if not, why.
func (s *Service) May(source string, reason curfew.EndReason) (bool, string) {
	t, err := s.Table(source)
	if err != nil {
		return false, "the settings of this process map no table called " + source
	}
	ctx, cancel := context.WithTimeout(context.Background(), modesFor)
	defer cancel()
	a, err := s.adoption(ctx, source)
	switch {
	case err != nil:
		return false, "it is unknown whether " + source + " is enforced: " + reasonOf(err)
	case a.Mode != record.AdoptEnforce:
		return false, source + " is in mode " + a.Mode + ", so your own programs end its sessions (curfew adopt enforce " + source + ")"
	case !mapped(t, reason):
		return false, "the mapping of " + source + " has no ending for " + string(reason) + " (adopt." + source + ".end." + string(reason) + ")"
	case !slices.Contains(a.Rules, string(reason)):
		return false, "the rule " + string(reason) + " of " + source + " is not enforced (curfew adopt enforce " + source + " --rule " + string(reason) + ")"
	}
	return true, ""
}

func mapped(t mapping.Table, reason curfew.EndReason) bool {
	_, ok := t.End[reason]
	return ok
}
