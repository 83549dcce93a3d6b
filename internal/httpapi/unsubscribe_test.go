package httpapi_test

import (
	"net/http"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/record"
)

// unsubscribeLink is the path of a link as a customer got it by mail.
func (h *fixture) unsubscribeLink() string {
	h.Helper()
	mailServer := mailtest.NewServer(h, mailtest.Options{})
	c, err := mail.NewChannel(h.store, mail.Options{
		Server: mail.Server{Host: mailServer.Host, Port: mailServer.Port, TLS: mail.NoTLS}, From: &netmail.Address{Address: "help@shop.example"},
		BaseURL: h.URL, Signer: h.identity,
	})
	must(h.T, err)
	must(h.T, c.Test(h.Context(), "ada@example.org", "accepted"))
	link, err := url.Parse(strings.Trim(mailServer.Mails()[0].Header.Get("List-Unsubscribe"), "<>"))
	must(h.T, err)
	return link.RequestURI()
}

func TestALinkInAMailUnsubscribesByPostAlone(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	link := h.unsubscribeLink()
	hash := record.AddressHash("ada@example.org")
	wants := func() bool {
		stopped, err := h.store.Unsubscribed(t.Context(), hash, "accepted")
		must(t, err)
		return !stopped
	}
	asked := h.send("GET", link, "")
	action := regexp.MustCompile(`<form method="post" action="([^"]+)"`).FindStringSubmatch(asked.body)
	if asked.status != http.StatusOK || action == nil || !wants() {
		t.Fatalf("asked: %d, wants %t\n%s", asked.status, wants(), asked.body)
	}
	if got := h.send("HEAD", link, ""); got.status != http.StatusOK || !wants() {
		t.Errorf("looked at: %d, wants %t", got.status, wants())
	}
	for range 2 { // RFC 8058's body, from a program without a token, a cookie or an origin
		got := h.send("POST", strings.ReplaceAll(action[1], "&amp;", "&"), "List-Unsubscribe=One-Click", "Content-Type: application/x-www-form-urlencoded")
		if got.status != http.StatusOK || !strings.Contains(got.body, "no more messages of this kind") || wants() {
			t.Errorf("clicked: %d, wants %t\n%s", got.status, wants(), got.body)
		}
	}
	if _, token, _ := strings.Cut(link, "token="); token == "" || strings.Contains(link+h.log.String(), hash) || strings.Contains(h.log.String(), token) {
		t.Error("the token is in the log, or says whose it is")
	}
}

func TestALinkThatIsNotOursDoesNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	link := h.unsubscribeLink()
	for sentence, path := range map[string]string{
		"without a token": "/api/unsubscribe", "half of it": link[:len(link)-8], "another one": strings.Replace(link, "token=", "token=AAAA", 1),
	} {
		for _, method := range []string{"GET", "POST"} {
			if got := h.send(method, path, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, "copy all of it") {
				t.Errorf("%s, %s: %d %s", sentence, method, got.status, got.body)
			}
		}
	}
}
