package openapitest_test

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/openapi/openapitest"
)

// document has one operation, whose body and answer are these.
func document(body, answer string) []byte {
	return []byte(`{"paths":{"/a":{"post":{"operationId":"doIt",
		"parameters":[{"in":"query","name":"limit","schema":{"type":"integer","maximum":100}}],
		"requestBody":{"content":{"application/json":{"schema":` + body + `}}},
		"responses":{"200":{"content":{"application/json":{"schema":` + answer + `}}}}}}},
		"webhooks":{"a.made":{"post":{"requestBody":{"content":{"application/json":{"schema":` + answer + `}}}}}},
		"components":{"schemas":{"A":{"type":"object","properties":{"kind":{"type":"string","enum":["a"]}},"required":["kind"]},"B":{"type":"object"}}}}`)
}

const (
	asked = `{"type":"object","properties":{"name":{"type":"string","enum":["x","y"]},"age":{"type":"integer"}},"required":["name"]}`
	given = `{"type":"object","properties":{"id":{"type":"string"},"state":{"type":"string","enum":["on","off"]},"of":{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"}]}},"required":["id"]}`
)

func TestWhatBreaksClients(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct{ in, from, to, want string }{
		"a field of an answer goes":               {"answer", `"id":{"type":"string"},`, ``, ".id is gone"},
		"a field of an answer changes its type":   {"answer", `"id":{"type":"string"}`, `"id":{"type":"integer"}`, "of type integer"},
		"a field of an answer may be null":        {"answer", `"id":{"type":"string"}`, `"id":{"type":["string","null"]}`, "of type null"},
		"a field of an answer may be absent":      {"answer", `"required":["id"]`, `"required":[]`, ".id may be absent"},
		"words of an answer become any text":      {"answer", `,"enum":["on","off"]`, ``, "any word"},
		"a variant of an answer goes":             {"answer", `,{"$ref":"#/components/schemas/B"}`, ``, "variant"},
		"a field must be sent":                    {"body", `"required":["name"]`, `"required":["name","age"]`, ".age must be sent"},
		"a field can no longer be sent":           {"body", `,"age":{"type":"integer"}`, ``, ".age is gone"},
		"a word can no longer be sent":            {"body", `"enum":["x","y"]`, `"enum":["x"]`, "the word y is gone"},
		"a number that is sent gets a limit":      {"body", `"age":{"type":"integer"}`, `"age":{"type":"integer","maximum":9}`, "maximum became narrower"},
		"only some words may be sent":             {"body", `"age":{"type":"integer"}`, `"age":{"type":"integer","enum":[1]}`, "only some words"},
		"an operation goes":                       {"all", `"post":{"operationId":"doIt"`, `"put":{"operationId":"doIt"`, "POST /a is gone"},
		"an operation is called otherwise":        {"all", `"doIt"`, `"doThat"`, "became doThat"},
		"a parameter goes":                        {"all", `"name":"limit"`, `"name":"size"`, "query limit is gone"},
		"a parameter gets narrower":               {"all", `"maximum":100`, `"maximum":10`, "maximum became narrower"},
		"a status goes":                           {"all", `"200"`, `"201"`, "status 200 is gone"},
		"a webhook goes":                          {"all", `"a.made"`, `"a.born"`, "webhook a.made is gone"},
		"a body becomes required":                 {"all", `"requestBody":{"content"`, `"requestBody":{"required":true,"content"`, "body became required"},
		"a field of a named schema goes":          {"all", `"properties":{"kind":{"type":"string","enum":["a"]}},"required":["kind"]`, `"properties":{}`, "A.kind is gone"},
		"nothing: an answer has one more field":   {"answer", `"id":`, `"more":{"type":"string"},"id":`, ""},
		"nothing: an answer has one more word":    {"answer", `"off"`, `"off","away"`, ""},
		"nothing: an answer always has a field":   {"answer", `"required":["id"]`, `"required":["id","state"]`, ""},
		"nothing: a field may be sent":            {"body", `"age":`, `"more":{"type":"string"},"age":`, ""},
		"nothing: one more word may be sent":      {"body", `"y"]`, `"y","z"]`, ""},
		"nothing: a field need not be sent":       {"body", `"required":["name"]`, `"required":[]`, ""},
		"nothing: an operation has more statuses": {"all", `"responses":{`, `"responses":{"404":{},`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, answer := asked, given
			switch change.in {
			case "body":
				body = strings.Replace(body, change.from, change.to, 1)
			case "answer":
				answer = strings.Replace(answer, change.from, change.to, 1)
			}
			now := document(body, answer)
			if change.in == "all" {
				now = []byte(strings.Replace(string(now), change.from, change.to, 1))
			}
			if string(now) == string(document(asked, given)) {
				t.Fatal("the case changes nothing")
			}
			found, err := openapitest.Breaking(document(asked, given), now)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(found, "\n"); (change.want == "") != (all == "") || !strings.Contains(all, change.want) {
				t.Errorf("found %q, want %q", all, change.want)
			}
		})
	}
}
