package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tree is a work tree of its own, in which mutants are planted and removed.
type tree struct {
	dir   string
	sound map[test]bool // tests that passed without a mutant
}

// workTree checks out what repo has committed.
func workTree(ctx context.Context, repo string) (tree, func(), error) {
	parent, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return tree{}, nil, err
	}
	dir := filepath.Join(parent, "tree")
	if out, err := command(ctx, repo, "git", "worktree", "add", "--quiet", "--detach", dir, "HEAD"); err != nil {
		return tree{}, nil, fmt.Errorf("git worktree: %w\n%s", err, out)
	}
	remove := func() {
		ctx := context.WithoutCancel(ctx)
		_, _ = command(ctx, repo, "git", "worktree", "remove", "--force", dir) // prune forgets it otherwise
		_ = os.RemoveAll(parent)
	}
	return tree{dir, map[test]bool{}}, remove, nil
}

// try plants a mutant, runs its tests and takes it away again.
func (t tree) try(ctx context.Context, m mutant) verdict {
	for _, test := range m.tests {
		if !t.sound[test] && t.test(ctx, test) != survived {
			return broken
		}
		t.sound[test] = true
	}
	if _, err := command(ctx, t.dir, "git", "apply", m.patch); err != nil {
		return broken
	}
	defer func() { _, _ = command(context.WithoutCancel(ctx), t.dir, "git", "checkout", "--quiet", ".") }() // the next apply tells
	for _, test := range m.tests {
		if v := t.test(ctx, test); v != caught {
			return v
		}
	}
	return caught
}

// failure is what go test prints of a test that failed, panicked or took too long; it prints neither where
// the package does not compile.
var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: |^panic: `)

// test runs one test: it passed, so that the mutant survived, or it failed. What only helps people is left
// out of the build: a mutant is compiled once and never looked at.
func (t tree) test(ctx context.Context, one test) verdict {
	out, err := command(ctx, t.dir, "go", "test", "-count=1", "-short", "-vet=off", "-ldflags=-s -w", "-timeout=5m", "-run", one.pattern, one.pkg)
	switch {
	case strings.Contains(out, "no tests to run"):
		return broken
	case err == nil:
		return survived
	case failure.MatchString(out):
		return caught
	}
	return broken
}

func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // git and go, with the patches' own tests
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
