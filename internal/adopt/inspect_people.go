package adopt

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// people finds the customer's and the mechanic's columns.
func (g *guess) people(ctx context.Context) error {
	mechanics := g.r.people(mechanicName)
	customers := slices.DeleteFunc(g.r.people(customerNames...), func(column string) bool { return contains(mechanics, column) })
	if creator, policy := g.r.creator(slices.Concat(customers, mechanics)); creator != "" {
		customers = append([]string{creator}, slices.DeleteFunc(customers, func(c string) bool { return c == creator })...)
		mechanics = slices.DeleteFunc(mechanics, func(c string) bool { return c == creator })
		if len(customers) > 1 {
			g.ask("customer", "%s is the customer, because policy %s lets only its own user insert a row; there is %s, too", creator, policy, strings.Join(customers[1:], ", "))
		}
	} else {
		g.fullest(customers)
	}
	if len(mechanics) > 0 {
		g.Mapping.Mechanic.Column = mechanics[0]
	}
	if len(mechanics) > 1 {
		g.ask("mechanic", "%s is taken for the mechanic; there is also %s", mechanics[0], strings.Join(mechanics[1:], ", "))
	}
	return g.customer(ctx, customers)
}

// creator returns the column that an INSERT policy compares with the caller.
func (r *Relation) creator(columns []string) (column, policy string) {
	for _, p := range r.Policies {
		if p.Command != "INSERT" {
			continue
		}
		for _, c := range columns {
			own := regexp.MustCompile(`(^|[^\w"])"?` + regexp.QuoteMeta(c) + `"? = |= "?` + regexp.QuoteMeta(c) + `"?($|[^\w"])`)
			if own.MatchString(p.Check) {
				return c, p.Name
			}
		}
	}
	return "", ""
}

// fullest sorts columns that are never NULL before others of the same tier.
func (g *guess) fullest(customers []string) {
	slices.SortStableFunc(customers, func(a, b string) int {
		if byTier := tier(customerNames, a) - tier(customerNames, b); byTier != 0 || !g.counted() {
			return byTier
		}
		filledA, _ := g.tallies.share(a)
		filledB, _ := g.tallies.share(b)
		return int(filledB - filledA)
	})
}

// customer chooses the customer's columns, and notes which rows have none.
func (g *guess) customer(ctx context.Context, people []string) error {
	if len(people) == 0 {
		return g.mailed()
	}
	g.Mapping.Customer = people[:1]
	filled, rows := g.tallies.share(people[0])
	switch {
	case g.r.Columns[people[0]].NotNull || g.counted() && filled == rows:
		return nil
	case g.counted():
		return g.complement(ctx, people, rows-filled)
	}
	for _, other := range people[1:] {
		if twin(people[0], other) && !g.r.Columns[other].NotNull {
			g.Mapping.Customer = append(g.Mapping.Customer, other)
			g.ask("customer", "the table has no rows: %s and %s are taken for two columns of which one is set", people[0], other)
		}
	}
	return nil
}

// twin reports whether two names end alike: online_patient_id and offline_patient_id.
func twin(a, b string) bool {
	tail := func(column string) string {
		_, after, _ := strings.Cut(snake(column), "_")
		return after
	}
	return tail(a) != "" && tail(a) != "id" && tail(a) == tail(b)
}

// complement looks for a second column that is set exactly where the first is NULL.
func (g *guess) complement(ctx context.Context, people []string, missing int64) error {
	first := people[0]
	for _, other := range people[1:] {
		found, err := g.look.rows(ctx, "SELECT count("+name(other)+") FILTER (WHERE "+name(first)+" IS NULL), count("+name(other)+") FILTER (WHERE "+
			name(first)+" IS NOT NULL) FROM "+g.r.String())
		if err != nil {
			return err
		}
		alone, both := whole(found[0][0]), whole(found[0][1])
		if alone > 0 && both == 0 {
			g.Mapping.Customer = append(g.Mapping.Customer, other)
			g.ask("customer", "the customer is in one of two columns: %s is set in %d rows and %s in %d, never both; make sure that the same id in both means the same customer",
				first, g.Rows-missing, other, alone)
			missing -= alone
			break
		}
	}
	if missing > 0 {
		g.unknownCustomers(missing)
	}
	return nil
}

// unknownCustomers notes in which statuses rows lack a customer.
func (g *guess) unknownCustomers(missing int64) {
	columns := strings.Join(g.Mapping.Customer, " and ")
	var where []string
	if len(g.Mapping.Customer) == 1 {
		for _, t := range g.tallies {
			if n := t.rows - t.filled[columns]; n > 0 {
				where = append(where, rowsOf(n)+" with status "+t.word)
			}
		}
	}
	text := ""
	if len(where) > 0 {
		text = " (" + strings.Join(where, ", ") + ")"
	}
	hint := ""
	if mail := g.r.first(role{mailName}, Column.text); mail != "" {
		hint = "; " + mail + " names no customer unless you list it too"
	}
	g.fact("customer", "%s is NULL in %s%s: Curfew keeps such a session once it has a customer%s", columns, ofRows(missing, g.Rows), text, hint)
}

// mailed falls back to an e-mail address as the customer.
func (g *guess) mailed() error {
	mail := g.r.first(role{regexp.MustCompile(`^(customer|client|patient|user|guest|buyer|member|booker)_e?mail(_address)?$`), mailName}, Column.text)
	if mail == "" {
		return curfew.Errorf(curfew.Invalid, "no column looks like the customer of a session")
	}
	g.Mapping.Customer = []string{mail}
	g.ask("customer", "the customer is an e-mail address: another spelling is another customer, and the address will show wherever Curfew shows a customer")
	return nil
}

// accepted decides whether a mechanic in the row has accepted, or was only asked for.
func (g *guess) accepted(context.Context) error {
	m := &g.Mapping.Mechanic
	if m.Column == "" {
		g.ask("mechanic", "no column says who serves a session: all that wait are without a mechanic")
		return nil
	}
	waiting := g.Mapping.Words(curfew.Waiting)
	marked := slices.DeleteFunc(slices.Clone(waiting), func(w string) bool { return !g.names.marks(w) })
	plain := slices.DeleteFunc(slices.Clone(waiting), g.names.marks)
	if found := slices.DeleteFunc(slices.Clone(plain), func(w string) bool { n, _ := g.tallies.share(m.Column, w); return n == 0 }); len(found) > 0 {
		plain = found
	}
	filled, rows := g.tallies.share(m.Column, plain...)
	there := slices.Concat(marked, g.Mapping.Words(curfew.Live), g.Mapping.Words(curfew.Completed))
	asked := g.r.Columns[m.Column].NotNull || most(filled, rows) || filled > 0 && len(marked) > 0
	switch {
	case asked && len(there) == 0:
		g.ask("mechanic", "%s is set before anybody has accepted, and no status is known in which somebody has: write {column: %s, accepted: […]} with those", m.Column, m.Column)
		*m = mapping.Mechanic{}
	case g.r.Columns[m.Column].NotNull:
		m.Accepted = there
		g.ask("mechanic.accepted", "%s is never NULL, so it names the mechanic the customer asked for: it counts as accepted in these statuses only", m.Column)
	case most(filled, rows):
		m.Accepted = there
		g.ask("mechanic.accepted", "%s is set in %s with status %s, so it names the mechanic the customer asked for: it counts as accepted in these statuses only",
			m.Column, ofRows(filled, rows), strings.Join(plain, ", "))
	case filled > 0 && len(marked) > 0:
		m.Accepted = there
		g.ask("mechanic.accepted", "%s is set in %s with status %s: a customer may ask for somebody, so a mechanic counts as accepted only in these statuses",
			m.Column, ofRows(filled, rows), strings.Join(plain, ", "))
	case !g.counted():
		g.ask("mechanic.accepted", "the table has no rows: %s counts as accepted wherever it is set; if it is whom the customer asked for, list the statuses instead", m.Column)
	case filled > 0:
		g.ask("mechanic.accepted", "%s is set in %s with status %s: that counts as accepted; if it is whom the customer asked for, list the statuses instead",
			m.Column, ofRows(filled, rows), strings.Join(plain, ", "))
	}
	return nil
}
