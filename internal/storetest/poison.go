package storetest

import (
	"fmt"
	"testing"
)

// Poison makes every write of a kind ("INSERT", "UPDATE", "DELETE") to the customer's rows in a
// table fail, like a trigger of another program that raises an error. Cure removes it.
func Poison(t testing.TB, h Harness, table, operation, customer string) (cure func()) {
	t.Helper()
	row := "NEW"
	if operation == "DELETE" {
		row = "OLD"
	}
	name := "poison_" + table + "_" + operation
	if h.Schema == "" {
		h.Exec(t, fmt.Sprintf(`CREATE TRIGGER %s BEFORE %s ON %s WHEN %s.customer_id = '%s' BEGIN SELECT RAISE(ABORT, 'no touching'); END`,
			name, operation, table, row, customer))
		return func() { h.Exec(t, "DROP TRIGGER "+name) }
	}
	h.Exec(t, fmt.Sprintf(`CREATE FUNCTION public.%s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'no touching'; END $$`, name))
	h.Exec(t, fmt.Sprintf(`CREATE TRIGGER %s BEFORE %s ON %s%s FOR EACH ROW WHEN (%s.customer_id = '%s') EXECUTE FUNCTION public.%s()`,
		name, operation, h.Schema, table, row, customer, name))
	return func() { h.Exec(t, fmt.Sprintf("DROP TRIGGER %s ON %s%s", name, h.Schema, table)) }
}
