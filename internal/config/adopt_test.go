package config_test

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/config"
)

func TestAdoptedTablesAreReadFromYAMLAndJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"sessions:\n  table: public.sessions\n  id: id\n  customer: user_id\n  status: {column: status, waiting: [waiting]}\n  times: {created: created_at}\n",
		`{"sessions": {"table": "public.sessions", "id": "id", "customer": "user_id",
		  "status": {"column": "status", "waiting": ["waiting"]}, "times": {"created": "created_at"}}}`,
	} {
		var adopt config.Adopt
		if err := adopt.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%v in %s", err, text)
			continue
		}
		settings := config.Settings{Adopt: &adopt}
		if got := settings.Adopted(); len(got) != 1 || got[0].Name != "sessions" || got[0].Customer[0] != "user_id" {
			t.Errorf("read %+v", got)
		}
	}
	if got := (&config.Settings{}).Adopted(); got != nil {
		t.Errorf("without the setting, %v is adopted", got)
	}
}

func TestABadMappingIsRefusedWithItsPath(t *testing.T) {
	t.Parallel()
	err := new(config.Adopt).UnmarshalText([]byte("sessions: {table: public.sessions}"))
	if err == nil || !strings.Contains(err.Error(), "adopt.sessions.status.waiting: is needed") {
		t.Errorf("got %v", err)
	}
}
