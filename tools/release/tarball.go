package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// file is a file of an archive, or a folder if its name ends with a slash. It belongs to nobody's name, but to numbers.
type file struct {
	name string // without a slash in front
	mode int64
	body []byte
	id   int // of its owner and its group; 0: root
}

// sorted puts files in the order of their names: a map's order would be another each time.
func sorted(all []file) []file {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all
}

// withFolders adds the folders that files are in.
func withFolders(all []file) []file {
	for _, f := range all {
		for dir := path.Dir(strings.TrimSuffix(f.name, "/")); dir != "."; dir = path.Dir(dir) {
			if !slices.ContainsFunc(all, func(f file) bool { return f.name == dir+"/" }) {
				all = append(all, file{name: dir + "/", mode: 0o755})
			}
		}
	}
	return all
}

// tarred writes files as a tar archive, each of one time.
func tarred(to io.Writer, all []file, at time.Time) error {
	w := tar.NewWriter(to)
	for _, f := range sorted(all) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.body)), ModTime: at, Uid: f.id, Gid: f.id, Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(f.body); err != nil {
			return err
		}
	}
	return w.Close()
}

// tarball is a compressed tar archive.
func tarball(all []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	err := errors.Join(tarred(w, all, at), w.Close())
	return b.Bytes(), err
}

// gzipped compresses one file.
func gzipped(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(body)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// zipped is a zip archive, which Windows opens by itself.
func zipped(all []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range sorted(all) {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(0o644)
		to, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(f.body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
