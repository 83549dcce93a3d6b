package wire_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
)

// FuzzParseCursor looks for a cursor that means another place once it is written again.
func FuzzParseCursor(f *testing.F) {
	id := "0192f0c1-2d3e-7000-8000-000000000001"
	for _, text := range []string{
		"", "x", "MTIz", wire.Cursor(curfew.Cursor{}), wire.Cursor(curfew.Cursor{At: time.Date(2026, 11, 28, 10, 0, 0, 1000, time.UTC), ID: id}),
		wire.Cursor(curfew.Cursor{At: time.UnixMicro(-1), ID: id}), wire.Cursor(curfew.Cursor{At: time.UnixMicro(1<<63 - 1), ID: id}),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseCursor(text)
		if err != nil {
			if curfew.KindOf(err) != curfew.Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if text == "" {
			return
		}
		again, err := wire.ParseCursor(wire.Cursor(c))
		if err != nil || again != c {
			t.Errorf("%q is %+v, and written again %+v: %v", text, c, again, err)
		}
	})
}
