package openapitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Breaking says how a description breaks programs that were written for an earlier one. Additions break nobody: a path, a field of
// an answer, a word of an answer, an optional field of what is sent.
func Breaking(earlier, now []byte) ([]string, error) {
	c := &comparison{seen: map[string]bool{}}
	if err := json.Unmarshal(earlier, &c.old); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(now, &c.new); err != nil {
		return nil, err
	}
	c.paths()
	c.webhooks()
	slices.Sort(c.found)
	return slices.Compact(c.found), nil
}

// direction is who writes what a schema describes, and so what may change about it.
type direction int

const (
	sent     direction = iota // callers write it: it may become wider
	answered                  // Curfew writes it: it may become narrower
)

type comparison struct {
	old, new map[string]any
	seen     map[string]bool // pairs of schemas that were compared
	found    []string
}

func (c *comparison) add(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *comparison) paths() {
	for path, item := range object(c.old["paths"]) {
		for method, op := range object(item) {
			at := strings.ToUpper(method) + " " + path
			after := object(object(object(c.new["paths"])[path])[method])
			if len(after) == 0 {
				c.add("%s is gone", at)
				continue
			}
			c.operation(at, object(op), after)
		}
	}
}

func (c *comparison) operation(at string, old, now map[string]any) {
	if old["operationId"] != now["operationId"] {
		c.add("%s: the operationId %v became %v", at, old["operationId"], now["operationId"])
	}
	c.parameters(at, old, now)
	c.content(at+": body", object(old["requestBody"]), object(now["requestBody"]), sent)
	if object(now["requestBody"])["required"] == true && object(old["requestBody"])["required"] != true {
		c.add("%s: the body became required", at)
	}
	for status, answer := range object(old["responses"]) {
		after, ok := object(now["responses"])[status].(map[string]any)
		if !ok {
			c.add("%s: the status %s is gone", at, status)
			continue
		}
		c.content(at+": "+status, object(answer), after, answered)
	}
}

func (c *comparison) parameters(at string, old, now map[string]any) {
	before, after := parametersOf(old), parametersOf(now)
	for name, p := range before {
		q, ok := after[name]
		if !ok {
			c.add("%s: the parameter %s is gone", at, name)
			continue
		}
		c.schema(at+": "+name, p["schema"], q["schema"], sent)
	}
	for name, p := range after {
		if p["required"] == true && before[name]["required"] != true {
			c.add("%s: the parameter %s became required", at, name)
		}
	}
}

func parametersOf(op map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, p := range list(op["parameters"]) {
		all[fmt.Sprint(object(p)["in"], " ", object(p)["name"])] = object(p)
	}
	return all
}

func (c *comparison) content(at string, old, now map[string]any, dir direction) {
	for media, schema := range object(old["content"]) {
		after, ok := object(now["content"])[media]
		if !ok {
			c.add("%s: the type %s is gone", at, media)
			continue
		}
		c.schema(at, object(schema)["schema"], object(after)["schema"], dir)
	}
}

func (c *comparison) webhooks() {
	for kind, item := range object(c.old["webhooks"]) {
		after := object(object(c.new["webhooks"])[kind])
		if len(after) == 0 {
			c.add("webhook %s is gone", kind)
			continue
		}
		c.content("webhook "+kind, object(object(object(item)["post"])["requestBody"]), object(object(after["post"])["requestBody"]), answered)
	}
}

// schema compares two schemas. A pair that was compared is not compared again, so that circles end.
func (c *comparison) schema(at string, before, after any, dir direction) {
	old, name := resolve(c.old, before)
	now, name2 := resolve(c.new, after)
	if name != "" {
		pair := fmt.Sprint(name, " ", name2, " ", dir)
		if c.seen[pair] {
			return
		}
		c.seen[pair], at = true, name
	}
	if (old == nil) != (now == nil) {
		c.add("%s: its schema came or went", at)
		return
	}
	c.types(at, old, now, dir)
	c.words(at, old, now, dir)
	c.properties(at, old, now, dir)
	c.variants(at, old, now, dir)
	if old["items"] != nil && now["items"] != nil {
		c.schema(at+"[]", old["items"], now["items"], dir)
	}
}

func (c *comparison) types(at string, old, now map[string]any, dir direction) {
	before, after := texts(old["type"]), texts(now["type"])
	gone, came := missing(before, after), missing(after, before)
	if dir == sent && len(gone) > 0 && len(before) > 0 {
		c.add("%s: it may no longer be of type %s", at, strings.Join(gone, ", "))
	}
	if dir == answered && len(came) > 0 && len(before) > 0 {
		c.add("%s: it may be of type %s now", at, strings.Join(came, ", "))
	}
	if !reflect.DeepEqual(old["format"], now["format"]) {
		c.add("%s: the format %v became %v", at, old["format"], now["format"])
	}
	if dir == sent {
		c.bounds(at, old, now)
	}
}

// bounds compares what limits a value that is sent.
func (c *comparison) bounds(at string, old, now map[string]any) {
	for key, narrower := range map[string]float64{"minLength": 1, "minimum": 1, "minItems": 1, "maxLength": -1, "maximum": -1, "maxItems": -1, "maxProperties": -1} {
		after, limited := now[key].(float64)
		before, was := old[key].(float64)
		if limited && (!was || (after-before)*narrower > 0) {
			c.add("%s: %s became narrower", at, key)
		}
	}
	if now["pattern"] != nil && old["pattern"] != now["pattern"] {
		c.add("%s: the pattern changed", at)
	}
}

func (c *comparison) words(at string, old, now map[string]any, dir direction) {
	before, after := texts(old["enum"]), texts(now["enum"])
	if gone := missing(before, after); dir == sent && len(after) > 0 && len(gone) > 0 {
		c.add("%s: the word %s is gone", at, strings.Join(gone, ", "))
	}
	if dir == sent && len(before) == 0 && len(after) > 0 {
		c.add("%s: only some words may be sent now", at)
	}
	if dir == answered && len(before) > 0 && len(after) == 0 {
		c.add("%s: any word may come now", at)
	}
}

func (c *comparison) properties(at string, old, now map[string]any, dir direction) {
	required, nowRequired := texts(old["required"]), texts(now["required"])
	for field, schema := range object(old["properties"]) {
		after, ok := object(now["properties"])[field]
		if !ok {
			c.add("%s.%s is gone", at, field)
			continue
		}
		c.schema(at+"."+field, schema, after, dir)
		if dir == answered && slices.Contains(required, field) && !slices.Contains(nowRequired, field) {
			c.add("%s.%s may be absent now", at, field)
		}
	}
	for _, field := range missing(nowRequired, required) {
		if dir == sent {
			c.add("%s.%s must be sent now", at, field)
		}
	}
}

func (c *comparison) variants(at string, old, now map[string]any, dir direction) {
	for _, union := range []string{"oneOf", "anyOf"} {
		before, after := list(old[union]), list(now[union])
		if (len(before) == 0) != (len(after) == 0) {
			c.add("%s: it became a union, or ceased to be one", at)
			continue
		}
		for i, variant := range before {
			at := fmt.Sprintf("%s|%d", at, i)
			if name := object(variant)["$ref"]; name != nil {
				i = slices.IndexFunc(after, func(v any) bool { return object(v)["$ref"] == name })
			}
			if i < 0 || i >= len(after) {
				c.add("%s: the variant %v is gone", at, object(variant)["$ref"])
				continue
			}
			c.schema(at, variant, after[i], dir)
		}
	}
}

// resolve follows a reference, and returns its name.
func resolve(doc map[string]any, schema any) (map[string]any, string) {
	o, _ := schema.(map[string]any)
	name, ok := strings.CutPrefix(fmt.Sprint(o["$ref"]), "#/components/schemas/")
	if !ok {
		return o, ""
	}
	return object(object(object(doc["components"])["schemas"])[name]), name
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// texts returns one text, or a list of them, as a list.
func texts(v any) []string {
	var all []string
	for _, one := range list(v) {
		all = append(all, fmt.Sprint(one))
	}
	if one, ok := v.(string); ok {
		all = append(all, one)
	}
	return all
}

// missing returns what is in all and not in those.
func missing(all, those []string) []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(set(all))), func(one string) bool { return slices.Contains(those, one) })
}

func set(all []string) map[string]bool {
	s := map[string]bool{}
	for _, one := range all {
		s[one] = true
	}
	return s
}
