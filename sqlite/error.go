package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/curfewhq/curfew"
)

// translate gives a driver's error its kind, by its result code. The driver's error stays
// in it, for the log. An error without a kind is a defect.
func translate(err error) error {
	if err == nil || curfew.KindOf(err) != curfew.Internal {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return as(curfew.NotFound, "there is no such thing", err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return as(curfew.Unavailable, "the database cannot answer now: try again", err)
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	return translateCode(e.Code(), err)
}

func translateCode(code int, err error) error {
	switch code {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return as(curfew.Conflict, "another was first", err)
	case lib.SQLITE_TOOBIG:
		return as(curfew.Invalid, "the database cannot hold this value", err)
	}
	switch code & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return as(curfew.Unavailable, "the database is held by another program", err)
	case lib.SQLITE_ERROR:
		if incomplete(err) {
			return as(curfew.Unavailable, "the database cannot answer now: try again", err)
		}
	case lib.SQLITE_FULL:
		return as(curfew.Unavailable, "the database or its disk is full", err)
	case lib.SQLITE_READONLY:
		return as(curfew.Unavailable, "the database takes no writes now: try again", err)
	case lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM,
		lib.SQLITE_NOMEM, lib.SQLITE_INTERRUPT, lib.SQLITE_ABORT, lib.SQLITE_CORRUPT:
		return as(curfew.Unavailable, "the database cannot answer now: try again", err)
	case lib.SQLITE_NOTADB:
		return as(curfew.Invalid, "the file is no SQLite database", err)
	}
	return err
}

// incomplete reports whether a table or a column is missing. SQLite has no code for that.
func incomplete(err error) bool {
	text := err.Error()
	return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") || strings.Contains(text, "has no column named")
}

// worn reports whether another connection may do better: one that was opened while the
// file was read-only stays read-only.
func worn(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_READONLY, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// ends reports whether SQLite may have rolled the transaction back with the
// statement that failed.
func ends(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_ERROR, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG:
		return false
	case lib.SQLITE_CONSTRAINT:
		return e.Code() == lib.SQLITE_CONSTRAINT_TRIGGER // the trigger's author chose it
	}
	return true
}

// unsaved reports whether a COMMIT that failed has certainly saved nothing: it was
// refused before its last page, which counts, was written.
func unsaved(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_FULL, lib.SQLITE_BUSY, lib.SQLITE_CONSTRAINT:
		return true
	}
	return false
}

// as returns an error of a kind with its cause.
func as(kind curfew.Kind, message string, cause error) error {
	return fmt.Errorf("%w (%w)", curfew.Errorf(kind, "%s", message), cause)
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
