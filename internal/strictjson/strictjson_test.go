package strictjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/strictjson"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		text string
		good bool
	}{
		"32 deep":                   {strings.Repeat("[", 32) + strings.Repeat("]", 32), true},
		"33 deep":                   {strings.Repeat("[", 33) + strings.Repeat("]", 33), false},
		"the same key elsewhere":    {`{"a":{"b":1},"c":{"b":1}}`, true},
		"keys that differ in case":  {`{"a":1,"A":2}`, true},
		"2^53":                      {`9007199254740992`, true},
		"a whole surrogate pair":    {`"\ud83d\ude42"`, true},
		"the replacement character": {`"�"`, true},
		"the same, escaped":         {`"\uFFFD"`, true},
		"nothing":                   {``, false},
		"two values":                {`1 2`, false},
	} {
		if err := strictjson.Check([]byte(test.text), nil); (err == nil) != test.good {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":12.0,"b":[ -0.0 ,1.50],"c":"2.0","d":{"e":7.0}}`: `{"a":12,"b":[ -0 ,1.50],"c":"2.0","d":{"e":7}}`,
		`{"a":29.00}`: `{"a":29.00}`,
		`3.0 `:        `3 `,
		`{"a":12}`:    `{"a":12}`,
	} {
		if got, err := strictjson.Plain([]byte(text), nil); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{`1e3`, `9007199254740993.0`, `{"b":1}`} {
		if _, err := strictjson.Plain([]byte(text), []string{"a"}); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// manyKeys returns an object with n fields.
func manyKeys(n int) []byte {
	var text strings.Builder
	text.WriteString(`{"metadata":{`)
	for i := range n {
		if i > 0 {
			text.WriteString(",")
		}
		fmt.Fprintf(&text, `"%05d":1`, i)
	}
	text.WriteString("}}")
	return []byte(text.String())
}

// A body of 64 KiB may be one object of thousands of fields. Each is looked at once, and the work for one does not
// grow with their number.
func TestCheck_ManyFields(t *testing.T) { //nolint:paralleltest // it counts allocations
	text := manyKeys(6000)
	if err := strictjson.Check(text, []string{"metadata"}); err != nil {
		t.Fatal(err)
	}
	twice := append(text[:len(text)-2:len(text)-2], `,"00000":1}}`...)
	if err := strictjson.Check(twice, nil); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the last field is the first one again: %v", err)
	}
	allocations := func(n int) float64 {
		text := manyKeys(n)
		return testing.AllocsPerRun(5, func() {
			if err := strictjson.Check(text, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, many := allocations(600), allocations(6000); many > 12*few {
		t.Errorf("%.0f allocations for 600 fields, %.0f for 6000", few, many)
	}
}

func BenchmarkCheck_64KiB(b *testing.B) {
	text := manyKeys(6000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := strictjson.Check(text, nil); err != nil {
			b.Fatal(err)
		}
	}
}
