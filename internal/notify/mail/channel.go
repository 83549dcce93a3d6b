package mail

import (
	"context"
	"io/fs"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
)

// Name is the name of the channel, and of its only queue.
const Name = record.MailChannel

// Store reads what the channel needs when it sends.
type Store interface {
	Refusals
	// EnrichedEvents returns events with the current state of their sessions and checkouts.
	EnrichedEvents(ctx context.Context, events []curfew.Event) ([]record.EnrichedEvent, error)
}

// Options configures a Channel. All but Operators and Templates are required.
type Options struct {
	Server Server
	From   *mail.Address
	// Operators is the marketplace's own address; if empty, operators receive no mail.
	Operators string
	// Templates is a folder with templates that replace the built-in ones; nil: none.
	Templates fs.FS
	// BaseURL is where customers reach this service, used in links.
	BaseURL string
	Signer  Signer
}

// Channel sends notices to customers.
type Channel struct {
	store   Store
	sender  *sender
	words   *words
	from    *mail.Address
	desk    string // of the operators; empty: none
	baseURL string
	links   Unsubscriptions
}

var _ notify.Channel = (*Channel)(nil)

// NewChannel returns a channel, after rendering every notice once. It returns Invalid if an option
// or a template is invalid.
func NewChannel(store Store, o Options) (*Channel, error) {
	if err := o.Server.check(); err != nil {
		return nil, err
	}
	w, err := readWords(o.Templates)
	if err != nil {
		return nil, err
	}
	return &Channel{
		store: store, sender: &sender{server: o.Server}, words: w, from: o.From, desk: o.Operators, baseURL: o.BaseURL,
		links: Unsubscriptions{store, o.Signer},
	}, nil
}

// Name implements notify.Channel.
func (c *Channel) Name() string { return Name }

// Audience returns the channel's only queue: operators, and every customer whose checkout has an
// address.
func (c *Channel) Audience(context.Context) (notify.Audience, error) {
	return notify.Audience{Queues: []string{Name}, Expand: c.expand}, nil
}

// expand returns at most one delivery. Its body is the name of the notice.
func (c *Channel) expand(h record.OutsideEnrichedEvent) []record.Delivery {
	kind, to := kindOf(h), h.Checkout.Email
	if kind == unaccepted {
		to = c.desk
	}
	if kind == "" || to == "" {
		return nil
	}
	return []record.Delivery{{Queue: Name, Destination: to, Kind: h.Kind, Body: kind}}
}

// Send makes one attempt. The text describes the state at the time of sending.
func (c *Channel) Send(ctx context.Context, d record.Delivery) record.Verdict {
	to, err := readAddress(d.Destination)
	if err != nil {
		return record.Verdict{State: record.DeliveryDead, Error: err.Error()}
	}
	found, err := c.store.EnrichedEvents(ctx, []curfew.Event{{ID: d.EventID, CustomerID: d.CustomerID, Subject: d.Subject, Number: d.Number}})
	switch {
	case err != nil:
		return unread
	case len(found) == 0 || !slices.Contains(Kinds(), d.Body):
		return record.Verdict{State: record.DeliveryDead, Error: "what it is about is not there"}
	}
	h := found[0].Outside()
	n := noticeOf(d.Body, h)
	if n.pointless(h.Session) {
		return unsent("there is nothing to tell any more")
	}
	if slices.Contains(courtesies, n.Kind) {
		stopped, err := c.store.Unsubscribed(ctx, record.AddressHash(to.Address), n.Kind)
		switch {
		case err != nil:
			return unread
		case stopped:
			return unsent("the customer wants none of these")
		}
	}
	return c.post(ctx, d.ID, to, n)
}

var unread = record.Verdict{State: record.DeliveryPending, Untried: true, Error: "what it is about could not be read"}

// unsent returns the verdict for a notice that is no longer useful.
func unsent(why string) record.Verdict {
	return record.Verdict{State: record.DeliveryDone, Error: "not sent: " + why}
}

// post renders a notice and sends it.
func (c *Channel) post(ctx context.Context, id string, to *mail.Address, n Notice) record.Verdict {
	if slices.Contains(courtesies, n.Kind) {
		n.Unsubscribe = c.baseURL + "/api/unsubscribe?token=" + url.QueryEscape(c.links.token(n.Kind, to.Address))
	}
	l, err := c.words.render(n)
	if err != nil {
		return later(0, err.Error())
	}
	return c.sender.send(ctx, message(id, c.from, to, l, time.Now()))
}

// Test sends a sample of a notice to an address.
func (c *Channel) Test(ctx context.Context, address, kind string) error {
	to, err := readAddress(address)
	if err != nil {
		return err
	}
	if !slices.Contains(Kinds(), kind) {
		return curfew.Errorf(curfew.Invalid, "there is no notice %q: the notices are %s", kind, strings.Join(Kinds(), ", "))
	}
	v := c.post(ctx, notify.NewID(), to, sample(kind, string(curfew.Credited)))
	c.sender.closeIdle(time.Now())
	if v.State != record.DeliveryDone {
		return curfew.Errorf(curfew.Unavailable, "%s", v.Error)
	}
	return nil
}
