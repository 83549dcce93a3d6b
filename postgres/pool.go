package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// A connection can die silently: its socket stays open, but nothing arrives any
// more. The server's timeouts do not help then, so each wait has a limit here.
const (
	// callTimeout limits one call, including the wait for a connection.
	callTimeout = 10 * time.Second
	// connectTimeout limits connecting to one host, unless the URL sets a limit.
	connectTimeout = 5 * time.Second
	// pingTimeout limits the check of an idle connection, unless the URL sets a
	// limit. A call that times out after at least this long had a dead connection,
	// not merely an impatient caller.
	pingTimeout = 2 * time.Second
	// closeTimeout is how long a connection may take to close. Until then it
	// occupies a connection of the pool.
	closeTimeout = time.Second
	// resetPause keeps calls that fail at the same time from closing each other's
	// new connections.
	resetPause = time.Second
)

// pool is pgx's pool with a limit on every call. When a connection has died
// silently, or turns out to be read-only, it closes the idle ones too, so that
// the next call gets a new one.
type pool struct {
	*pgxpool.Pool
	timeout time.Duration
	foreign bool // made by the embedder
	serving bool // the database was accepted before: see unfit

	mu    sync.Mutex
	reset time.Time // when the pool was last reset
}

// with runs do on a connection, within the pool's limit or the caller's own,
// whichever ends sooner.
func (p *pool) with(ctx context.Context, do func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	begun := time.Now()
	conn, err := p.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		if err = p.accept(ctx, conn.Conn().PgConn()); err != nil {
			return p.unfit(err)
		}
		if err = do(ctx, conn); worn[code(err)] {
			_ = conn.Conn().Close(ctx) // Release then drops it
		}
	}
	switch {
	case code(err) == readOnly, errors.Is(err, context.DeadlineExceeded) && time.Since(begun) >= min(pingTimeout, p.timeout):
		p.renew()
	}
	if conn == nil {
		return p.unfit(err)
	}
	return err
}

// unfit returns why a database is refused, without the driver's text around it.
// Once the database has been accepted, the error is Unavailable, so that callers
// try again.
func (p *pool) unfit(err error) error {
	var refused *curfew.Error
	switch {
	case !errors.As(err, &refused):
		return err
	case p.serving:
		return curfew.Errorf(curfew.Unavailable, "%s", refused.Message)
	}
	return refused
}

// renew closes every connection: idle ones now, the others when they are released.
func (p *pool) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.reset) >= resetPause {
		p.reset = now
		p.Reset()
	}
}

// worn holds the errors after which another connection may succeed: it reaches
// another server or backend, prepares its statements anew, or (after a lock
// timeout) uses another shard of the tallies.
var worn = map[string]bool{
	readOnly: true, lockTimeout: true, "25001": true, "25P01": true, "25P02": true, "0A000": true,
	duplicateStatement: true, undefinedStatement: true,
}

// openPool creates Curfew's own pool, with defaults for what the URL leaves open.
func openPool(ctx context.Context, config *pgxpool.Config, url string, o Options) (*pool, error) {
	c := config.ConnConfig
	if mustWrite(c, url) {
		c.ValidateConnect = writable
	}
	Configure(config)
	p := &pool{timeout: limitOf(config, o.Timeout)}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = min(connectTimeout, p.timeout)
	}
	if config.PingTimeout <= 0 {
		config.PingTimeout = min(pingTimeout, p.timeout)
	}
	limitCancel(c)
	p.renewAfterPing(config)
	made, err := pgxpool.NewWithConfig(ctx, config)
	p.Pool = made
	return p, err
}

// limitOf returns how long a call may take: the timeout or, if that is 0, the
// longer of callTimeout and twice the statement_timeout.
func limitOf(config *pgxpool.Config, timeout time.Duration) time.Duration {
	if timeout > 0 {
		return timeout
	}
	statement, _ := time.ParseDuration(config.ConnConfig.RuntimeParams["statement_timeout"]) // 0 in PostgreSQL's other notations
	return max(callTimeout, 2*statement)
}

// renewAfterPing makes the pool close all connections once an idle one fails its
// ping, so that no second ping has to time out. It also limits how long closing
// a connection takes.
func (p *pool) renewAfterPing(config *pgxpool.Config) {
	const asked = "curfew: asked whether it is alive"
	config.ShouldPing = func(_ context.Context, idle pgxpool.ShouldPingParams) bool {
		ask := idle.IdleDuration > time.Second
		idle.Conn.PgConn().CustomData()[asked] = ask
		return ask
	}
	config.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
		conn.PgConn().CustomData()[asked] = false
		return true, nil
	}
	config.BeforeClose = func(conn *pgx.Conn) {
		socket := conn.PgConn().Conn()
		time.AfterFunc(closeTimeout, func() { _ = socket.Close() }) // mostly closed by then
		if conn.IsClosed() && conn.PgConn().CustomData()[asked] == true {
			p.renew()
		}
	}
}

// limitCancel limits the cancel request that pgx sends when a call is given up.
// Every dial sets a deadline. AfterNetConnect, which pgx calls only for proper
// connections, clears it.
func limitCancel(c *pgx.ConnConfig) {
	dial, limit := c.DialFunc, c.ConnectTimeout
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(limit))
	}
	c.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		return conn, conn.SetDeadline(time.Time{})
	}
}

// mustWrite reports whether the URL leaves target_session_attrs open or asks for
// read-write.
func mustWrite(c *pgx.ConnConfig, url string) bool {
	if _, asked, found := strings.Cut(url, "target_session_attrs="); found {
		return strings.HasPrefix(asked, "read-write")
	}
	return c.ValidateConnect == nil // otherwise PGTARGETSESSIONATTRS asks for something
}

// The reasons to refuse a server.
var (
	errStandby  = errors.New("it is a standby: name the primary, or all servers of the cluster, in the database's URL")
	errReadOnly = errors.New("default_transaction_read_only is on for this server, database or role: switch it off, or use another role")
)

const selectWritable = `SELECT pg_is_in_recovery(), current_setting('transaction_read_only')`

// writable refuses a read-only server, so that the URL's next one is tried.
func writable(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, selectWritable).ReadAll()
	if err != nil {
		return err
	}
	switch row := results[0].Rows[0]; {
	case string(row[0]) == "t":
		return errStandby
	case string(row[1]) == "on":
		return errReadOnly
	}
	return nil
}
