package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/record"
)

// noteTimeout limits how long a command waits for its audit log entry to be written.
const noteTimeout = 5 * time.Second

// commandNote is the audit log entry of a command that opens the database.
type commandNote struct {
	action string
	about  record.AuditSubject
	term   terminal
}

type noteKey struct{}

// withNote returns the context of a command, named by its words, such as "keys create".
func withNote(ctx context.Context, words string, term terminal) context.Context {
	if unnoted[words] {
		return ctx
	}
	action := commandActions[words]
	if action == "" {
		action = "command:" + words
	}
	return context.WithValue(ctx, noteKey{}, &commandNote{action: action, term: term})
}

// wordsOf returns a command without its arguments: "keys rotate" for "keys rotate <key>".
func wordsOf(command string) string {
	words, _, _ := strings.Cut(command, " <")
	return words
}

// unnoted are commands that change nothing and reveal nothing about a person.
var unnoted = map[string]bool{"health": true, "verify": true, "doctor": true}

// commandActions maps commands to the operations of the routes that do the same, so that one name
// finds both.
var commandActions = map[string]string{
	"check": "sessionStatus", "explain": "explain", "cleanup": "runCleanup", "undo": "undoRun", "acknowledge": "acknowledgeFinding",
	"checkouts list": "findCheckouts", "checkouts show": "readCheckout", "checkouts evidence": "checkoutEvidence",
	"checkouts fulfil": "fulfillHeld", "checkouts assign": "assignHeld", "checkouts refund": "refundCheckout", "checkouts credit": "creditCheckout",
	"checkouts ignore": "ignoreCheckout", "checkouts restore": "restoreCheckout", "books": "readBooks",
	"webhooks add": "addEndpoint", "webhooks list": "listEndpoints", "webhooks rotate": "rotateEndpoint", "webhooks remove": "removeEndpoint",
	"deliveries list": "listDeliveries", "deliveries show": "readDelivery", "deliveries replay": "replayDelivery",
	"token revoke": "revokeTokens", "keys create": "createKey", "keys list": "listKeys", "keys rotate": "rotateKey", "keys revoke": "revokeKey",
	"logins list": "listSignIns", "logins end": "endSignIn", "audit list": "listAudit", "audit export": "exportAudit",
	"jobs list": "listJobs", "jobs show": "readJob", "jobs cancel": "cancelJob",
	"approvals list": "listApprovals", "approvals approve": "approve", "approvals reject": "reject",
}

// about records for the audit log whom and what a command is about. Empty arguments keep earlier
// values.
func about(ctx context.Context, customerID, object, detail string) {
	note, ok := ctx.Value(noteKey{}).(*commandNote)
	if !ok {
		return
	}
	if customerID == curfew.Nobody {
		customerID = ""
	}
	for field, text := range map[*string]string{&note.about.Customer: customerID, &note.about.Object: object, &note.about.Detail: detail} {
		if text != "" {
			*field = text
		}
	}
}

// writeNote writes the audit log entry of a command. If that fails, the command still succeeds: it
// is done, and its output is printed.
func (s *settings) writeNote(ctx context.Context, db database, err error) {
	note, ok := ctx.Value(noteKey{}).(*commandNote)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	log := s.auditLog(db, audit.Options{})
	log.Note(record.AuditEntry{Actor: operator(), Action: note.action, Via: audit.ViaCommand, Status: exitOf(err), About: note.about})
	if err := log.Write(ctx); err != nil {
		note.term.notef("curfew: this is missing in the audit log: %s\n", oneLine(err.Error()))
	}
}
