package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/record"
)

// noteTimeout is how long a command waits until its entry in the audit log is written.
const noteTimeout = 5 * time.Second

// commandNote is what the audit log says of a command that opens the database.
type commandNote struct {
	action string
	about  record.AuditSubject
	term   terminal
}

type noteKey struct{}

// withNote returns a context for a command, which goes by its words: "keys create".
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

// wordsOf returns the words of a command without its arguments: of "keys rotate <key>", "keys rotate".
func wordsOf(command string) string {
	words, _, _ := strings.Cut(command, " <")
	return words
}

// unnoted are the commands that change nothing and tell nothing of a person.
var unnoted = map[string]bool{"health": true, "verify": true, "doctor": true}

// commandActions are the operations of routes that commands carry out, so that one name finds both.
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

// about says for the audit log whom and what a command is about. What is empty leaves what was said before.
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

// writeNote writes what a command did. A failure changes nothing about the command: it is done, and its answer is printed.
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
