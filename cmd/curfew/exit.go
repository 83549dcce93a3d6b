package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
)

// Common exit codes. Some commands have others of their own.
const (
	exitFailed = 1
	exitUsage  = 64
)

// exitCode ends the process with a code that is an answer, not a failure: nothing is printed for
// it.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a mistake on the command line or in the settings.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// asUsage turns invalid input, as reported by the session keeper, into a usageError.
func asUsage(err error) error {
	if errors.Is(err, curfew.Invalid) {
		return usageError{err}
	}
	return err
}

// report prints an error in one line and returns the exit code for it.
func report(term terminal, err error) int {
	if answer := exitCode(0); err == nil || errors.As(err, &answer) {
		return exitOf(err)
	}
	term.notef("curfew: %s\n", curfew.Visible(oneLine(err.Error())))
	return exitOf(err)
}

// exitOf returns the exit code for an error.
func exitOf(err error) int {
	var answer exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &answer):
		return int(answer)
	case errors.As(err, &usageError{}):
		return exitUsage
	}
	return exitFailed
}

// oneLine joins the lines of a text.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
