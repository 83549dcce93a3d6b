package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// plan finds the column that names the plan that was bought.
func (g *guess) plan(ctx context.Context) error {
	column := g.r.first(planNames, func(c Column) bool { return c.text() || c.Words != nil })
	if column == "" {
		return nil
	}
	g.Mapping.Plan = column
	if !g.counted() {
		return nil
	}
	found, err := g.look.counts(ctx, g.r.String(), name(column), name(column)+" IS NOT NULL")
	if err == nil && len(found) > 0 {
		g.fact("plan", "the plans in %s are %s: each needs an entry in the setting plans to have a duration", column, listOf(found))
	}
	return err
}

func listOf(found []count) string {
	all := make([]string, len(found))
	for i, n := range found {
		text := n.text
		if n.null {
			text = "NULL"
		}
		all[i] = fmt.Sprintf("%s (%d)", text, n.rows)
	}
	return strings.Join(all, ", ")
}

// payment finds the provider's reference, and the column that marks a session as paid.
func (g *guess) payment(ctx context.Context) error {
	ref := g.r.first(referenceNames, Column.text)
	paid := g.r.find(paidNames, func(c Column) bool { return c.status() || c.flag() || c.Moment() })
	if ref == "" {
		g.paidElsewhere(paid)
		return nil
	}
	p := &mapping.Payment{Ref: ref}
	g.Mapping.Payment = p
	var err error
	if p.Provider, err = g.provider(ctx, ref); err != nil {
		return err
	}
	switch {
	case len(paid) > 0:
		p.Paid = paid[0]
		return g.paidWords(ctx, p)
	case !g.r.Columns[ref].NotNull:
		p.Paid = ref
		g.fact("payment.paid", "no column says whether a session is paid: a session with %s counts as paid", ref)
	}
	return nil
}

// paidElsewhere notes where the payment is if the table has no reference.
func (g *guess) paidElsewhere(paid []string) {
	for _, k := range g.r.Referenced {
		if n := snake(k.Table); strings.Contains(n, "payment") || strings.Contains(n, "charge") || strings.Contains(n, "transaction") {
			g.ask("payment", "payments are in %s, by %s: a mapping can only name a column of its own table, so that Curfew will not say which sessions were paid",
				mapping.JoinRelation(k.Schema, k.Table), strings.Join(k.Others, ", "))
			return
		}
	}
	if len(paid) > 0 {
		g.ask("payment", "there is %s, but no column with a provider's reference, by which Curfew would name a payment", strings.Join(paid, ", "))
	}
}

// providers are recognized by column names, or by the prefixes of references.
var providers = []struct{ name, column, prefixes string }{
	{"stripe", "stripe", "pi_ cs_ ch_ in_ sub_"},
	{"razorpay", "razorpay", "pay_ order_"},
	{"paypal", "paypal", "PAYID- PAY-"},
	{"paddle", "paddle", "txn_"},
	{"mercadopago", "mercadopago", ""},
	{"square", "square", ""},
	{"adyen", "adyen", ""},
	{"mollie", "mollie", "tr_"},
	{"braintree", "braintree", ""},
}

func (g *guess) provider(ctx context.Context, ref string) (string, error) {
	for _, p := range providers {
		if strings.Contains(snake(ref), p.column) {
			return p.name, nil
		}
	}
	if g.counted() {
		found, err := g.look.rows(ctx, "SELECT "+name(ref)+"::text FROM "+g.r.String()+" WHERE "+name(ref)+" IS NOT NULL LIMIT 20")
		if err != nil {
			return "", err
		}
		for _, values := range found {
			text, _ := values[0].(string)
			for _, p := range providers {
				if slices.ContainsFunc(strings.Fields(p.prefixes), func(prefix string) bool { return strings.HasPrefix(text, prefix) }) {
					return p.name, nil
				}
			}
		}
	}
	g.ask("payment", "nothing says which provider %s belongs to: write its name instead of other", ref)
	return "other", nil
}

// paidWords chooses the words that mean paid.
func (g *guess) paidWords(ctx context.Context, p *mapping.Payment) error {
	c := g.r.Columns[p.Paid]
	if c.Moment() {
		return nil
	}
	words, _ := g.r.allowed(p.Paid)
	text := strings.Join(words, ", ")
	if g.counted() {
		found, err := g.look.counts(ctx, g.r.String(), name(p.Paid), "")
		if err != nil && whyUnread(err) == "" {
			return err
		}
		text = listOf(found)
		for _, n := range found {
			if !n.null && !contains(words, n.text) {
				words = append(words, n.text)
			}
		}
	}
	if c.flag() {
		words = []string{"true"}
	}
	p.Words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !contains(paidWords, snake(w)) })
	switch {
	case len(p.Words) == 0 && c.integer():
		p.Words = []string{"1"}
		g.ask("payment", "nothing says which value of %s means paid; there are %s", p.Paid, text)
	case len(p.Words) == 0:
		p.Words = []string{"paid"}
		g.ask("payment", "no value of %s is known that means paid: paid is a guess; it has %s", p.Paid, orNothing(text))
	case text != "":
		g.fact("payment.paid", "the values of %s are %s", p.Paid, text)
	}
	return nil
}
