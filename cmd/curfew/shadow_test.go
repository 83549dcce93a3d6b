package main

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// shadow is a service's database, behind its back. Statements name tables
// without their schema.
type shadow struct{ db *sql.DB }

func behindServe(t *testing.T, dir, address string) shadow {
	t.Helper()
	driver, source := "pgx", inSchema(t, address)
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+filepath.Join(dir, path)+"?_busy_timeout=30000"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return shadow{db}
}

// inSchema is the address for connections that look for tables in Curfew's
// schema.
func inSchema(t *testing.T, address string) string {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	query.Set("search_path", "curfew")
	at.RawQuery = query.Encode()
	return at.String()
}

func (b shadow) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := b.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (b shadow) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := b.db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// idle is a delivery that failed and is not being sent: each of its attempts is
// over. One that was replayed had ten before, which were forgotten as failures.
const idle = "failures > 0 AND (attempts - failures) % 10 = 0"

// due makes every delivery due that is idle.
func (b shadow) due(t *testing.T) {
	t.Helper()
	b.eachDelivery(t, "UPDATE deliveries SET next_at = created_at", "state = 'pending' AND next_at > created_at AND "+idle)
}

// expired ends the leases of deliveries whose sender was killed.
func (b shadow) expired(t *testing.T) {
	t.Helper()
	b.eachDelivery(t, "UPDATE deliveries SET next_at = created_at, attempts = failures", "state = 'pending'")
}

// eachDelivery changes deliveries one by one: the service locks them in another
// order.
func (b shadow) eachDelivery(t *testing.T, change, where string) {
	t.Helper()
	rows, err := b.db.QueryContext(t.Context(), "SELECT id FROM deliveries WHERE "+where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		b.exec(t, change+" WHERE id = $1 AND "+where, id)
	}
}
