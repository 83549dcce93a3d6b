package mail_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/record"
)

func TestACourtesyCanBeStoppedAndMoneyCannot(t *testing.T) {
	onEachStore(t, mailtest.Options{}, func(w *environment) {
		w.works()
		f := w.pay("r1")
		must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
		w.settled()
		token := tokenOf(w, w.mailServer.Mails()[0])
		for range 2 { // a second click changes nothing
			must(w, w.links.Unsubscribe(w.Context(), token))
		}
		must(w, ignore(w.keeper.Queue.Release(w.Context(), f.RequestID, "max")))
		must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
		w.settled()
		must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, ada)))
		w.settled()
		mails := w.mailServer.Mails()
		same(w, "mails", subjects(mails), []string{"A mechanic has accepted your session", "Your session was cancelled"})
		if link := mails[1].Header.Get("List-Unsubscribe"); link != "" || strings.Contains(mails[1].Text, "unsubscribe") {
			w.Errorf("money can be unsubscribed: %s\n%s", link, mails[1].Text)
		}
		same(w, "why", w.Query(w, "SELECT error FROM "+w.Schema+"deliveries WHERE error <> ''"),
			[][]string{{"not sent: the customer wants none of these"}})
		for _, row := range w.Query(w, "SELECT address_hash, kind FROM "+w.Schema+"unsubscriptions") {
			if strings.Contains(row[0], "ada") || row[1] != "accepted" {
				w.Errorf("it is kept as %q", row)
			}
		}
	})
}

func tokenOf(t testing.TB, m mailtest.Mail) string {
	t.Helper()
	link, err := url.Parse(strings.Trim(m.Header.Get("List-Unsubscribe"), "<>"))
	must(t, err)
	return link.Query().Get("token")
}

func TestOnlyOurLinksUnsubscribe(t *testing.T) {
	t.Parallel()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	must(t, channelTo(t, smtpServer(mailServer), record.EnrichedEvent{}).Test(t.Context(), email, "accepted"))
	token := tokenOf(t, mailServer.Mails()[0])
	ours, theirs := mail.Unsubscriptions{Store: facts{}, Signer: signer("key")}, mail.Unsubscriptions{Store: facts{}, Signer: signer("other")}
	must(t, ours.Check(token))
	must(t, ours.Unsubscribe(t.Context(), token))
	for sentence, wrong := range map[string]string{
		"nothing":           "",
		"half of it":        token[:len(token)/2],
		"another beginning": "AAAA" + token[4:],
		"another end":       token[:len(token)-4] + "AAAA",
		"something behind":  token + ".x",
		"more behind":       token + "AAAA",
	} {
		if err := ours.Unsubscribe(t.Context(), wrong); curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	if err := theirs.Check(token); curfew.KindOf(err) != curfew.Invalid {
		t.Errorf("another service's: %v", err)
	}
}

// A link tells nothing of an address, not even whether a guess of it is right.
func TestALinkTellsNothingOfAnAddress(t *testing.T) {
	t.Parallel()
	var tokens []string
	for range 2 {
		mailServer := mailtest.NewServer(t, mailtest.Options{})
		must(t, channelTo(t, smtpServer(mailServer), record.EnrichedEvent{}).Test(t.Context(), email, "accepted"))
		tokens = append(tokens, tokenOf(t, mailServer.Mails()[0]))
	}
	if tokens[0] == tokens[1] {
		t.Errorf("two links of one address are alike: %s", tokens[0])
	}
	text, err := base64.RawURLEncoding.DecodeString(tokens[0])
	must(t, err)
	sum, err := hex.DecodeString(record.AddressHash(email))
	must(t, err)
	for _, secret := range []string{email, "accepted", record.AddressHash(email), string(sum)} {
		if strings.Contains(tokens[0], secret) || strings.Contains(string(text), secret) {
			t.Errorf("%q is in the link %s", secret, tokens[0])
		}
	}
	stopped := stops{}
	must(t, mail.Unsubscriptions{Store: &stopped, Signer: signer("key")}.Unsubscribe(t.Context(), tokens[1]))
	same(t, "stopped", stopped, stops{{record.AddressHash(email), "accepted"}})
}

// Links of earlier releases count on. What one may do is in what is signed, all of it: the
// kind, the address and what the signature is for.
func TestOnlyWhatIsSignedCounts(t *testing.T) {
	t.Parallel()
	hash := record.AddressHash(email)
	other := strings.Repeat("0", len(hash))
	key := signer("key")
	token := func(kind, hash, purpose, signed string) string {
		return kind + "." + hash + "." + base64.RawURLEncoding.EncodeToString(key.Sign(purpose, signed))
	}
	stopped := stops{}
	links := mail.Unsubscriptions{Store: &stopped, Signer: key}
	whole := token("accepted", hash, "unsubscribe", "accepted."+hash)
	wrong := map[string]string{
		"signed for the address alone":     token("accepted", hash, "unsubscribe", hash),
		"signed for the kind alone":        token("accepted", hash, "unsubscribe", "accepted"),
		"signed for nothing":               token("accepted", hash, "unsubscribe", ""),
		"signed for another address":       token("accepted", hash, "unsubscribe", "accepted."+other),
		"another address, not signed for":  token("accepted", other, "unsubscribe", "accepted."+hash),
		"signed for another kind":          token("accepted", hash, "unsubscribe", "expired."+hash),
		"signed for something else":        token("accepted", hash, "login", "accepted."+hash),
		"signed for nothing in particular": token("accepted", hash, "", "accepted."+hash),
		"the parts in another order":       token(hash, "accepted", "unsubscribe", hash+".accepted"),
		"no kind, signed":                  token("", hash, "unsubscribe", "."+hash),
		"a kind there is not, signed":      token("all", hash, "unsubscribe", "all."+hash),
		"a kind in capitals, signed":       token("Accepted", hash, "unsubscribe", "Accepted."+hash),
	}
	for _, kind := range mail.Kinds() {
		if kind != "accepted" { // it is about money: a link for it is none of ours, whoever signed it
			wrong[kind+", signed"] = token(kind, hash, "unsubscribe", kind+"."+hash)
		}
	}
	for sentence, token := range wrong {
		if err := links.Unsubscribe(t.Context(), token); curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: %v", sentence, err)
		}
		if err := links.Check(token); curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s, looked at: %v", sentence, err)
		}
	}
	if len(stopped) != 0 {
		t.Errorf("stopped: %v", stopped)
	}
	must(t, links.Unsubscribe(t.Context(), whole))
	same(t, "stopped", stopped, stops{{hash, "accepted"}})
}

// stops is what was unsubscribed: address and kind.
type stops [][2]string

func (s *stops) Unsubscribe(_ context.Context, hash, kind string) error {
	*s = append(*s, [2]string{hash, kind})
	return nil
}

func (s *stops) Unsubscribed(context.Context, string, string) (bool, error) { return false, nil }
