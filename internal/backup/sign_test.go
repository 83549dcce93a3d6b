package backup_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew/internal/backup"
)

// sign writes a file's size and checksum into the manifest.
func sign(t *testing.T, dir, file string) {
	t.Helper()
	var m backup.Manifest
	must(t, json.Unmarshal([]byte(text(t, dir, "manifest.json")), &m))
	for i, f := range m.Tables {
		if f.Name+".jsonl" == file {
			lines := text(t, dir, file)
			m.Tables[i].Bytes, m.Tables[i].SHA256 = int64(len(lines)), fmt.Sprintf("%x", sha256.Sum256([]byte(lines)))
		}
	}
	out, err := json.MarshalIndent(m, "", "  ")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "manifest.json"), out, 0o600))
}
