package record_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/record"
)

func TestAKeptMessageHasNoContacts(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string][2]string{
		"details of a customer":    {`{"id":"evt_1","data":{"object":{"customer_details":{"email":"a@b.example","name":"Ada"},"amount":1e3}}}`, `{"data":{"object":{"amount":1e3,"customer_details":"erased"}},"id":"evt_1"}`},
		"in a list, in capitals":   {`[{"Email":"a@b.example"},{"id":9007199254740993}]`, `[{"Email":"erased"},{"id":9007199254740993}]`},
		"nothing of it":            {`{"amount": null,  "id":"x"}`, `{"amount": null,  "id":"x"}`},
		"a member that is not set": {`{"email": null}`, `{"email": null}`},
		"no JSON":                  {`name=Ada`, `name=Ada`},
		"half of it":               {`{"email":"a@b.exam`, `{"email":"a@b.exam`},
		"nothing":                  {``, ``},
	} {
		if got := string(record.WithoutContacts([]byte(c[0]))); got != c[1] {
			t.Errorf("%s: %s, want %s", sentence, got, c[1])
		}
	}
}
