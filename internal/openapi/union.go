package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// variant is one of the objects that a union consists of.
type variant struct {
	value    string   // of the property that tells the variants apart
	doc      string   // what it means
	has      []string // fields that it always has, beside those that every variant has
	may      []string // fields that it can have
	exchange map[string]*huma.Schema
}

// unite replaces the object name by the union of its variants. Those are named after it and their values, and have its
// fields. A field that some variant names belongs to those that name it; the others belong to all.
func (d description) unite(name, by string, variants []variant) {
	whole := d.schemas[name]
	own := map[string]bool{}
	for _, v := range variants {
		for _, field := range slices.Concat(v.has, v.may) {
			own[field] = true
		}
	}
	mapping := map[string]string{}
	union := &huma.Schema{Description: whole.Description, Discriminator: &huma.Discriminator{PropertyName: by, Mapping: mapping}}
	for _, v := range variants {
		part := name + pascal(v.value)
		d.schemas[part] = v.object(whole, by, own)
		mapping[v.value] = SchemaPrefix + part
		union.OneOf = append(union.OneOf, ref(part))
	}
	d.schemas[name] = union
}

// object is the variant of a whole whose fields in own belong to some variants only.
func (v variant) object(whole *huma.Schema, by string, own map[string]bool) *huma.Schema {
	fields := slices.Concat(v.has, v.may)
	object := &huma.Schema{Type: huma.TypeObject, Description: v.doc, AdditionalProperties: false, Properties: maps.Clone(whole.Properties)}
	maps.DeleteFunc(object.Properties, func(field string, _ *huma.Schema) bool { return own[field] && !slices.Contains(fields, field) })
	maps.Copy(object.Properties, v.exchange)
	object.Properties[by] = one(v.value)
	for field := range object.Properties {
		if field == by || slices.Contains(v.has, field) || !own[field] && slices.Contains(whole.Required, field) {
			object.Required = append(object.Required, field)
		}
	}
	slices.Sort(object.Required)
	return object
}

// one is a text that is always the same. More generators understand an enum than a const.
func one(value string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: []any{value}} }

// pascal turns a code into a part of a name: refund_due becomes RefundDue, session.live SessionLive.
func pascal(code string) string {
	var name strings.Builder
	for _, word := range strings.FieldsFunc(code, func(r rune) bool { return r == '_' || r == '.' }) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}
