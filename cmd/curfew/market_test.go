package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
)

// as calls the service as somebody, with a token made here: there are many of them.
func (o *oracle) as(role curfew.Role, id string) *api.Client {
	o.Helper()
	if o.identity == nil {
		var err error
		if o.identity, err = auth.NewIdentity(o.Context(), auth.Options{KeyFile: o.dir + "/curfew.key"}); err != nil {
			o.Fatal(err)
		}
	}
	token, err := o.identity.Token(curfew.Actor{Role: role, ID: id}, 24*time.Hour)
	if err != nil {
		o.Error(err)
	}
	return &api.Client{BaseURL: o.p.url, Token: token, HTTP: &http.Client{Transport: o.wire}}
}

// each does some work for every number under n, many at once.
func each(n int, work func(i int)) {
	numbers := make(chan int)
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for i := range numbers {
				work(i)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	working.Wait()
}

// excused reports whether a call may fail like that: the service was killed or is too busy,
// or somebody was faster.
func (o *oracle) excused(what string, err error) {
	o.Helper()
	said, ok := errors.AsType[*api.Problem](err)
	if ok && said.Status != http.StatusConflict && said.Status != http.StatusServiceUnavailable && said.Status != http.StatusPaymentRequired {
		o.Errorf("%s: %v", what, err)
	}
}

// report lets the shop report a share of the payments that it has not reported, some of them
// without saying how much.
func (o *oracle) report(share float64) {
	o.Helper()
	var fresh []*sale
	for _, s := range o.sales {
		if !s.reported && s.CustomerID != "" && s.Plan != "gold" && o.chance("the shop reports %s after %d", s.ref, len(o.sales)) < share {
			fresh = append(fresh, s)
		}
	}
	shop := o.as(curfew.Service, "shop")
	each(len(fresh), func(i int) {
		s := fresh[i]
		for _, ref := range o.reportedAs(s) {
			p := api.Purchase{PaymentRef: ref, CustomerID: s.CustomerID, Plan: s.Plan}
			if o.chance("the shop says how much %s is", s.ref) < .8 {
				p.Amount, p.Currency = &s.Amount, s.Currency
			}
			_, err := shop.FulfillCheckout(o.Context(), p)
			s.unnamed = ref == ownName(s) // also where the answer was lost
			if o.excused("report "+ref, err); err == nil {
				s.reported = true
			}
		}
	})
}

// reportedAs is what the shop calls a payment: the name that the messages begin with, another,
// both at once, or an order number of its own. By that alone nobody can take what is reserved.
func (o *oracle) reportedAs(s *sale) []string {
	intent := "pi_" + number(s.ref)
	ways := [][]string{{intent}, {s.ref}, {intent, s.ref}, {s.ref, intent}, {ownName(s)}}
	if s.held {
		ways = ways[:4]
	}
	return ways[int(float64(len(ways))*o.chance("how the shop reports %s", s.ref))]
}

// ownName is the shop's order number. Stripe never says it.
func ownName(s *sale) string { return "order_" + number(s.ref) }

// naming chooses a share of the shop's order numbers, and returns what lets it say which payments they are for.
func (o *oracle) naming(share float64) func() {
	o.Helper()
	o.rounds++
	var some []*sale
	for _, s := range o.sales {
		if s.unnamed && o.chance("the shop names %s in round %d", s.ref, o.rounds) < share {
			some = append(some, s)
		}
	}
	return func() {
		door := sender{o.T, o.p.url, eventSecret}
		each(len(some), func(i int) {
			s, now := some[i], time.Now()
			event := fmt.Sprintf(`{"id":"named %s","type":"named","provider":"shop","references":["pi_%s","%s"],"at":%q}`,
				s.ref, number(s.ref), ownName(s), now.Format(time.RFC3339))
			if status, _ := door.send(now, event); status == http.StatusOK {
				s.unnamed = false
			}
		})
	}
}

// offer is a request that waits for a mechanic.
type offer struct{ request, session, customer, number string }

// offers are those of a share of the payments.
func (o *oracle) offers(what string, share float64) (some []offer) {
	o.Helper()
	o.rows(`SELECT r.id, s.id, s.customer_id, c.ref FROM {session_requests} r
		JOIN {sessions} s ON s.customer_id = r.customer_id AND s.id = r.session_id
		JOIN {checkouts} c ON c.customer_id = s.customer_id AND c.id = s.checkout_id
		WHERE r.status = 'pending' AND s.status = 'waiting'`, func(rows *sql.Rows) error {
		var a offer
		err := rows.Scan(&a.request, &a.session, &a.customer, &a.number)
		if a.number = number(a.number); o.chance("%s %s", what, a.number) < share {
			some = append(some, a)
		}
		return err
	})
	return some
}

// accept lets mechanics accept a share of what waits.
func (o *oracle) accept(share float64) {
	o.Helper()
	o.rounds++
	some := o.offers(fmt.Sprint("accepted in round ", o.rounds), share)
	each(len(some), func(i int) {
		_, err := o.as(curfew.Mechanic, "m-"+some[i].number).Accept(o.Context(), some[i].request)
		o.excused("accept", err)
	})
}

// serve lets a share of what waits be accepted, take place and end.
func (o *oracle) serve(share float64) {
	o.Helper()
	slow := map[string]bool{} // a join would wait for them
	for _, s := range o.sales {
		slow[number(s.ref)] = s.slow
	}
	some := o.offers("served", share)
	each(len(some), func(i int) {
		a := some[i]
		mechanic, customer := o.as(curfew.Mechanic, "m-"+a.number), o.as(curfew.Customer, a.customer)
		_, err := mechanic.Accept(o.Context(), a.request)
		if err == nil && !slow[a.number] {
			for _, join := range []*api.Client{mechanic, customer} {
				_, err2 := join.Join(o.Context(), a.session)
				err = errors.Join(err, err2)
			}
			_, err2 := customer.End(o.Context(), a.session)
			err = errors.Join(err, err2)
		}
		o.excused("serve", err)
	})
}

// clear ends the sessions of every fifth customer, whose money goes back.
func (o *oracle) clear() {
	o.Helper()
	admin := o.as(curfew.Admin, "me")
	each((payments()*3/2+4)/5, func(i int) {
		_, err := admin.Clear(o.Context(), fmt.Sprintf("c-%d", 5*i), api.Clearing{})
		o.excused("clear", err)
	})
}
