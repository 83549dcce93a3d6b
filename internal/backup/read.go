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
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Backup is a folder whose manifest has been read.
type Backup struct {
	Manifest
	dir  string
	root *os.Root
}

// Open reads the manifest. It returns NotFound if the folder is not a backup, and Invalid if a
// later release wrote it.
func Open(dir string) (*Backup, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, curfew.Errorf(curfew.NotFound, "there is no backup %s: %v", dir, err)
	}
	b := &Backup{dir: dir, root: root}
	if err := b.readManifest(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return b, nil
}

// Close closes the folder.
func (b *Backup) Close() error { return b.root.Close() }

func (b *Backup) readManifest() error {
	text, err := b.root.ReadFile(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return curfew.Errorf(curfew.NotFound, "%s has no %s: it is no backup, or one that was not finished", b.dir, manifestName)
	}
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	if err := json.Unmarshal(text, &b.Manifest); err != nil || b.Format < 1 {
		return curfew.Errorf(curfew.Invalid, "%s/%s is damaged: it is not what `curfew preflight --backup` writes", b.dir, manifestName)
	}
	if b.Format > format {
		return b.newer(fmt.Sprintf("format %d", b.Format))
	}
	for _, f := range b.Tables {
		if _, err := tableOf(f); err != nil {
			return b.newer(err.Error())
		}
	}
	return nil
}

func (b *Backup) newer(what string) error {
	return curfew.Errorf(curfew.Invalid, "%s was written by curfew %s and has %s, which this release does not know: restore it with that release",
		b.dir, b.Curfew, what)
}

// tableOf returns the table with only the columns in the file. A backup from an earlier release may
// have fewer; the database's defaults fill in the rest.
func tableOf(f File) (record.Table, error) {
	all := record.Tables()
	at := slices.IndexFunc(all, func(t record.Table) bool { return t.Name == f.Name })
	if at < 0 {
		return record.Table{}, fmt.Errorf("a table %q", f.Name)
	}
	t := record.Table{Name: f.Name, Key: all[at].Key}
	for _, name := range f.Columns {
		i := slices.IndexFunc(all[at].Columns, func(c record.Column) bool { return c.Name == name })
		if i < 0 {
			return t, fmt.Errorf("a column %q of %s", name, f.Name)
		}
		t.Columns = append(t.Columns, all[at].Columns[i])
	}
	return t, nil
}

// Verify checks every file against the manifest. It returns Invalid, naming each file that is
// missing, truncated or damaged.
func (b *Backup) Verify() error {
	var wrong []error
	for _, f := range b.Tables {
		wrong = append(wrong, b.verify(f))
	}
	return errors.Join(wrong...)
}

func (b *Backup) verify(f File) error {
	file, err := b.root.Open(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return curfew.Errorf(curfew.Invalid, "%s lacks %s: nothing was restored", b.dir, f.path())
	}
	if err != nil {
		return fmt.Errorf("verify backup: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	switch {
	case err != nil:
		return fmt.Errorf("verify backup: %w", err)
	case n < f.Bytes:
		return curfew.Errorf(curfew.Invalid, "%s of %s is cut off, it has %d bytes instead of %d: nothing was restored", f.path(), b.dir, n, f.Bytes)
	case fmt.Sprintf("%x", sum.Sum(nil)) != f.SHA256:
		return curfew.Errorf(curfew.Invalid, "%s of %s is damaged, its checksum is not the manifest's: nothing was restored", f.path(), b.dir)
	}
	return nil
}

// Restore verifies the backup and writes all of it, or nothing, to an empty database. It reports
// rows to loaded unless that is nil.
func (b *Backup) Restore(ctx context.Context, to Target, loaded func(rows int)) error {
	if err := b.Verify(); err != nil {
		return err
	}
	var tables []record.Table
	files := make(map[string]File)
	for _, t := range record.Tables() {
		i := slices.IndexFunc(b.Tables, func(f File) bool { return f.Name == t.Name })
		if i < 0 {
			continue // written before there was such a table
		}
		t, err := tableOf(b.Tables[i])
		if err != nil {
			return err
		}
		tables, files[t.Name] = append(tables, t), b.Tables[i]
	}
	err := to.Load(ctx, tables, func(t record.Table) Rows { return b.rows(files[t.Name], t, loaded) })
	if err != nil {
		return fmt.Errorf("restore %s: %w", b.dir, err)
	}
	return nil
}

// rows reads a file line by line.
func (b *Backup) rows(f File, t record.Table, loaded func(int)) Rows {
	return func(yield func([]any, error) bool) {
		file, err := b.root.Open(f.path())
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		lines := bufio.NewReaderSize(file, 1<<16)
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return
			}
			var row []any
			if err == nil {
				row, err = parseRow(bytes.TrimSuffix(line, []byte("\n")), t)
			}
			if err != nil {
				yield(nil, curfew.Errorf(curfew.Invalid, "%s line %d: %v", f.path(), n, err))
				return
			}
			count(loaded)
			if !yield(row, nil) {
				return
			}
		}
	}
}
