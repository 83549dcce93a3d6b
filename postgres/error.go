package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The server's codes that decide something here.
const (
	uniqueViolation       = "23505"
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	duplicateSchema       = "42P06"
	undefinedTable        = "42P01"
	undefinedSchema       = "3F000"
	duplicateStatement    = "42P05"
	undefinedStatement    = "26000"
	readOnly              = "25006"
	lockTimeout           = "55P03"
	diskFull              = "53100"
	insufficientPrivilege = "42501"
)

// kinds maps a SQLSTATE, or its class of two characters, to a kind. Any other code is a
// defect, and its error is returned unchanged. The codes are those of PostgreSQL's
// documentation, appendix A.
var kinds = map[string]curfew.Kind{
	uniqueViolation: curfew.Conflict,
	"22021":         curfew.Invalid,  // a character that text cannot hold
	"22P02":         curfew.Invalid,  // an id that is not a UUID, in a write
	"22P05":         curfew.Invalid,  // a character that the database's encoding lacks
	"25P02":         curfew.Internal, // an earlier error was ignored

	"08": curfew.Unavailable, // connection
	"0A": curfew.Unavailable, // a plan whose table has changed; something that a pooler does not support
	"25": curfew.Unavailable, // state of the transaction: read only, timed out, none under a pooler
	"26": curfew.Unavailable, // a pooler mixes up prepared statements
	"28": curfew.Unavailable, // the role may not log in (any more)
	"3D": curfew.Unavailable, // no such database
	"40": curfew.Unavailable, // rolled back because of other transactions, after the last attempt
	"53": curfew.Unavailable, // disk, memory or connections have run out
	"55": curfew.Unavailable, // not in the needed state; lock timeout
	"57": curfew.Unavailable, // cancelled, timed out, shutting down, crashed, starting
	"58": curfew.Unavailable, // error of the system
	"72": curfew.Unavailable, // snapshot too old
	"F0": curfew.Unavailable, // configuration
	"XX": curfew.Unavailable, // error or corruption inside the server

	duplicateStatement: curfew.Unavailable,
	undefinedTable:     curfew.Unavailable, // the schema is missing or incomplete
	undefinedSchema:    curfew.Unavailable,
	"42703":            curfew.Unavailable, // a column is missing
	"42883":            curfew.Unavailable, // a function is missing
	"42501":            curfew.Unavailable, // the role has lost a privilege
}

// said holds the message that callers may read for each kind; details stay in the cause.
var said = map[curfew.Kind]string{
	curfew.Conflict:    "another was first",
	curfew.Invalid:     "the database cannot hold this value",
	curfew.NotFound:    "there is no such thing",
	curfew.Unavailable: "the database cannot answer now: try again",
}

// translate gives a driver's error its kind, by its SQLSTATE. The driver's error stays in
// it, for the log. An error without a kind is a defect.
func translate(err error) error {
	if err == nil || curfew.KindOf(err) != curfew.Internal {
		return err
	}
	kind := kindOf(err)
	switch c := code(err); {
	case c == duplicateStatement || c == undefinedStatement:
		err = fmt.Errorf("a pooler stands before the database and mixes up prepared statements: "+
			"add default_query_exec_mode=cache_describe to the database's URL (docs/replicas.md): %w", err)
	case kind == curfew.Internal:
		return err
	case c == lockTimeout:
		err = fmt.Errorf("%w: %w", record.ErrRowHeld, err)
	}
	message := said[kind]
	if code(err) == readOnly || errors.Is(err, errStandby) || errors.Is(err, errReadOnly) {
		message = "the database takes no writes now: try again"
	}
	if code(err) == diskFull {
		message = "the database or its disk is full"
	}
	return fmt.Errorf("%w (%w)", curfew.Errorf(kind, "%s", message), err)
}

func kindOf(err error) curfew.Kind {
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		if kind, ok := kinds[refused.Code]; ok {
			return kind
		}
		if kind, ok := kinds[refused.Code[:min(2, len(refused.Code))]]; ok {
			return kind
		}
	case errors.Is(err, pgx.ErrNoRows):
		return curfew.NotFound
	case unreachable(err):
		return curfew.Unavailable
	}
	return curfew.Internal
}

// unreachable reports whether no answer came, so that the outcome is unknown.
func unreachable(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// repeatable reports whether the server rolled the transaction back because of other
// transactions, or because of a connection that is closed now.
func repeatable(err error) bool {
	return code(err) == serializationFailure || code(err) == deadlockDetected || code(err) == readOnly
}

// code is the SQLSTATE of an error, or empty if it does not come from the server.
func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

const (
	undefinedObject   = "42704"
	protocolViolation = "08P01"
)

// refusedParameter turns the refusal of a startup parameter into an error that is not
// retried. PgBouncer has one code for everything that it refuses, so here the text
// decides.
func refusedParameter(err error) error {
	var connect *pgconn.ConnectError
	var refused *pgconn.PgError
	switch {
	case !errors.As(err, &connect) || !errors.As(err, &refused):
	case refused.Code == undefinedObject:
		return curfew.Errorf(curfew.Invalid, "the server does not know a parameter of the database URL: %s: take it out of the URL", refused.Message)
	case refused.Code == protocolViolation && strings.Contains(refused.Message, "startup parameter"):
		return curfew.Errorf(curfew.Invalid, "a pooler stands before the database and refuses how connections begin: %s: "+
			"if it is a timeout, set database_timeouts to role (docs/supabase.md says what that costs), otherwise take it out of the URL", refused.Message)
	}
	return err
}

// orMissing replaces a NotFound by one that says what is missing.
func orMissing(err, missing error) error {
	if errors.Is(err, curfew.NotFound) {
		return missing
	}
	return err
}

// wrap says what was being done; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
