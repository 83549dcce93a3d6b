package mapping

import "go.yaml.in/yaml/v3"

// Words that stand for something other than a column or a list.
const (
	none    = "none"
	notNull = "not null"
	always  = "always"
)

func (r *reader) payment(path string, node *yaml.Node) *Payment {
	if is(node, none) {
		return nil
	}
	var found Payment
	for _, m := range r.members(path, node, []string{"provider", "ref", "paid"}) {
		at := path + "." + m.key
		switch m.key {
		case "provider":
			found.Provider = r.text(at, m.value)
		case "ref":
			found.Ref = r.column(at, m.value)
		case "paid":
			r.paid(&found, at, m.value)
		}
	}
	return &found
}

// paid reads what marks a session as paid: always, or a column and its words.
func (r *reader) paid(payment *Payment, path string, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		r.only(path, node, always)
		return
	}
	for _, m := range r.members(path, node, []string{"column", "is"}) {
		at := path + "." + m.key
		switch {
		case m.key == "column":
			payment.Paid = r.column(at, m.value)
		case !is(m.value, notNull):
			payment.Words = r.words(at, m.value)
		}
	}
	if payment.Paid == "" {
		r.add(path+".column", "is needed: name the column that says whether it is paid, or write paid: always")
	}
}

var requestKeys = []string{"table", "session", "status", "pending", "expired", "set"}

func (r *reader) request(path string, node *yaml.Node) *Request {
	if is(node, none) {
		return nil
	}
	var found Request
	for _, m := range r.members(path, node, requestKeys) {
		at := path + "." + m.key
		switch m.key {
		case "table":
			found.Relation = r.text(at, m.value)
		case "session":
			found.Session = r.column(at, m.value)
		case "status":
			found.Status = r.column(at, m.value)
		case "pending":
			found.Pending = r.words(at, m.value)
		case "expired":
			found.Expired = r.text(at, m.value)
		case "set":
			found.Set = r.settings(at, m.value)
		}
	}
	return &found
}
