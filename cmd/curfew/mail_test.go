package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

func TestNoMailIsLostToKillsOnSQLite(t *testing.T) {
	t.Parallel()
	noMailIsLost(t, "sqlite:curfew.db")
}

func TestNoMailIsLostToKillsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := stores.PostgresMigrated(t)
	migrated(t, url)
	noMailIsLost(t, url)
}

// mailing is the settings that send mails to a test server.
func mailing(o *mailtest.Server, more ...string) []string {
	return append([]string{
		fmt.Sprintf("CURFEW_SMTP_URL=smtp://%s:%d", o.Host, o.Port), "CURFEW_SMTP_TLS=none", "CURFEW_SMTP_FROM=Example <help@example.org>",
	}, more...)
}

// noMailIsLost kills a service with -9 whenever a mail server has taken a mail
// and not said so yet: the mail may come again, under its id, and every other
// comes.
func noMailIsLost(t *testing.T, url string) {
	t.Helper()
	const kills, customers = 3, 12
	var took, chosen atomic.Int64
	kill := make(chan chan struct{}) // what is closed when it was done
	mailServer := mailtest.NewServer(t, mailtest.Options{Received: func(mailtest.Mail) {
		if took.Add(1)%3 != 0 || chosen.Add(1) > kills {
			return
		}
		done := make(chan struct{})
		select {
		case kill <- done:
			<-done
		case <-t.Context().Done():
		}
	}})
	dir := t.TempDir()
	env := mailing(mailServer, "CURFEW_DATABASE_URL="+url)
	p := serving(t, dir, env[len(env)-1:], "--auth-key-file=curfew.key") // nobody mails yet
	client := p.client(t, dir, "service", "shop")
	db := behindServe(t, dir, url)
	for i := range customers {
		cancelOne(t, client, fmt.Sprintf("c-%d", i))
	}
	p.kill()
	db.exec(t, "UPDATE events SET told = "+falseIn(url))

	for range kills {
		p = serving(t, dir, env, "--auth-key-file=curfew.key")
		select {
		case done := <-kill:
			p.kill() // -9
			close(done)
		case <-time.After(readyIn):
			t.Fatalf("it does not mail: %s", p.stderr())
		}
		db.eachDelivery(t, "UPDATE deliveries SET next_at = created_at", "state = 'pending'") // its leases would be over in two minutes
	}
	serving(t, dir, env, "--auth-key-file=curfew.key")
	until(t.Context(), t, "everything is delivered", func() bool {
		return db.count(t, "SELECT count(*) FROM deliveries WHERE state = 'delivered'") == customers
	})
	ids, to := map[string]string{}, map[string]bool{}
	for _, m := range mailServer.Mails() {
		id := m.Header.Get("Message-ID")
		if before, ok := ids[id]; ok && before != m.To[0] {
			t.Errorf("%s goes to two", id)
		}
		ids[id], to[m.To[0]] = m.To[0], true
	}
	repeats := len(mailServer.Mails()) - len(ids)
	t.Logf("%d mails, %d repeats after %d kills", len(mailServer.Mails()), repeats, kills)
	if len(ids) != customers || len(to) != customers || repeats == 0 {
		t.Errorf("%d mails to %d customers of %d, %d repeats", len(ids), len(to), customers, repeats)
	}
}

// falseIn is how a database writes it.
func falseIn(url string) string {
	if strings.HasPrefix(url, "sqlite:") {
		return "0"
	}
	return "false"
}

// cancelOne gives a customer a session and cancels it.
func cancelOne(t *testing.T, client *api.Client, name string) {
	t.Helper()
	f, err := client.FulfillCheckout(t.Context(), api.Purchase{
		PaymentRef: "ref-" + name, CustomerID: name, Plan: "chat10", Email: name + "@example.org",
	})
	if err == nil {
		_, err = client.Cancel(t.Context(), f.SessionID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddressesAreShownMaskedAndNeverLogged(t *testing.T) {
	t.Parallel()
	mailServer, dir := mailtest.NewServer(t, mailtest.Options{}), t.TempDir()
	env := mailing(mailServer)
	p := serving(t, dir, env, "--auth-key-file=curfew.key", "--log-level=debug")
	cancelOne(t, p.client(t, dir, "service", "shop"), "ada")
	admin := p.client(t, dir, "admin", "me")
	var found api.Deliveries
	until(t.Context(), t, "it is delivered", func() bool {
		var err error
		if found, err = admin.Deliveries(t.Context(), api.DeliverySearch{State: "delivered"}); err != nil {
			t.Fatal(err)
		}
		return len(found.Deliveries) == 1
	})
	if got := found.Deliveries[0].Destination; got != "a…@example.org" {
		t.Errorf("it is shown as %q", got)
	}
	out, err := command(dir, env, "deliveries", "list", "--state=any")
	if err != nil || !strings.Contains(out, "mail a…@example.org") || strings.Contains(out, "ada@") {
		t.Errorf("it is listed as %s (%v)", out, err)
	}
	if strings.Contains(p.stderr(), "@example.org") {
		t.Errorf("an address is in the log:\n%s", p.stderr())
	}
}

func TestASampleIsSentByCommand(t *testing.T) {
	t.Parallel()
	mailServer, dir := mailtest.NewServer(t, mailtest.Options{}), t.TempDir()
	key := "--auth-key-file=" + filepath.Join(dir, "curfew.key")
	out, err := command(dir, mailing(mailServer), "mail", "test", "me@example.org", "--notice=expired", key)
	if err != nil || !strings.Contains(out, "Sent: 127.0.0.1 accepted it.") || len(mailServer.Mails()) != 1 || mailServer.Mails()[0].To[0] != "me@example.org" {
		t.Errorf("%s (%v): %+v", out, err, mailServer.Mails())
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, "words"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "words", "expired.txt"), []byte("Subject: Hi\n\n{{.Nome}}\n"), 0o600))
	for says, call := range map[string]struct {
		env  []string
		args []string
	}{
		"no mail server is set up":             {nil, []string{"mail", "test", "me@example.org", key}},
		"smtp.from is missing":                 {[]string{"CURFEW_SMTP_URL=smtp://localhost"}, []string{"mail", "test", "me@example.org", key}},
		"mail cannot be sent to this ad":       {mailing(mailServer), []string{"mail", "test", "me", key}},
		"smtp.templates: expired.txt:3:2":      {mailing(mailServer, "CURFEW_SMTP_TEMPLATES=words"), []string{"serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0"}},
		"only for a mail server on this machi": {mailing(mailServer, "CURFEW_SMTP_TLS=none", "CURFEW_SMTP_URL=smtp://mail.example.org"), []string{"mail", "test", "me@example.org", key}},
	} {
		if out, err := command(dir, call.env, call.args...); err == nil || !strings.Contains(out, says) {
			t.Errorf("%s: %s (%v)", says, out, err)
		}
	}
}

// command runs one and returns all that it says.
func command(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("curfew", args...)
	cmd.Dir, cmd.Env = dir, append(withoutSettings(os.Environ()), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
