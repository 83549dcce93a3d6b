package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is one version that is being built.
type release struct {
	source, out string
	version     string // 1.2.3, or 1.3.0-dev of a source that has gone on since
	commit      string // empty: the source has no history, or was changed since
	date        time.Time
	texts       []file // completions, the manual, the licence
	made        []artefact
	compiled    map[string]program // by platform
}

// artefact is a file that was made.
type artefact struct {
	name, sum string
	size      int
}

func newRelease(ctx context.Context, source string) (*release, error) {
	changelog, err := os.ReadFile(filepath.Join(source, "CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	r := &release{source: source, compiled: map[string]program{}}
	if r.version, r.date, err = versionOf(string(changelog)); err != nil {
		return nil, err
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH is no number of seconds: %q", epoch)
		}
		r.date = time.Unix(seconds, 0).UTC()
	}
	r.commit = r.committed(ctx)
	return r, r.agrees(ctx)
}

var heading = regexp.MustCompile(`(?m)^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$`)

// versionOf reads the version that a changelog is at: its newest one, or the one after that if anything is listed as
// unreleased. A build of that is marked as what it is.
func versionOf(changelog string) (string, time.Time, error) {
	found := heading.FindAllStringSubmatchIndex(changelog, -1)
	text := func(i, group int) string {
		if found[i][2*group] < 0 {
			return ""
		}
		return changelog[found[i][2*group]:found[i][2*group+1]]
	}
	unreleased := false
	for i := range found {
		if text(i, 1) == "Unreleased" {
			end := len(changelog)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			unreleased = strings.Contains(changelog[found[i][1]:end], "\n- ")
			continue
		}
		date, err := time.Parse(time.DateOnly, text(i, 2))
		if err != nil {
			return "", time.Time{}, fmt.Errorf("CHANGELOG.md: %s has no date", text(i, 1))
		}
		version := text(i, 1)
		if unreleased {
			version, err = after(version)
		}
		return version, date, err
	}
	return "", time.Time{}, fmt.Errorf("CHANGELOG.md names no version")
}

// after is the name of what comes after a version: 0.2.0-dev after 0.1.3.
func after(version string) (string, error) {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return "", fmt.Errorf("CHANGELOG.md: %q is no version: %w", version, err)
	}
	return fmt.Sprintf("%d.%d.0-dev", major, minor+1), nil
}

// committed returns the commit that the source is at; empty if it has no history, or was changed since.
func (r *release) committed(ctx context.Context) string {
	changed, err := r.git(ctx, "status", "--porcelain", "--untracked-files=no")
	if err != nil || changed != "" {
		return ""
	}
	commit, err := r.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	return commit
}

// agrees refuses a commit whose tag is another version's.
func (r *release) agrees(ctx context.Context) error {
	tags, err := r.git(ctx, "tag", "--points-at", "HEAD")
	if err != nil {
		return nil // no history, no tag
	}
	all := slices.DeleteFunc(strings.Fields(tags), func(tag string) bool { return !regexp.MustCompile(`^v\d`).MatchString(tag) })
	if len(all) > 0 && !slices.Contains(all, "v"+r.version) {
		return fmt.Errorf("the commit is tagged %s, and CHANGELOG.md is at %s", strings.Join(all, ", "), r.version)
	}
	return nil
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.source
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// write puts a file into the release.
func (r *release) write(name string, body []byte) error {
	sum := sha256.Sum256(body)
	r.made = append(r.made, artefact{name, hex.EncodeToString(sum[:]), len(body)})
	path := filepath.Join(r.out, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o644)
}

// checksums lists what was made, as sha256sum -c reads it.
func (r *release) checksums([]program) error {
	var lines []string
	for _, a := range r.made {
		lines = append(lines, a.sum+"  "+a.name+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return r.write("SHA256SUMS", []byte(strings.Join(lines, "")))
}

// sumOf returns the checksum of what was made under a name.
func (r *release) sumOf(name string) string {
	i := slices.IndexFunc(r.made, func(a artefact) bool { return a.name == name })
	if i < 0 {
		return ""
	}
	return r.made[i].sum
}
