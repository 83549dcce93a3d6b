package httpapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/strictjson"
)

const (
	payments  = "GET /api/debug/checkouts"
	checkouts = "POST /api/checkouts"
	cleanups  = "POST /api/debug/cleanup-sessions"
	good      = `{"paymentRef":"p","customerId":"c","plan":"chat10"`
)

// badInput is a call that must change nothing.
var badInput = map[string]struct {
	route, body string
	headers     []string
	status      int
	code        string
	says        string
}{
	// S04, S05: what cannot be read is 400.
	"no JSON":                {checkouts, `{"paymentRef":`, nil, 400, "invalid", "not one JSON value"},
	"trailing data":          {checkouts, good + `} {}`, nil, 400, "invalid", ""},
	"a trailing comma":       {checkouts, good + `,}`, nil, 400, "invalid", ""},
	"an unknown field":       {checkouts, good + `,"plann":"x"}`, nil, 400, "invalid", "plann"},
	"a field in capitals":    {checkouts, good + `,"Email":"a@b.c"}`, nil, 400, "invalid", "Email"},
	"S05: fields of the row": {"POST /api/sessions", `{"plan":"free","status":"live","customer_id":"other","role":"admin"}`, nil, 400, "invalid", "status"},
	"a doubled key":          {checkouts, good + `,"plan":"free"}`, nil, 400, "invalid", "twice"},
	"a doubled key within":   {checkouts, good + `,"metadata":{"a":"1","a":"2"}}`, nil, 400, "invalid", "twice"},
	"a doubled key, escaped": {checkouts, good + `,"pl\u0061n":"free"}`, nil, 400, "invalid", "twice"},
	"invalid UTF-8":          {checkouts, good + ",\"name\":\"\xff\"}", nil, 400, "invalid", "UTF-8"},
	"NUL in a text":          {checkouts, good + `,"name":"a\u0000b"}`, nil, 400, "invalid", "NUL"},
	"NUL in a key":           {checkouts, good + `,"metadata":{"a\u0000":"b"}}`, nil, 400, "invalid", "NUL"},
	"half a surrogate pair":  {checkouts, good + `,"name":"\ud800"}`, nil, 400, "invalid", "surrogate"},
	"nested 33 deep":         {checkouts, good + `,"metadata":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, nil, 400, "invalid", "deep"},
	"a number beyond 2^53":   {checkouts, good + `,"amount":9007199254740993000}`, nil, 400, "invalid", "2^53"},
	"2^53 and one":           {checkouts, good + `,"amount":9007199254740993}`, nil, 400, "invalid", "2^53"},
	"a number far below":     {checkouts, good + `,"amount":-9007199254740993}`, nil, 400, "invalid", "2^53"},
	"a fraction beyond 2^53": {checkouts, good + `,"amount":9007199254740993.5}`, nil, 400, "invalid", "2^53"},
	"a number beyond reason": {checkouts, good + `,"amount":1e400}`, nil, 400, "invalid", "1e400 has an exponent"},
	"a number as a power":    {checkouts, good + `,"amount":1e3}`, nil, 400, "invalid", "1e3 has an exponent: write it out"},
	"a small power":          {checkouts, good + `,"amount":100E-2}`, nil, 400, "invalid", "exponent"},
	"a power of minutes":     {cleanups, `{"maxAgeMinutes":3e1}`, nil, 400, "invalid", "exponent"},
	// Wrong types and values are 422, without the value.
	"no object":                {checkouts, `[]`, nil, 422, "invalid", "object"},
	"null":                     {checkouts, `null`, nil, 422, "invalid", "object"},
	"nothing where much is":    {checkouts, ``, nil, 422, "invalid", "paymentRef"},
	"a number for a text":      {checkouts, `{"paymentRef":42,"customerId":"c","plan":"chat10"}`, nil, 422, "invalid", "body.paymentRef: expected string"},
	"a text for a number":      {checkouts, good + `,"amount":"12"}`, nil, 422, "invalid", "body.amount"},
	"euros as cents":           {checkouts, good + `,"amount":12.00}`, nil, 422, "invalid", "body.amount: expected integer, which is written without a fraction"},
	"minutes with zeros":       {cleanups, `{"maxAgeMinutes":30.000}`, nil, 422, "invalid", "body.maxAgeMinutes: expected integer"},
	"half a cent":              {checkouts, good + `,"amount":12.5}`, nil, 422, "invalid", "body.amount: expected integer"},
	"a start in letters":       {checkouts, good + `,"startsAt":"2026-02-30T18:00:00Z"}`, nil, 422, "invalid", "startsAt"},
	"a negative amount":        {checkouts, good + `,"amount":-1}`, nil, 422, "invalid", "body.amount"},
	"a currency of two":        {checkouts, good + `,"currency":"eu"}`, nil, 422, "invalid", "body.currency"},
	"a start of no time":       {checkouts, good + `,"startsAt":"tomorrow"}`, nil, 422, "invalid", "startsAt"},
	"a start without a zone":   {checkouts, good + `,"startsAt":"2026-12-24T18:00:00"}`, nil, 422, "invalid", "startsAt"},
	"a start that has passed":  {checkouts, good + `,"startsAt":"2020-02-29T12:00:00Z"}`, nil, 422, "invalid", "startsAt must lie ahead"},
	"a start of nothing":       {checkouts, good + `,"startsAt":"0001-01-01T00:00:00Z"}`, nil, 422, "invalid", "startsAt must lie ahead"},
	"a start in years":         {checkouts, good + `,"startsAt":"2999-01-01T00:00:00Z"}`, nil, 422, "invalid", "startsAt must be at most a year ahead"},
	"an unknown plan":          {checkouts, `{"paymentRef":"p","customerId":"c","plan":"gold"}`, nil, 422, "invalid", "gold"},
	"an empty customer":        {checkouts, `{"paymentRef":"p","customerId":"","plan":"chat10"}`, nil, 422, "invalid", "customerId"},
	"a customer of 129":        {checkouts, `{"paymentRef":"p","customerId":"` + strings.Repeat("x", 129) + `","plan":"chat10"}`, nil, 422, "invalid", "customerId"},
	"a line feed in an id":     {checkouts, `{"paymentRef":"p","customerId":"a\nb","plan":"chat10"}`, nil, 422, "invalid", "customerId"},
	"an empty reference":       {checkouts, `{"paymentRef":"","customerId":"c","plan":"chat10"}`, nil, 422, "invalid", "paymentRef"},
	"S09: CR LF in a name":     {checkouts, good + `,"name":"Ada\r\nBcc: all@example.org"}`, nil, 422, "invalid", "name"},
	"S09: CR LF in an e-mail":  {checkouts, good + `,"email":"a@b.c\r\nx"}`, nil, 422, "invalid", "email"},
	"no e-mail":                {checkouts, good + `,"email":"ada"}`, nil, 422, "invalid", "email is not an e-mail address"},
	"an e-mail of nobody":      {checkouts, good + `,"email":"@example.org"}`, nil, 422, "invalid", "email"},
	"an e-mail of nowhere":     {checkouts, good + `,"email":"ada@"}`, nil, 422, "invalid", "email"},
	"two e-mails":              {checkouts, good + `,"email":"a@b.c, d@e.f"}`, nil, 422, "invalid", "email"},
	"an e-mail in two":         {checkouts, good + `,"email":"a@b@c.d"}`, nil, 422, "invalid", "email"},
	"an e-mail with a space":   {checkouts, good + `,"email":"a b@c.d"}`, nil, 422, "invalid", "email"},
	"a sender as an e-mail":    {checkouts, good + `,"email":"Ada <a@b.c>"}`, nil, 422, "invalid", "email"},
	"an e-mail without labels": {checkouts, good + `,"email":"a@b..c"}`, nil, 422, "invalid", "email"},
	"a blank e-mail":           {checkouts, good + `,"email":" "}`, nil, 422, "invalid", "email"},
	"a turned e-mail":          {checkouts, good + `,"email":"a\u202eb@c.d"}`, nil, 422, "invalid", "U+202E"},
	"a turned name":            {checkouts, good + `,"name":"Ada \u202egnp.exe"}`, nil, 422, "invalid", "name must not contain the invisible character U+202E"},
	"an isolated name":         {checkouts, good + `,"name":"a\u2066b"}`, nil, 422, "invalid", "U+2066"},
	"a name with no space":     {checkouts, good + `,"name":"a\u200bb"}`, nil, 422, "invalid", "U+200B"},
	"a name with a tag":        {checkouts, good + `,"name":"a\udb40\udc41"}`, nil, 422, "invalid", "U+E0041"},
	"a turned id":              {checkouts, `{"paymentRef":"p","customerId":"a\u202eb","plan":"chat10"}`, nil, 422, "invalid", "customerId must not contain the invisible character U+202E"},
	"a joined id":              {checkouts, `{"paymentRef":"p","customerId":"a\u200db","plan":"chat10"}`, nil, 422, "invalid", "U+200D"},
	"an id of a filler":        {checkouts, `{"paymentRef":"p","customerId":"\u3164","plan":"chat10"}`, nil, 422, "invalid", "U+3164"},
	"an id of a space":         {checkouts, `{"paymentRef":"p","customerId":"\u00a0","plan":"chat10"}`, nil, 422, "invalid", "customerId must not be blank"},
	"a turned reference":       {checkouts, `{"paymentRef":"a\u061cb","customerId":"c","plan":"chat10"}`, nil, 422, "invalid", "paymentRef must not contain the invisible character U+061C"},
	"turned metadata":          {checkouts, good + `,"metadata":{"a":"\u202e"}}`, nil, 422, "invalid", "metadata.a"},
	"metadata, turned":         {checkouts, good + `,"metadata":{"\u202e":"a"}}`, nil, 422, "invalid", "U+202E"},
	"a turned reason":          {"POST /api/debug/checkouts/p/refund", `{"reason":"a\u202e"}`, nil, 422, "invalid", "reason"},
	"why, turned":              {cleanups, `{"reason":"a\u202e"}`, nil, 422, "invalid", "reason"},
	"a turned customer":        {cleanups, `{"customerId":"a\u202e"}`, nil, 422, "invalid", "customerId"},
	"a free turned customer":   {"POST /api/sessions", `{"plan":"free","customerId":"a\u202e"}`, nil, 422, "invalid", "customerId"},
	"a turned key":             {"POST /api/sessions", `{"plan":"free","customerId":"c"}`, []string{"Idempotency-Key: a\u202e"}, 422, "invalid", "Idempotency-Key"},
	"a turned endpoint":        {"POST /api/webhook-endpoints", `{"url":"https://example.org","description":"\u202e"}`, nil, 422, "invalid", "description"},
	"a list as metadata":       {checkouts, good + `,"metadata":["a"]}`, nil, 422, "invalid", "metadata"},
	"a service for nobody":     {"POST /api/sessions", `{"plan":"free"}`, nil, 422, "invalid", "customerId"},
	"an unknown rule":          {cleanups, `{"rules":["all"]}`, nil, 422, "invalid", "oldWaitingSessions"},
	"a negative age":           {cleanups, `{"maxAgeMinutes":-5}`, nil, 422, "invalid", "maxAgeMinutes"},
	"an age of nothing":        {cleanups, `{"maxAgeMinutes":0}`, nil, 422, "invalid", "maxAgeMinutes"},
	"an age beyond time":       {cleanups, `{"maxAgeMinutes":153722868}`, nil, 422, "invalid", "maxAgeMinutes"},
	"early without a reason":   {cleanups, `{"maxAgeMinutes":1}`, nil, 422, "invalid", "reason"},
	"a preview and a choice":   {cleanups, `{"previewId":"01a20871-e0e1-78f7-a4de-999d500d67a7","customerId":"c"}`, nil, 422, "invalid", "previewId"},
	"a preview of a dry run":   {cleanups, `{"previewId":"01a20871-e0e1-78f7-a4de-999d500d67a7","dryRun":true}`, nil, 422, "invalid", "previewId"},
	"a preview nobody made":    {cleanups, `{"previewId":"01a20871-e0e1-78f7-a4de-999d500d67a7"}`, nil, 404, "not_found", "preview"},
	"a preview of no id":       {cleanups, `{"previewId":"x' OR 1=1"}`, nil, 404, "not_found", "preview"},
	// S06, S07: paths and queries.
	"S06: a session of no id":  {"POST /api/sessions/1'%20OR%201=1/end", ``, nil, 404, "not_found", ""},
	"S06: %00 in an id":        {"POST /api/customers/%00/clear", ``, nil, 422, "invalid", "control"},
	"S06: 10 kB of an id":      {"POST /api/customers/" + strings.Repeat("x", 10_000) + "/clear", ``, nil, 422, "invalid", "128"},
	"S07: limit beyond reason": {"GET /api/debug/cleanup-runs?limit=1000000000", ``, nil, 422, "invalid", "limit"},
	"S07: a negative limit":    {"GET /api/debug/cleanup-runs?limit=-1", ``, nil, 422, "invalid", "limit"},
	"a limit of text":          {"GET /api/debug/cleanup-runs?limit=all", ``, nil, 422, "invalid", "limit"},
	"a cursor nobody gave":     {"GET /api/debug/cleanup-runs?cursor=x", ``, nil, 400, "invalid", "cursor"},
	"an unknown rule to see":   {"GET /api/debug/cleanup-sessions?rules=all", ``, nil, 422, "invalid", "all"},
	"a negative age to see":    {"GET /api/debug/cleanup-sessions?maxAgeMinutes=-1", ``, nil, 422, "invalid", "maxAgeMinutes"},
	"an outcome nobody has":    {payments + "?outcome=paid", ``, nil, 422, "invalid", "outcome"},
	"payments behind nothing":  {payments + "?after=x", ``, nil, 400, "invalid", "after"},
	"S07: payments, all":       {payments + "?limit=101", ``, nil, 422, "invalid", "limit"},
	"a customer of no id":      {payments + "?customerId=a%0Ab", ``, nil, 422, "invalid", "customerId"},
	"an address of 321":        {payments + "?email=" + strings.Repeat("x", 321), ``, nil, 422, "invalid", "email"},
	"NUL in an address":        {payments + "?email=a%00b", ``, nil, 422, "invalid", "email"},
	"a payment nobody made":    {payments + "/p-nobody", ``, nil, 404, "not_found", "p-nobody"},
	"S06: %00 in a reference":  {payments + "/%00", ``, nil, 404, "not_found", ""},
	"a refund without a why":   {"POST /api/debug/checkouts/p/refund", `{}`, nil, 422, "invalid", "reason"},
	"a refund for nothing":     {"POST /api/debug/checkouts/p/refund", `{"reason":""}`, nil, 422, "invalid", "reason"},
	"a refund's why, spoilt":   {"POST /api/debug/checkouts/p/refund", `{"reason":"a\nb"}`, nil, 422, "invalid", "reason"},
	"a refund of so much":      {"POST /api/debug/checkouts/p/refund", `{"reason":"r","amount":1}`, nil, 400, "invalid", "amount"},
	"a refund nobody can make": {"POST /api/debug/checkouts/p/refund", `{"reason":"r"}`, nil, 404, "not_found", ""},
	"a credit without a why":   {"POST /api/debug/checkouts/p/credit", ``, nil, 422, "invalid", "reason"},
	"assigned to nobody":       {"POST /api/debug/checkouts/p/assign", `{"plan":"chat10","reason":"r"}`, nil, 422, "invalid", "customerId"},
	"assigned without a why":   {"POST /api/debug/checkouts/p/assign", `{"plan":"chat10","customerId":"c"}`, nil, 422, "invalid", "reason"},
	"assigned to no plan":      {"POST /api/debug/checkouts/p/assign", `{"plan":"gold","customerId":"c","reason":"r"}`, nil, 422, "invalid", "gold"},
	"S60: a key of 1 kB":       {"POST /api/sessions", `{"plan":"free","customerId":"c"}`, []string{"Idempotency-Key: " + strings.Repeat("k", 1024)}, 422, "invalid", "Idempotency-Key"},
	// S01, S03: the envelope.
	"S03: a form":               {checkouts, good + `}`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported_media_type", `Content-Type: application/json`},
	"S03: plain text":           {checkouts, good + `}`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type", `Content-Type: application/json`},
	"S03: another alphabet":     {checkouts, good + `}`, []string{"Content-Type: application/json; charset=utf-16"}, 415, "unsupported_media_type", ""},
	"S03: nothing said":         {checkouts, good + `}`, []string{"Content-Type: "}, 415, "unsupported_media_type", `Content-Type: application/json`},
	"S01: more than 64 KiB":     {checkouts, good + `,"name":"` + strings.Repeat("x", 64<<10) + `"}`, nil, 413, "too_large", "65536"},
	"S01: nowhere is more read": {"POST /api/mechanics/requests/x/accept", strings.Repeat("x", 64<<10+1), nil, 403, "forbidden", ""},
}

func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(5 * time.Minute)
	h.fulfilled("somebody")
	h.ago(0)
	before := h.dump()
	for sentence, test := range badInput {
		method, path, _ := strings.Cut(test.route, " ")
		role := curfew.Service
		if strings.Contains(path, "/debug/") || strings.Contains(path, "/customers/") || strings.Contains(path, "/webhook-endpoints") {
			role = curfew.Admin
		}
		got := h.sendAs(role, "anna", method, path, test.body, test.headers...)
		if got.status != test.status || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, want %d: %.300s", sentence, got.status, test.status, got.body)
			continue
		}
		p := got.problem(t)
		if p.Code != test.code || !strings.Contains(p.Detail, test.says) || p.Type != "/docs#"+test.code || p.Title == "" || p.Status != test.status {
			t.Errorf("%s: %.300s", sentence, got.body)
		}
		if strings.Contains(got.body, "all@example.org") {
			t.Errorf("%s: a rejected value is echoed: %.300s", sentence, got.body)
		}
	}
	if after := h.dump(); after != before {
		t.Errorf("something changed:\n%s\nwas:\n%s", after, before)
	}
}

// S01: the response comes while the caller is still sending.
func TestS01_ALongBodyIsNotRead(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, header := range map[string]string{
		"said to be long": "Content-Length: 1000000000\r\n\r\n",
		"of no length":    "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat("x", 0x20000) + "\r\n",
	} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		must(t, err)
		defer func() { _ = conn.Close() }()
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		go func() {
			_, _ = fmt.Fprintf(conn, "POST /api/checkouts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s",
				h.token(curfew.Service, "shop"), header)
		}()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", sentence, resp.StatusCode)
		}
		_ = resp.Body.Close()
	}
}

// A whole number is one however it is written.
func TestAWholeNumberMayHaveAFraction(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	got := h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", good+`,"amount":1200.0,"currency":"eur"}`)
	if got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	all := h.sendAs(curfew.Admin, "me", "GET", "/api/customers/c/checkouts", "")
	if !strings.Contains(all.body, `"amount":1200,`) {
		t.Errorf("%s", all.body)
	}
}

// S02, S15: what Go's own server refuses before any handler.
func TestS02_S15_BadEnvelopes(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, test := range map[string]struct {
		head string
		want int
	}{
		"S02: headers of 17 kB":      {"GET /docs HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n", 431},
		"S02: headers of 16 KiB":     {"GET /docs HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", 431},
		"S02: many of 1 kB":          {"GET /docs HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1<<10)+"\r\n", 17) + "\r\n", 431},
		"S02: headers of 15 kB":      {"GET /docs HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 15<<10) + "\r\n\r\n", 200},
		"S02: headers of 32 kB":      {"GET /docs HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n", 431},
		"S27: a token of 1 MB":       {"GET /api/debug/session-health HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		"S15: two lengths":           {"POST /api/checkouts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400},
		"a request id from outside":  {"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: <script>\r\n\r\n", 404},
		"S63: a newline in a header": {"GET /nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nlevel=ERROR\r\n\r\n", 404},
	} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		must(t, err)
		defer func() { _ = conn.Close() }()
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		go func() { _, _ = fmt.Fprint(conn, test.head) }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		_ = resp.Body.Close()
		if size := len(test.head); test.want == 431 && size < 64<<10 && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v", sentence, resp.Header)
		}
		if resp.StatusCode != test.want && test.want != 404 || strings.ContainsAny(resp.Header.Get("X-Request-Id"), "<\n ") {
			t.Errorf("%s: %d %v", sentence, resp.StatusCode, resp.Header)
		}
	}
}

// What may be left out may be null, which many clients send for what they do not have.
func TestNullCountsAsAbsent(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, test := range map[string]struct {
		path, body string
		status     int
	}{
		"a purchase": {
			"/api/checkouts",
			`{"paymentRef":"p","customerId":"c","plan":"chat10","amount":null,"currency":null,"email":null,"name":null,"startsAt":null,"metadata":null}`, 201,
		},
		"a cleanup":          {"/api/debug/cleanup-sessions", `{"dryRun":null,"reason":null}`, 200},
		"whose cleanup":      {"/api/debug/cleanup-sessions", `{"customerId":null}`, 422},
		"which preview":      {"/api/debug/cleanup-sessions", `{"previewId":null,"reason":"x"}`, 422},
		"which rules":        {"/api/debug/cleanup-sessions", `{"rules": null }`, 422},
		"which age":          {"/api/debug/cleanup-sessions", `{"maxAgeMinutes":null}`, 422},
		"which deliveries":   {"/api/deliveries/replay", `{"endpoint":null}`, 422},
		"a clearing":         {"/api/customers/c/clear", `{"dryRun":null,"force":null,"reason":null}`, 200},
		"a session":          {"/api/sessions", `{"plan":"free","customerId":"d"}`, 201},
		"an endpoint":        {"/api/webhook-endpoints", `{"url":"https://example.org/hook","description":null,"events":null}`, 201},
		"what must be there": {"/api/checkouts", `{"paymentRef":null,"customerId":"c","plan":"chat10"}`, 422},
	} {
		role := curfew.Admin
		if test.path == "/api/checkouts" || test.path == "/api/sessions" {
			role = curfew.Service
		}
		if got := h.sendAs(role, "anna", "POST", test.path, test.body); got.status != test.status {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
}

// What people write is accepted: addresses, names and notes from all over the world.
func TestWhatPeopleWritePasses(t *testing.T) {
	t.Parallel()
	for _, email := range []string{
		"ada@example.org", "a.b+c_d-e@mail.example.co.uk", "ada@localhost", "josé@exämple.org", "o'neil@example.org",
		`"ada b"@example.org`, "a@[127.0.0.1]", "A@B.C", "1@2.de", "a/b=c@example.org", "भारत@भारत.भारत",
	} {
		if err := curfew.CheckEmail("email", email); err != nil {
			t.Errorf("%s: %v", email, err)
		}
	}
	for _, name := range []string{"Åsa", "نیما می\u200cخواهد", "क्\u200dष", "👩\u200d🔧", "O’Neil", "李", "שלום", "ʻOkina", "N\u0303", "❤\ufe0f", "葛\U000e0100城"} {
		if err := curfew.CheckText("name", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for given, want := range map[string]string{
		"ada": "ada", "a\u202eb": `a\u202eb`, "\U000e0041": `\udb40\udc41`, "a\tb\n": "a\tb\n", "a\x1b[2J": `a\u001b[2J`, "👩\u200d🔧": "👩\u200d🔧",
		"❤\ufe0f": "❤\ufe0f", "a\u2065b": `a\u2065b`,
	} {
		if got := curfew.Visible(given); got != want {
			t.Errorf("%q is shown as %s", given, got)
		}
	}
}

func TestAnAbsentBodyCountsAsEmpty(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for _, body := range []string{"", "{}", " {} "} {
		for _, path := range []string{"/api/debug/cleanup-sessions", "/api/customers/c/clear"} {
			if got := h.sendAs(curfew.Admin, "anna", "POST", path, body); got.status != 200 {
				t.Errorf("%s with %q: %d %s", path, body, got.status, got.body)
			}
		}
	}
}

func TestARouteWithoutFieldsTakesNone(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	f := h.fulfilled("c")
	got := h.sendAs(curfew.Customer, "c", "POST", "/api/sessions/"+f.SessionID+"/end", `{"reason":"bored"}`)
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "none is taken here") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// S08: every text comes back as it was.
func TestS08_TextsComeBackByteEqual(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for i, text := range []string{`Robert'); DROP TABLE sessions;--`, `{{.Token}} ${7*7} <script>`, "Åsa 🙂", `\"\\`, "null", "�"} {
		customer := fmt.Sprintf("%s %d", text, i)
		_, err := h.shop().FulfillCheckout(h.Context(), api.Purchase{PaymentRef: text, CustomerID: customer, Plan: "chat10", Name: text})
		must(t, err)
		paid, err := h.admin().Checkouts(h.Context(), customer)
		must(t, err)
		if len(paid.Checkouts) != 1 || paid.Checkouts[0].PaymentRef != text {
			t.Errorf("%q: %+v", text, paid)
		}
		queue, err := h.admin().Queue(h.Context(), api.Page{Limit: 100})
		must(t, err)
		if last := queue.Requests[len(queue.Requests)-1]; last.CustomerName != text {
			t.Errorf("%q is shown to mechanics as %q", text, last.CustomerName)
		}
	}
}

// S11: no text makes the reader panic, and what it lets pass is valid.
func FuzzStrict(f *testing.F) {
	for _, test := range badInput {
		f.Add([]byte(test.body))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := strictjson.Check(text, []string{"plan"}); err != nil && errors.Is(err, curfew.Internal) {
			t.Error(err)
		}
	})
}
