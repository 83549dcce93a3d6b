package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
)

var anna = curfew.Actor{Role: curfew.Admin, ID: "anna"}

// ticketPath returns the path of a link that signs somebody in.
func (h *fixture) ticketPath(who curfew.Actor) string {
	h.Helper()
	ticket, err := h.identity.LoginTicket(who)
	must(h.T, err)
	return "/login?ticket=" + url.QueryEscape(ticket)
}

// redeem clicks the button of a sign-in link's page.
func (h *fixture) redeem(path string, headers ...string) answer {
	h.Helper()
	_, form, _ := strings.Cut(path, "?")
	if len(headers) == 0 {
		headers = []string{"Sec-Fetch-Site: same-origin"}
	}
	return h.send("POST", "/login", form, append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

// signedIn returns the cookie of somebody's browser.
func (h *fixture) signedIn(who curfew.Actor) string {
	h.Helper()
	got := h.redeem(h.ticketPath(who))
	if got.status != http.StatusSeeOther {
		h.Fatalf("login: %d %s", got.status, got.body)
	}
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	return "Cookie: " + cookie
}

func TestALinkSignsInOnce(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for role, page := range map[curfew.Role]string{
		curfew.Admin: "/", curfew.Customer: "/clear-my-sessions.html", curfew.Mechanic: "/mechanic.html",
	} {
		path := h.ticketPath(curfew.Actor{Role: role, ID: "x<b>"})
		for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet} { // previews do that
			asked := h.do(request(t, method, h.URL+path))
			if asked.status != http.StatusOK || asked.header.Get("Set-Cookie") != "" ||
				method == http.MethodGet && !strings.Contains(asked.body, string(role)+" <bdi>x&lt;b&gt;</bdi>") {
				t.Errorf("%s of a link of %s: %d %v %s", method, role, asked.status, asked.header, asked.body)
			}
		}
		first, second, asked := h.redeem(path), h.redeem(path), h.send("GET", path, "")
		if first.status != http.StatusSeeOther || first.header.Get("Location") != page {
			t.Errorf("%s: %d to %s", role, first.status, first.header.Get("Location"))
		}
		for _, again := range []answer{second, asked} {
			if again.status != http.StatusOK || again.header.Get("Set-Cookie") != "" || !strings.Contains(again.body, "curfew login") {
				t.Errorf("%s, used again: %d %v %s", role, again.status, again.header, again.body)
			}
		}
	}
}

// S53: nobody is signed in as somebody else by another site's page, and the link still works for its owner.
func TestS53_NoSiteSignsSomebodyIn(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	path := h.ticketPath(anna)
	for sentence, headers := range map[string][]string{
		"a form of another site": {"Sec-Fetch-Site: cross-site"},
		"of a neighbour":         {"Sec-Fetch-Site: same-site"},
		"in an old browser":      {"Origin: https://evil.example"},
		"nothing said":           {"Accept: */*"},
	} {
		if got := h.redeem(path, headers...); got.status != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", sentence, got.status, got.header)
		}
	}
	if got := h.send("POST", path, "", "Sec-Fetch-Site: same-origin"); got.header.Get("Set-Cookie") != "" {
		t.Errorf("a ticket in the query signs in: %v", got.header)
	}
	if got := h.redeem(path); got.status != http.StatusSeeOther {
		t.Errorf("its owner: %d %s", got.status, got.body)
	}
}

// S55: a sign-in leads to the page that was asked for, if it is one of ours and for that role.
func TestASignInLeadsToThePageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	asked := h.send("GET", "/console/customer?q=kim%20%26%20lou", "")
	cookie, attributes, _ := strings.Cut(asked.header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "__Host-curfew-wanted=") || attributes != " Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Strict" {
		t.Fatalf("%q", asked.header.Get("Set-Cookie"))
	}
	mine := "__Host-curfew-wanted=" + url.QueryEscape("/clear-my-sessions.html?customer=x")
	carl := curfew.Actor{Role: curfew.Customer, ID: "carl"}
	for _, test := range []struct {
		who          curfew.Actor
		cookie, want string
	}{
		{anna, cookie, "/console/customer?q=kim%20%26%20lou"},
		{carl, cookie, "/clear-my-sessions.html"},
		{carl, mine, "/clear-my-sessions.html?customer=x"},
		{anna, "__Host-curfew-wanted=" + url.QueryEscape("https://evil.example/console/payments"), "/console/payments"},
		{anna, "__Host-curfew-wanted=" + url.QueryEscape("//evil.example"), "/"},
		{anna, "__Host-curfew-wanted=" + url.QueryEscape("/api/debug/settings"), "/"},
		{anna, "__Host-curfew-wanted=%zz", "/"},
		{anna, "__Host-curfew-wanted=%3a", "/"},
	} {
		got := h.redeem(h.ticketPath(test.who), "Sec-Fetch-Site: same-origin", "Cookie: "+test.cookie)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != test.want {
			t.Errorf("%s with %s: %d to %s, want %s", test.who.ID, test.cookie, got.status, got.header.Get("Location"), test.want)
		}
		if all := got.header.Values("Set-Cookie"); len(all) != 2 || !strings.HasPrefix(all[1], "__Host-curfew-wanted=; Path=/; Max-Age=0") {
			t.Errorf("it is remembered: %q", all)
		}
	}
}

// A stranger learns neither a version nor where something is, and no command but the one for operators.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{
		auth: auth.Options{JWTSecret: sharedSecret}, baseURL: "https://curfew.example.org",
		hint: "curfew login --auth-key-file /etc/curfew.key", signin: "https://market.example.org/sign-in",
	})
	for _, path := range []string{
		"/", "/clear-my-sessions.html", "/mechanic.html", "/cleanup-sessions-admin.html", "/console/settings", "/login?ticket=x",
		"/api/debug/session-health", "/api/sessions/0192f0c1-2d3e-7000-8000-000000000001", "/nothing", "/api/unsubscribe?token=x",
	} {
		got := h.send("GET", path, "")
		for _, inside := range []string{"v-test", "/etc/curfew.key", "curl", "curfew token", "--base-url", "127.0.0.1"} {
			if strings.Contains(got.body, inside) {
				t.Errorf("%s shows strangers %q:\n%s", path, inside, got.body)
			}
		}
		forPeople := path == "/clear-my-sessions.html" || path == "/mechanic.html"
		if led := strings.Contains(got.body, `href="https://market.example.org/sign-in"`); led != (forPeople || path == "/") {
			t.Errorf("%s leads to the marketplace: %t", path, led)
		}
		if told := strings.Contains(got.body, "curfew login"); forPeople && told {
			t.Errorf("%s shows customers a command", path)
		} else if path == "/" && !told {
			t.Error("/ does not tell operators how they come in")
		}
	}
	expired := forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, claimed(map[string]any{"exp": time.Now().Unix() - 1}))
	got := h.send("GET", "/api/debug/session-health", "", "Authorization: Bearer "+expired)
	if p := got.problem(t); got.status != http.StatusUnauthorized || !strings.HasSuffix(p.Detail, ": get a new one") {
		t.Errorf("an expired token: %d %s", got.status, p.Detail)
	}
}

func request(t *testing.T, method, to string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to, http.NoBody)
	must(t, err)
	return req
}

func TestBadTicketsSayHow(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := strings.TrimPrefix(h.signedIn(anna), "Cookie: __Host-curfew=")
	for sentence, ticket := range map[string]string{
		"no ticket": "", "nonsense": "x", "a bearer token": h.token(curfew.Admin, "anna"), "a cookie": cookie,
		"S55: a place to go": "x&next=https://evil.example",
	} {
		got := h.redeem("/login?ticket=" + ticket)
		if got.status != http.StatusOK || got.header.Get("Set-Cookie")+got.header.Get("Location") != "" || !strings.Contains(got.body, "curfew login") {
			t.Errorf("%s: %d %v %s", sentence, got.status, got.header, got.body)
		}
	}
}

// S54: __Host-, Secure, HttpOnly, SameSite=Strict, and a new id at every login.
func TestS54_TheCookie(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.redeem(h.ticketPath(anna)).header.Get("Set-Cookie")
	for _, part := range []string{"__Host-curfew=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Max-Age=43200"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("no %s in %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("a domain in %s", cookie)
	}
	if one, two := h.signedIn(anna), h.signedIn(anna); one == two {
		t.Error("two logins have one id")
	}
}

// S53: a request that another site makes a browser send changes nothing.
func TestS53_OtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.signedIn(anna)
	before := h.dump()
	for sentence, headers := range map[string][]string{
		"a form":                {"Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"},
		"a fetch of plain text": {"Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
		"a fetch":               {"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"},
		"a neighbour":           {"Sec-Fetch-Site: same-site"},
		"an old browser":        {"Origin: https://evil.example"},
		"a hidden origin":       {"Origin: null"},
		"nothing said":          {},
	} {
		got := h.send("POST", "/api/debug/cleanup-sessions", `{}`, append(headers, cookie)...)
		if got.status != http.StatusForbidden || got.problem(t).Code != "forbidden" {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	if out := h.send("POST", "/logout", "", cookie, "Sec-Fetch-Site: cross-site"); out.status != http.StatusForbidden {
		t.Errorf("logout: %d", out.status)
	}
	if h.dump() != before {
		t.Error("another site changed something")
	}
	for sentence, headers := range map[string][]string{
		"its own page":         {"Sec-Fetch-Site: same-origin"},
		"its own, old browser": {"Origin: " + h.URL},
		"typed":                {"Sec-Fetch-Site: none"},
	} {
		if got := h.send("POST", "/api/debug/cleanup-sessions", `{}`, append(headers, cookie)...); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	if got := h.send("GET", "/api/debug/session-health", "", cookie); got.status != http.StatusOK {
		t.Errorf("reading: %d", got.status)
	}
	token := "Authorization: Bearer " + h.token(curfew.Admin, "anna")
	if got := h.send("POST", "/api/debug/cleanup-sessions", `{}`, token); got.status != http.StatusOK {
		t.Errorf("a program says nothing of sites: %d", got.status)
	}
}

func TestABadTokenIsNoReasonToLookAtTheCookie(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	got := h.send("GET", "/api/debug/session-health", "", h.signedIn(anna), "Authorization: Bearer x")
	if got.status != http.StatusUnauthorized {
		t.Errorf("%d", got.status)
	}
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	kept, other := h.signedIn(anna), h.signedIn(anna)
	for range 2 { // the second time there is nothing left to end
		got := h.send("POST", "/logout", "", kept, "Sec-Fetch-Site: same-origin")
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Set-Cookie"), "__Host-curfew=; Path=/; Max-Age=0") {
			t.Errorf("%d %v", got.status, got.header)
		}
	}
	for cookie, want := range map[string]int{kept: http.StatusUnauthorized, other: http.StatusOK} {
		if got := h.send("GET", "/api/debug/session-health", "", cookie); got.status != want {
			t.Errorf("after one of two browsers has signed out: %d, want %d", got.status, want)
		}
		if page := h.send("GET", "/", "", cookie).body; strings.Contains(page, "Sign out") != (want == http.StatusOK) {
			t.Errorf("want %d, and the page says\n%s", want, page)
		}
	}
}

// A reader who cannot be identified because of a failure is not asked to sign in again.
func TestAPageWithoutADatabaseSaysSo(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.signedIn(anna)
	must(t, h.store.Close())
	if got := h.send("GET", "/", "", cookie); got.status < 500 || strings.Contains(got.body, "not signed in") {
		t.Errorf("%d\n%s", got.status, got.body)
	}
}

func TestPagesSayWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	carl := curfew.Actor{Role: curfew.Customer, ID: "<b>carl"}
	for _, test := range []struct {
		path string
		who  *curfew.Actor
		says string
	}{
		{"/cleanup-sessions-admin.html", nil, "curfew login"},
		{"/clear-my-sessions.html", nil, "curfew login"},
		{"/cleanup-sessions-admin.html", &anna, "anna"},
		{"/cleanup-sessions-admin.html", &carl, "&lt;b&gt;carl"},
		{"/clear-my-sessions.html", &carl, "&lt;b&gt;carl"},
		{"/clear-my-sessions.html?customer=c-17", &anna, "c-17"},
		{"/clear-my-sessions.html", &anna, "Whose sessions?"},
		{"/mechanic.html", nil, "curfew login"},
		{"/mechanic.html", &carl, "not for you"},
		{"/", nil, "curfew login"},
		{"/", &anna, "anna"},
		{"/console/settings", &carl, "not for you"},
	} {
		var headers []string
		if test.who != nil {
			headers = append(headers, h.signedIn(*test.who))
		}
		want := http.StatusOK
		if test.who == &carl && !strings.HasPrefix(test.path, "/clear-") {
			want = http.StatusForbidden
		}
		got := h.send("GET", test.path, "", headers...)
		if got.status != want || !strings.Contains(got.body, test.says) || strings.Contains(got.body, "<b>carl") {
			t.Errorf("%s as %v: %d %s", test.path, test.who, got.status, got.body)
		}
	}
	for role, home := range map[curfew.Role]string{curfew.Customer: "/clear-my-sessions.html", curfew.Mechanic: "/mechanic.html"} {
		got := h.send("GET", "/", "", h.signedIn(curfew.Actor{Role: role, ID: "x"}))
		if got.status != http.StatusSeeOther || got.header.Get("Location") != home {
			t.Errorf("/ as %s: %d %v", role, got.status, got.header)
		}
	}
}

// S51: what every answer says to browsers, and that no page needs more.
func TestS51_HeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for _, path := range []string{
		"/", "/cleanup-sessions-admin.html", "/clear-my-sessions.html", "/mechanic.html", "/console/settings", "/login", "/docs", "/openapi.json",
		"/api/debug/session-health", "/nothing", "/static/img/curfew.svg",
	} {
		got := h.send("GET", path, "")
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		for _, inline := range []string{"<style", "style=", "<script>", "onclick=", "javascript:", `src="http`, `href="http`} {
			if strings.Contains(got.body, inline) && strings.Contains(got.header.Get("Content-Type"), "html") {
				t.Errorf("%s has %s", path, inline)
			}
		}
	}
}

// Admins see who is signed in, and sign browsers out: one by one, everybody, or all of a subject.
func TestSignInsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	carl := curfew.Actor{Role: curfew.Customer, ID: "carl"}
	first, second, his := h.signedIn(anna), h.signedIn(anna), h.signedIn(carl)
	reads := func() (all [3]bool) {
		for i, cookie := range []string{first, second, his} {
			all[i] = strings.Contains(h.send("GET", "/clear-my-sessions.html", "", cookie).body, "Sign out")
		}
		return all
	}
	listed := func() wire.SignIns {
		var all wire.SignIns
		must(t, json.Unmarshal([]byte(h.sendAs(curfew.Admin, "anna", "GET", "/api/sign-ins", "").body), &all))
		return all
	}
	all := listed().SignIns
	if len(all) != 3 || all[0].Subject != "carl" || all[0].Role != "customer" || all[0].Browser != "Go-http-client/1.1" {
		t.Fatalf("signed in are %+v", all)
	}
	ended := h.sendAs(curfew.Admin, "anna", "DELETE", "/api/sign-ins/"+all[1].ID, "")
	ended.body = strings.ReplaceAll(ended.body, all[1].ID, "<id>")
	golden(t, "sign-in-ended", ended)
	golden(t, "sign-in-missing", h.sendAs(curfew.Admin, "anna", "DELETE", "/api/sign-ins/none", ""))
	if got := reads(); got != [3]bool{true, false, true} || len(listed().SignIns) != 2 {
		t.Errorf("once the second is ended: %v", got)
	}
	h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"role":"customer","subject":"carl"}`)
	if got := reads(); got != [3]bool{true, false, false} {
		t.Errorf("once the customer is revoked: %v", got)
	}
	golden(t, "sign-ins-ended", h.sendAs(curfew.Admin, "anna", "DELETE", "/api/sign-ins", ""))
	if got := reads(); got != [3]bool{} || len(listed().SignIns) != 0 {
		t.Errorf("once all are ended: %v", got)
	}
}
