package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Options configures Write.
type Options struct {
	Version string         // of this program
	Schema  int64          // the number of the database's last migration
	Saved   func(rows int) // receives the number of rows saved since its last call; nil: none
}

// Write saves a database to a folder, which must be empty or missing. If it fails, it leaves no
// manifest. It holds one row in memory at a time.
func Write(ctx context.Context, dir string, from Source, o Options) (m Manifest, err error) {
	if err := makeFolder(dir); err != nil {
		return m, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	m = Manifest{Format: format, Curfew: o.Version, Schema: o.Schema}
	m.TakenAt, err = from.Dump(ctx, record.Tables(), func(t record.Table, rows Rows) error {
		f, err := writeTable(root, t, rows, o.Saved)
		m.Tables = append(m.Tables, f)
		return err
	})
	if err == nil {
		err = writeManifest(root, m)
	}
	if err != nil {
		return m, fmt.Errorf("back up into %s: %w", dir, err)
	}
	return m, nil
}

// makeFolder creates the folder, but not its parents, accessible only to its owner.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return curfew.Errorf(curfew.Conflict, "%s is not empty (it has %s): name an empty folder, or a new one", dir, there[0].Name())
	}
	return nil
}

func writeTable(root *os.Root, t record.Table, rows Rows, saved func(int)) (f File, err error) {
	f = File{Name: t.Name, Columns: names(t)}
	sum := sha256.New()
	err = writeFile(root, f.path(), func(w io.Writer) error {
		to := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
		var line bytes.Buffer
		for row, err := range rows {
			if err != nil {
				return err
			}
			line.Reset()
			if err := appendRow(&line, t, row); err != nil {
				return err
			}
			f.Rows, f.Bytes = f.Rows+1, f.Bytes+int64(line.Len())
			if _, err := to.Write(line.Bytes()); err != nil {
				return err
			}
			count(saved)
		}
		return to.Flush()
	})
	f.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	return f, err
}

// count reports one row.
func count(report func(int)) {
	if report != nil {
		report(1)
	}
}

// writeManifest turns the folder into a backup, atomically.
func writeManifest(root *os.Root, m Manifest) error {
	const unfinished = manifestName + ".tmp"
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	err = writeFile(root, unfinished, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	if err := root.Rename(unfinished, manifestName); err != nil {
		return err
	}
	return syncFolder(root)
}

// writeFile creates a file that only its owner can read, and syncs it to disk.
func writeFile(root *os.Root, name string, write func(io.Writer) error) (err error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := write(f); err != nil {
		return err
	}
	return f.Sync()
}

// syncFolder syncs the names of the files to disk.
func syncFolder(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func names(t record.Table) []string {
	all := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		all[i] = c.Name
	}
	return all
}
