// Package openapitest checks what a server does against its description: answers, what it accepted, server-sent events and webhooks.
// It also says how a description breaks the clients of an earlier one.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	address  = "openapi.json"
	jsonType = "application/json"
	// problemType is the media type of errors, on every path.
	problemType = "application/problem+json"
)

// Contract is a description that answers are checked against. It is safe for concurrent use.
type Contract struct {
	doc      map[string]any
	routes   *http.ServeMux
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

// New reads a description. Its objects are closed: a field that is not described is a mistake here.
func New(document []byte) (*Contract, error) {
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	doc, ok := read.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the description is no object")
	}
	closeObjects(doc["components"])
	c := &Contract{doc: doc, routes: http.NewServeMux(), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.AssertFormat()
	for path, item := range object(doc["paths"]) {
		for method := range object(item) {
			c.routes.Handle(strings.ToUpper(method)+" "+path, http.NotFoundHandler())
		}
	}
	return c, c.compiler.AddResource(address, doc)
}

// closeObjects forbids what no property describes.
func closeObjects(in any) {
	switch node := in.(type) {
	case map[string]any:
		if _, ok := node["properties"].(map[string]any); ok && node["type"] == "object" && node["additionalProperties"] == nil {
			node["additionalProperties"] = false
		}
		for _, value := range node {
			closeObjects(value)
		}
	case []any:
		for _, value := range node {
			closeObjects(value)
		}
	}
}

// object returns a JSON object, or an empty one.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// Answer checks an answer, and what was sent if it was accepted. Paths outside of the description answer as they like, but for
// problems.
func (c *Contract) Answer(r *http.Request, sent []byte, status int, contentType string, body []byte) error {
	if contentType == problemType {
		return c.Schema("Problem", body)
	}
	_, pattern := c.routes.Handler(r)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || method != r.Method {
		return nil
	}
	at := []string{"paths", path, strings.ToLower(method)}
	if len(sent) > 0 && status < http.StatusMultipleChoices {
		if err := c.check(withoutNulls(sent), append(at, "requestBody", "content", jsonType, "schema")...); err != nil {
			return fmt.Errorf("%s was accepted, and is not described: %w", sent, err)
		}
	}
	responses := append(at, "responses")
	answers := object(c.find(append(responses, strconv.Itoa(status))...))
	switch described := object(answers["content"]); {
	case answers["description"] == nil:
		return fmt.Errorf("the status %d is not described", status)
	case described[contentType] == nil && len(body) > 0:
		return fmt.Errorf("the type %q is not described", contentType)
	case contentType == jsonType:
		return c.check(body, append(responses, strconv.Itoa(status), "content", contentType, "schema")...)
	}
	return nil
}

// withoutNulls leaves out of an object what counts as absent.
func withoutNulls(sent []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(sent, &fields) != nil {
		return sent
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	text, err := json.Marshal(fields)
	if err != nil {
		return sent
	}
	return text
}

// Schema checks JSON against a named schema.
func (c *Contract) Schema(name string, body []byte) error {
	return c.check(body, "components", "schemas", name)
}

func (c *Contract) check(body []byte, at ...string) error {
	schema, err := c.compiled("/" + strings.Join(escaped(at), "/"))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (c *Contract) compiled(pointer string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if schema, ok := c.schemas[pointer]; ok {
		return schema, nil
	}
	schema, err := c.compiler.Compile(address + "#" + pointer)
	if err == nil {
		c.schemas[pointer] = schema
	}
	return schema, err
}

func (c *Contract) find(at ...string) any {
	var node any = c.doc
	for _, key := range at {
		node = object(node)[key]
	}
	return node
}

// escaped writes keys as a JSON pointer in a URL has them.
func escaped(keys []string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
	}
	return all
}
