package record

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// samePayment begins the reason of the event of a checkout whose payment turns out to be
// another's. The name of that one follows.
const samePayment = "the same payment as "

// Check returns an Invalid error for what no provider can mean.
func (t PaymentReport) Check() error {
	if len(t.References) == 0 {
		return curfew.Errorf(curfew.Invalid, "what is told of a payment must name it")
	}
	for _, ref := range t.Names() {
		if err := curfew.CheckRef("the reference of a payment", ref); err != nil {
			return err
		}
	}
	if len(t.Facts) > 0 && t.Provider == "" {
		return curfew.Errorf(curfew.Invalid, "the facts of a payment need the provider that told them")
	}
	for _, f := range t.Facts {
		if err := f.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the references in order, each once.
func (t PaymentReport) Names() []string {
	names := slices.Clone(t.References)
	if t.Name != "" {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Reported is what a store writes when something was reported of a payment.
type Reported struct {
	PaymentID string
	// New is whether anything of it is new. If not, nothing is written but the times of facts
	// that still hold.
	New   bool
	Names []PaymentName // all of the payment, as they become
	Facts []PaymentFact // those that are new or become different
	// Merged are other payments that turn out to be this one. Their facts go.
	Merged []string
	// Checkouts are all of the payment, as they become, except for UpdatedAt.
	Checkouts []ReportedCheckout
	Before    *curfew.Checkout // see Ledger
}

// ReportedCheckout is a checkout of a payment of which something new was told. Its version
// has risen by one, with an event of this reason.
type ReportedCheckout struct {
	curfew.Checkout
	Reason string
	// Remembered replaces the metadata unless nil.
	Remembered map[string]string
}

// Report decides what a report adds to what is known. The rows are everything of each
// payment that has one of the names. Unclaimed are names that nobody has claimed, each
// with the payment whose checkout an older program has written with it. The payment is
// fresh, a new id, if there is none yet.
func (rows PaymentRows) Report(t PaymentReport, unclaimed map[string]string, fresh string) Reported {
	l := &reporting{reported: t, rows: rows, unclaimed: unclaimed}
	l.chooseSurvivor(fresh)
	l.name()
	l.addFacts()
	l.follow()
	if !l.New {
		l.Names, l.Checkouts = nil, nil
	}
	return l.Reported
}

// Writes reports whether there is anything to write.
func (r Reported) Writes() bool { return r.New || len(r.Facts) > 0 }

// reporting is Reported as it comes about.
type reporting struct {
	Reported
	reported  PaymentReport
	rows      PaymentRows
	unclaimed map[string]string
	known     []PaymentFact // all of the payment, in any order
}

// chooseSurvivor finds out which payment it is: of several the oldest that has a checkout,
// else the oldest.
func (l *reporting) chooseSurvivor(fresh string) {
	paid := map[string]bool{} // whether it has a checkout, by payment
	for _, id := range l.unclaimed {
		paid[id] = true
	}
	for _, n := range l.rows.Names {
		paid[n.PaymentID] = paid[n.PaymentID] || n.CustomerID != curfew.Nobody
	}
	for _, c := range l.rows.Checkouts {
		paid[c.Payment()] = true
	}
	for _, id := range sortedKeys(paid) {
		if l.PaymentID == "" || paid[id] && !paid[l.PaymentID] {
			l.PaymentID = id
		}
	}
	delete(paid, l.PaymentID)
	l.Merged = sortedKeys(paid)
	l.PaymentID = cmp.Or(l.PaymentID, fresh)
	l.New = len(l.Merged) > 0
}

// name gives the payment all its names, of its first checkout's customer.
func (l *reporting) name() {
	owner := PaymentName{CustomerID: curfew.Nobody}
	var version int64
	for _, n := range l.rows.Names {
		version = max(version, n.Version)
		if n.PaymentID == l.PaymentID && n.CustomerID != curfew.Nobody {
			owner = n
		}
	}
	for _, c := range l.rows.Checkouts {
		if c.ID == l.PaymentID {
			owner = PaymentName{CustomerID: c.CustomerID, Plan: c.Plan}
		}
	}
	byRef := map[string]PaymentName{}
	for _, n := range l.rows.Names {
		byRef[n.Ref] = n
	}
	for _, ref := range l.reported.Names() {
		n, known := byRef[ref]
		main := n.Main || ref == l.reported.Name
		l.New = l.New || !known || main != n.Main
		byRef[ref] = PaymentName{Ref: ref, Main: main}
	}
	for _, ref := range sortedKeys(byRef) {
		l.Names = append(l.Names, PaymentName{
			Ref: ref, PaymentID: l.PaymentID, CustomerID: owner.CustomerID, Plan: owner.Plan, Version: version + 1, Main: byRef[ref].Main,
		})
	}
}

// addFacts adds what was told, what the merged payments know, and what an older program has
// kept under a name that is claimed only now.
func (l *reporting) addFacts() {
	stored, known := map[factKey]PaymentFact{}, map[factKey]PaymentFact{}
	add := func(f PaymentFact) {
		f.PaymentID = l.PaymentID
		if k, ok := known[f.key()]; ok {
			f.Fact = k.Known(f.Fact)
		}
		known[f.key()] = f
	}
	for _, f := range l.rows.Facts {
		if f.PaymentID == l.PaymentID {
			stored[f.key()] = f
		}
		add(f)
	}
	for _, c := range l.keepers() {
		add(captured(l.PaymentID, c))
	}
	for _, f := range l.reported.Facts {
		f.At, f.Until = instant(f.At), instant(f.Until)
		add(PaymentFact{Provider: l.reported.Provider, Account: l.reported.Account, Fact: f})
	}
	for key, f := range known {
		l.known = append(l.known, f)
		if old, ok := stored[key]; !ok || !old.Equal(f) {
			l.Facts = append(l.Facts, f)
		}
	}
	slices.SortFunc(l.Facts, func(a, b PaymentFact) int { return a.key().compare(b.key()) })
	l.New = l.New || slices.ContainsFunc(l.Facts, func(f PaymentFact) bool { return !f.again(stored[f.key()]) }) || l.moves(stored)
}

// keepers returns the oldest checkout of each unclaimed name.
func (l *reporting) keepers() []curfew.Checkout {
	var all []curfew.Checkout
	for _, c := range slices.SortedFunc(slices.Values(l.rows.Checkouts), older) {
		_, ours := l.unclaimed[c.PaymentID]
		if ours && !slices.ContainsFunc(all, func(k curfew.Checkout) bool { return k.PaymentID == c.PaymentID }) {
			all = append(all, c)
		}
	}
	return all
}

// main is the name that refunds use, where somebody has said it.
func (l *reporting) main() string {
	for _, n := range l.Names {
		if n.Main {
			return n.Ref
		}
	}
	return ""
}

// follow has every checkout of the payment judged anew.
func (l *reporting) follow() {
	for _, c := range slices.SortedFunc(slices.Values(l.rows.Checkouts), older) {
		became := ReportedCheckout{Checkout: c, Reason: l.reported.Reason}
		if c.Payment() != l.PaymentID {
			became.LineOf, became.Reason = l.PaymentID, samePayment+l.reference()
		}
		became.PaymentID = cmp.Or(c.PaymentID, l.reported.Name, l.main())
		unknown := c.Amount == 0 && c.Currency == "" && c.Line <= 1 && l.reported.Currency != ""
		l.New = l.New || became.PaymentID != c.PaymentID || unknown || l.overtaken(c)
		if unknown && !l.pays() { // two reports of one payment, without its amount
			became.Amount, became.Currency = l.reported.Amount, l.reported.Currency
		}
		became.Version, became.MoneyDue = c.Version+1, true
		l.Checkouts = append(l.Checkouts, became)
	}
	if l.New && l.pays() {
		before := l.Checkouts[0].Checkout
		if !l.paid(before.Amount, before.Currency) {
			l.Before = &l.rows.Checkouts[0]
		}
		l.Checkouts[0].Amount, l.Checkouts[0].Currency = l.reported.Amount, l.reported.Currency
	}
	l.divide()
	l.doubt()
}

// divide has the first line remember the others, and keeps its share of what was paid. The
// shop may have reported the payment before anybody said that it is for several.
func (l *reporting) divide() {
	n, plan := Lines{l.reported.Quantity, l.reported.Amount}, l.reported.Plan
	for _, c := range l.rows.Checkouts {
		if known := LinesOf(c); known.Count > 1 {
			n, plan = known, c.Plan
		}
	}
	if n.Count < 2 || n.Count > MaxLines {
		return
	}
	for i, c := range l.Checkouts {
		open := LinesOf(c.Checkout).Count < 2 || l.New && l.pays()
		if c.Line > 1 || c.Plan != plan || !open {
			continue
		}
		remembered := map[string]string{}
		maps.Copy(remembered, c.Metadata)
		remembered[linesKey] = n.String()
		c.Metadata, c.Remembered, c.Amount = remembered, remembered, n.Total
		if bought(c.Outcome) {
			c.Amount = n.Share(1)
		}
		l.New, l.Checkouts[i] = true, c
	}
}

// doubt marks the checkouts that the payment may not be worth.
func (l *reporting) doubt() {
	rows := PaymentRows{Names: l.Names, Facts: l.known, Repaid: l.rows.Repaid}
	for _, c := range l.Checkouts {
		rows.Checkouts = append(rows.Checkouts, c.Checkout)
	}
	after, _ := rows.Ledger(l.PaymentID)
	b := after.Money()
	for i, c := range l.Checkouts {
		gone := b.Gone()+b.Open() > 0 && after.LeftFor(c.Checkout, b.Worth()) < Cost(c.Checkout, b)
		l.Checkouts[i].AtRisk = gone || b.State == "failed"
	}
}

// pays reports whether what was paid is what the only checkout costs.
func (l *reporting) pays() bool { return l.reported.Currency != "" && len(l.rows.Checkouts) == 1 }

// paid reports whether so much was paid.
func (l *reporting) paid(amount int64, currency string) bool {
	return amount == l.reported.Amount && strings.EqualFold(currency, l.reported.Currency)
}

// overtaken reports whether the shop told of the checkout between what the provider told of
// its money and this, so that the checkout costs what the shop says still.
func (l *reporting) overtaken(c curfew.Checkout) bool {
	if !l.pays() || l.paid(LinesOf(c).Total, c.Currency) {
		return false
	}
	known, _ := PaymentRows{Names: l.Names, Facts: l.known}.Ledger(l.PaymentID)
	got := known.Money()
	return l.paid(got.Captured+got.Authorised, got.Currency)
}

// reference is what people call the payment: the first checkout's reference, else one of
// its names.
func (l *reporting) reference() string {
	for _, c := range l.rows.Checkouts {
		if c.ID == l.PaymentID && c.Ref != "" {
			return c.Ref
		}
	}
	for _, n := range l.rows.namesOf(l.PaymentID) {
		return n.Ref
	}
	return l.PaymentID
}

// instant is a time with the precision of the rows.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
