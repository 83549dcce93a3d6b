package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// format is hashed with every link. Whoever changes what is hashed changes it, too.
const format = "curfew audit log 1"

// digest hashes fields one by one, each with its length, so that no two lists of fields look alike.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

func (d digest) text(fields ...string) {
	for _, field := range fields {
		d.number(int64(len(field)))
		d.Write([]byte(field))
	}
}

func (d digest) number(fields ...int64) {
	for _, field := range fields {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(field)) //nolint:gosec // the bits are meant
		d.Write(b[:])
	}
}

func (d digest) hex() string { return hex.EncodeToString(d.Sum(nil)) }

// hashOf is the hash of a link: of the hash before it, of the link and of its entries.
func hashOf(before string, l record.AuditLink, entries []record.AuditEntry) string {
	d := newDigest()
	d.text(format, before)
	d.number(l.Number, l.First, l.Last, l.Lost, l.At.UnixMicro(), int64(len(entries)))
	for _, e := range entries {
		d.number(e.Number, e.At.UnixMicro(), int64(e.Status))
		d.text(e.Actor.String(), e.Action, e.Via, e.RequestID, e.Commitment)
	}
	return d.hex()
}

// commitment is what the chain holds of an entry's subject. Without the salt nobody can try which subject it was.
func commitment(a record.AuditSubject) string {
	d := newDigest()
	d.text(a.Salt, a.Customer, a.Object, a.Detail)
	return d.hex()
}

// commit salts what an entry says of persons, if it says anything.
func commit(e record.AuditEntry) record.AuditEntry {
	if e.About == (record.AuditSubject{}) {
		return e
	}
	e.About.Salt = rand.Text()
	e.Commitment = commitment(e.About)
	return e
}

// noted is an entry that is not written yet.
type noted struct {
	record.AuditEntry
	at time.Time // by this process's clock, to measure how long ago
}

// link returns the next link behind a head, with its entries. Their times are the store's.
func link(head record.AuditHead, batch string, all []noted, lost int64, now time.Time) (record.AuditLink, []record.AuditEntry) {
	at := head.Now.UTC().Truncate(time.Microsecond)
	l := record.AuditLink{
		Number: head.Number + 1, Batch: batch, First: head.Last + 1, Last: head.Last + int64(len(all)), Lost: lost, At: at,
	}
	entries := make([]record.AuditEntry, len(all))
	for i, n := range all {
		entries[i] = n.AuditEntry
		entries[i].Number = l.First + int64(i)
		entries[i].At = at.Add(-max(0, now.Sub(n.at))).Truncate(time.Microsecond)
	}
	l.Hash = hashOf(head.Hash, l, entries)
	return l, entries
}
