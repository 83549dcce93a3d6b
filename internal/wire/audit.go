package wire

import (
	"io"
	"strconv"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// AuditEntry is what somebody did or looked at.
type AuditEntry struct {
	Number    int64     `json:"number" doc:"From 1, without a gap"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor" doc:"As role:id; for customers, the role alone"`
	Action    string    `json:"action" doc:"An operationId, page: and a page's name, or command: and the words of a command"`
	Via       string    `json:"via" enum:"api,page,command,system"`
	Status    int       `json:"status,omitempty" doc:"The status of the response; for a command that failed, its exit code"`
	Subject   string    `json:"subject,omitempty" doc:"The customer whom it is about"`
	Object    string    `json:"object,omitempty" doc:"The id of the session, payment or other object that it is about"`
	Detail    string    `json:"detail,omitempty"`
	Erased    bool      `json:"erased,omitempty" doc:"Whether subject, object and detail were erased"`
	RequestID string    `json:"requestId,omitempty"`
}

// AuditPage is entries of the audit log, newest first.
type AuditPage struct {
	Entries    []AuditEntry `json:"entries" nullable:"false"`
	NextCursor *string      `json:"nextCursor,omitempty"`
}

// Audit converts an entry.
func Audit(e record.AuditEntry) AuditEntry {
	return AuditEntry{
		Number: e.Number, At: e.At.UTC(), Actor: AuditActor(e), Action: e.Action, Via: e.Via, Status: e.Status,
		Subject: e.About.Customer, Object: e.About.Object, Detail: e.About.Detail, Erased: e.Erased(), RequestID: e.RequestID,
	}
}

// AuditActor writes who did something.
func AuditActor(e record.AuditEntry) string {
	if e.Actor.ID == "" {
		return string(e.Actor.Role)
	}
	return e.Actor.String()
}

// AuditEntries converts a page that was read with one entry more than its limit.
func AuditEntries(all []record.AuditEntry, limit int) AuditPage {
	page := AuditPage{Entries: []AuditEntry{}}
	if len(all) > limit {
		all = all[:limit]
		next := strconv.FormatInt(all[limit-1].Number, 10)
		page.NextCursor = &next
	}
	for _, e := range all {
		page.Entries = append(page.Entries, Audit(e))
	}
	return page
}

// WriteAuditCSV writes entries as CSV, a row for each. It reads them part by part, each time behind the last; a part without
// entries is the end.
func WriteAuditCSV(w io.Writer, read func(after int64) ([]record.AuditEntry, error)) error {
	rows := [][]string{{"number", "at", "actor", "action", "via", "status", "subject", "object", "detail", "erased", "request"}}
	for after := int64(0); ; {
		all, err := read(after)
		if err != nil {
			return err
		}
		for _, e := range all {
			rows, after = append(rows, auditRow(e)), e.Number
		}
		if err := writeRows(w, rows...); err != nil || len(all) == 0 {
			return err
		}
		rows = nil
	}
}

func auditRow(e record.AuditEntry) []string {
	return []string{
		strconv.FormatInt(e.Number, 10), e.At.UTC().Format(time.RFC3339Nano), cell(AuditActor(e)), cell(e.Action), e.Via, strconv.Itoa(e.Status),
		cell(e.About.Customer), cell(e.About.Object), cell(e.About.Detail), map[bool]string{true: "yes"}[e.Erased()], cell(e.RequestID),
	}
}
