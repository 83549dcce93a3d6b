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

// Options of Write.
type Options struct {
	Version string         // of this program
	Schema  int64          // the number of the database's last migration
	Saved   func(rows int) // is told of every so many rows; nil: nobody is
}

// Write saves a database into a folder that it makes, or that is empty. What a
// failure leaves has no manifest. It holds one row in memory at a time.
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

// makeFolder makes the folder, for its owner alone, and the folder only.
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
		return curfew.Errorf(curfew.Conflict, "%s is not empty (it has %s): name a folder that is, or one that is not there", dir, there[0].Name())
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
			tell(saved)
		}
		return to.Flush()
	})
	f.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	return f, err
}

func tell(who func(int)) {
	if who != nil {
		who(1)
	}
}

// writeManifest makes the folder a backup, at one moment.
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

// writeFile makes a file that only its owner reads, and returns when it is on
// the disk.
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

// syncFolder puts the names of the files on the disk, too.
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
