package postgres

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unwalked is the statements that the walks under stale statistics leave out: the text
// that one begins with, or the file of several, with the reason.
var unwalked = map[string]string{
	"SELECT coalesce(c.noun, t.noun) AS noun": "all rows are counted, however long it takes",
	"INSERT INTO curfew.tallies":              "all rows are counted, however long it takes",
	"INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan, version) SELECT": mending,
	"UPDATE curfew.checkouts c SET money_due = true":                                        mending,
	"UPDATE curfew.checkouts c SET capture = 'due', next_at = now(), updated_at":            mending,
	"INSERT INTO curfew.session_requests":                                                   mending,
	"UPDATE curfew.session_requests r SET status = 'cancelled', ended_at = now() WHERE":     mending,
	"INSERT INTO curfew.mechanic_slots":                                                     mending,
	"DELETE FROM curfew.audit_subjects s":                                                   "the latest thousand entries are read, by their numbers",
	"backup.go":                                                                             "a restore fills empty tables, which are then counted",
	"clock.go":                                                                              "a test clock is refused unless the tables are empty",
	"readers.go":                                                                            "these are views: whoever reads them brings the rest of the statement",
}

const mending = "all rows of the table are mended, however long it takes"

// few is tables with a partial index that have few rows, or few in that index, at any time.
var few = []string{"approvals", "runs", "jobs", "audit_links", "audit_subjects", "adoptions"}

// uncovered fails for each statement that is not among those that were asked, and
// names a table with a partial index. Only these can be misled: the planner reads
// such an index from end to end if it takes it for empty.
func (f *fixture) uncovered(asked []string) {
	f.Helper()
	for i, sql := range asked {
		asked[i] = squeeze(sql)
	}
	tables := regexp.MustCompile(`\bcurfew\.(` + strings.Join(f.rows(`SELECT DISTINCT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		WHERE i.indpred IS NOT NULL AND c.relnamespace = 'curfew'::regnamespace AND c.relname <> ALL ($1)`, few), "|") + `)\b`)
	all, excused := statements(f.T), map[string]bool{}
	for _, sql := range slices.Sorted(maps.Keys(all)) {
		if !tables.MatchString(sql) || slices.ContainsFunc(asked, func(a string) bool { return strings.Contains(a, sql) }) {
			continue
		}
		if why := excuse(sql, all[sql]); why != "" {
			excused[why] = true
			continue
		}
		f.Errorf("%s: nothing asks this under stale statistics:\n\t%s", all[sql], sql)
	}
	for what := range unwalked {
		if !excused[what] {
			f.Errorf("%q excuses nothing any more", what)
		}
	}
}

// excuse is the entry of unwalked that names a statement, or empty.
func excuse(sql, at string) string {
	for what := range unwalked {
		if strings.HasPrefix(sql, what) || strings.Contains(at, "/"+what+":") {
			return what
		}
	}
	return ""
}

// statements is the SQL of the package, with the place of each: every constant text
// that begins as a statement does and is not the beginning of another.
func statements(t *testing.T) map[string]string {
	t.Helper()
	m := module{t, token.NewFileSet(), map[string]*types.Package{}}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	m.check("github.com/curfewhq/curfew/postgres", info)
	all := map[string]string{}
	for e, v := range info.Types {
		if v.Value == nil || v.Value.Kind() != constant.String {
			continue
		}
		if sql := squeeze(constant.StringVal(v.Value)); verb.MatchString(sql) {
			all[sql] = m.files.Position(e.Pos()).String()
		}
	}
	maps.DeleteFunc(all, func(sql, _ string) bool {
		for other := range all {
			if len(other) > len(sql) && strings.Contains(other, sql) {
				return true
			}
		}
		return false
	})
	return all
}

var verb = regexp.MustCompile(`^\(?(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b`)

func squeeze(sql string) string { return strings.Join(strings.Fields(sql), " ") }

// module reads the constants of the module's packages from their source. What other
// people's packages declare is missing: none of it is SQL.
type module struct {
	t     *testing.T
	files *token.FileSet
	known map[string]*types.Package
}

func (m module) Import(of string) (*types.Package, error) {
	if p := m.known[of]; p != nil {
		return p, nil
	}
	if strings.HasPrefix(of, "github.com/curfewhq/curfew") {
		return m.check(of, nil), nil
	}
	p := types.NewPackage(of, path.Base(of))
	p.MarkComplete()
	m.known[of] = p
	return p, nil
}

func (m module) check(of string, info *types.Info) *types.Package {
	m.t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", strings.TrimPrefix(of, "github.com/curfewhq/curfew"), "*.go"))
	if err != nil {
		m.t.Fatal(err)
	}
	var files []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(m.files, p, nil, parser.SkipObjectResolution)
		if err != nil {
			m.t.Fatal(err)
		}
		files = append(files, f)
	}
	c := types.Config{Importer: m, Error: func(error) {}, IgnoreFuncBodies: info == nil}
	m.known[of], _ = c.Check(of, m.files, files, info)
	return m.known[of]
}
