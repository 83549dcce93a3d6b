package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// program is the executable of a platform.
type program struct {
	os, arch string
	body     []byte
}

func (p program) name() string {
	if p.os == "windows" {
		return "curfew.exe"
	}
	return "curfew"
}

// compile builds the program for a platform: static, without what a debugger needs, and with its version in it.
func (r *release) compile(ctx context.Context, platform string) (program, error) {
	if p, ok := r.compiled[platform]; ok {
		return p, nil
	}
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return program{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing of it is needed
	p := program{}
	p.os, p.arch, _ = strings.Cut(platform, "/")
	path := filepath.Join(dir, p.name())
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -X main.release="+r.version+" -X main.commit="+r.commit, "-o", path, "./cmd/curfew")
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOWORK=off", "GOTOOLCHAIN=local", "PWD="+r.source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("go build for %s: %w\n%s", platform, err, out)
	}
	p.body, err = os.ReadFile(path)
	r.compiled[platform] = p
	return p, err
}

// generate asks this machine's program for its completions and its manual, and reads the texts that go along.
func (r *release) generate(ctx context.Context) error {
	own, err := r.compile(ctx, runtime.GOOS+"/"+runtime.GOARCH)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing of it is needed
	path := filepath.Join(dir, own.name())
	if err := os.WriteFile(path, own.body, 0o700); err != nil {
		return err
	}
	for name, args := range map[string][]string{
		"completions/curfew.bash": {"completion", "bash"}, "completions/_curfew": {"completion", "zsh"},
		"completions/curfew.fish": {"completion", "fish"}, "man/curfew.1": {"man"},
	} {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
		text, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("curfew %s: %w", strings.Join(args, " "), err)
		}
		r.texts = append(r.texts, file{name: name, mode: 0o644, body: text})
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(r.source, name))
		if err != nil {
			return err
		}
		r.texts = append(r.texts, file{name: name, mode: 0o644, body: text})
	}
	return nil
}

// text returns one of the texts.
func (r *release) text(name string) []byte {
	for _, f := range r.texts {
		if f.name == name {
			return f.body
		}
	}
	panic("no text " + name)
}

// archive packs the program with its texts into one folder.
func (r *release) archive(p program) error {
	base := "curfew_" + r.version + "_" + p.os + "_" + p.arch
	all := []file{{name: base + "/" + p.name(), mode: 0o755, body: p.body}}
	for _, f := range r.texts {
		f.name = base + "/" + f.name
		all = append(all, f)
	}
	if p.os == "windows" {
		body, err := zipped(all, r.date)
		if err != nil {
			return err
		}
		return r.write(base+".zip", body)
	}
	body, err := tarball(all, r.date)
	if err != nil {
		return err
	}
	return r.write(base+".tar.gz", body)
}

// replaced fills in a text that is written for every version.
func replaced(text []byte, pairs ...string) []byte {
	for i := 0; i < len(pairs); i += 2 {
		text = bytes.ReplaceAll(text, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	return text
}
