package curfew_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What a release may weigh, in bytes.
const (
	largestProgram = 41_000_000
	largestArchive = 16_000_000
	largestImage   = 30_000_000
)

// released is what make release makes, for one platform.
type released struct {
	*testing.T
	dir, version string
}

// TestARelease builds what is published and uses it as its users do, which takes as long as compiling all of the program
// and packing it five times over.
func TestARelease(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("make long builds a release")
	}
	if runtime.GOOS != "linux" {
		t.Skip("packages and images are Linux's")
	}
	r := release(t, ".", "linux/"+runtime.GOARCH)
	t.Run("is complete and whole", func(t *testing.T) { t.Parallel(); r.of(t).whole() })
	t.Run("agrees on its version", func(t *testing.T) { t.Parallel(); r.of(t).oneVersion() })
	t.Run("lists what it is made of", func(t *testing.T) { t.Parallel(); r.of(t).materials() })
	t.Run("shows a blocked customer within a minute", func(t *testing.T) { t.Parallel(); r.of(t).firstMinute() })
	t.Run("runs as an image says", func(t *testing.T) { t.Parallel(); r.of(t).image() })
	t.Run("is installed and removed by dpkg", func(t *testing.T) { t.Parallel(); r.of(t).deb() })
	t.Run("runs by npx without a registry", func(t *testing.T) { t.Parallel(); r.of(t).npx() })
}

// release builds a release of a source.
func release(t *testing.T, source, platforms string) *released {
	t.Helper()
	source, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	r := &released{T: t, dir: t.TempDir()}
	tool := filepath.Join(t.TempDir(), "release")
	r.run("go", "-C", "tools", "build", "-trimpath", "-buildvcs=false", "-o", tool, "./release")
	r.version = strings.TrimSpace(r.run(tool, "-source", source, "-version"))
	r.run(tool, "-source", source, "-platforms", platforms, r.dir)
	return r
}

func (r *released) of(t *testing.T) *released { return &released{t, r.dir, r.version} }

// run runs a program and returns what it prints.
func (r *released) run(name string, args ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), name, args...)
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			out = append(out, failed.Stderr...)
		}
		r.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// path is the one artefact whose name matches.
func (r *released) path(pattern string) string {
	r.Helper()
	found, err := filepath.Glob(filepath.Join(r.dir, pattern))
	if err != nil || len(found) != 1 {
		r.Fatalf("%s: %v (%v)", pattern, found, err)
	}
	return found[0]
}

// unpacked is the archive's folder.
func (r *released) unpacked() string {
	r.Helper()
	dir := r.TempDir()
	r.run("tar", "-xzf", r.path("curfew_*_linux_*.tar.gz"), "-C", dir, "--strip-components=1")
	return dir
}

func (r *released) whole() {
	r.Helper()
	sums := exec.CommandContext(r.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = r.dir
	if out, err := sums.CombinedOutput(); err != nil {
		r.Errorf("%v\n%s", err, out)
	}
	for pattern, most := range map[string]int64{
		"curfew_*_linux_*.tar.gz": largestArchive, "curfew_*.deb": largestArchive, "curfew-*.rpm": largestArchive,
		"npm/curfew-linux-*.tgz": largestArchive, "npm/curfew-[0-9]*.tgz": 100_000, "curfew_*.oci.tar": largestImage,
	} {
		if info, err := os.Stat(r.path(pattern)); err != nil || info.Size() > most {
			r.Errorf("%s: %d bytes, at most %d (%v)", pattern, info.Size(), most, err)
		}
	}
	dir := r.unpacked()
	if info, err := os.Stat(filepath.Join(dir, "curfew")); err != nil || info.Size() > largestProgram {
		r.Errorf("the program has %d bytes, at most %d (%v)", info.Size(), largestProgram, err)
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "man/curfew.1", "completions/curfew.bash", "completions/_curfew", "completions/curfew.fish"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			r.Error(err)
		}
	}
}

// The changelog, the program, the packages and the image say one version. The tag is compared by whoever builds.
func (r *released) oneVersion() {
	r.Helper()
	listed := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$`).FindStringSubmatch(read(r.T, "CHANGELOG.md"))
	if listed == nil || r.version != listed[1] && !strings.HasSuffix(r.version, "-dev") {
		r.Errorf("the changelog is at %v, and this builds %s", listed, r.version)
	}
	var says struct{ Version string }
	if err := json.Unmarshal([]byte(r.run(filepath.Join(r.unpacked(), "curfew"), "version", "--json")), &says); err != nil || says.Version != r.version {
		r.Errorf("the program says %q (%v)", says.Version, err)
	}
	if got := strings.TrimSpace(r.run("dpkg-deb", "--field", r.path("curfew_*.deb"), "Version")); strings.ReplaceAll(got, "~", "-") != r.version {
		r.Errorf("the package of Debian is %q", got)
	}
	for _, name := range []string{"curfew_" + r.version + "_linux_" + runtime.GOARCH + ".tar.gz", "npm/curfew-" + r.version + ".tgz", "curfew_" + r.version + ".oci.tar"} {
		r.path(name)
	}
}

// The list of materials is what the toolchain wrote into the program.
func (r *released) materials() {
	r.Helper()
	var bom struct {
		BomFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal([]byte(read(r.T, r.path("curfew_*.cdx.json"))), &bom); err != nil {
		r.Fatal(err)
	}
	var listed, built []string
	for _, c := range bom.Components {
		if listed = append(listed, c.Name+" "+c.Version); !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@") {
			r.Errorf("%s is at %s", c.Name, c.PURL)
		}
	}
	out := r.run("go", "version", "-m", filepath.Join(r.unpacked(), "curfew"))
	built = append(built, "std "+regexp.MustCompile(`: go(\S+)`).FindStringSubmatch(out)[1])
	for _, dep := range regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(out, -1) {
		built = append(built, dep[1]+" "+dep[2])
	}
	if !slices.Equal(listed, built) || len(built) < 20 {
		r.Errorf("listed: %q\nbuilt of: %q", listed, built)
	}
	if c := bom.Metadata.Component; bom.BomFormat != "CycloneDX" || bom.SpecVersion != "1.6" || c.Version != r.version {
		r.Errorf("it is of %s %s: %s %s", c.Name, c.Version, bom.BomFormat, bom.SpecVersion)
	}
}

// entries reads a tar archive.
func entries(t *testing.T, from io.Reader) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for archive := tar.NewReader(from); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = body
	}
}

// blob points to a blob of an image.
type blob struct {
	MediaType, Digest string
	Size              int
	Platform          struct{ OS, Architecture string }
}

// layout is an image that was read.
type layout struct {
	*testing.T
	files map[string][]byte
}

// blob returns what a descriptor points to, if it is that.
func (l layout) blob(at blob) []byte {
	l.Helper()
	body := l.files["blobs/"+strings.Replace(at.Digest, ":", "/", 1)]
	if sum := sha256.Sum256(body); "sha256:"+hex.EncodeToString(sum[:]) != at.Digest || len(body) != at.Size {
		l.Fatalf("%s has %d of %d bytes, or others", at.Digest, len(body), at.Size)
	}
	return body
}

func (l layout) json(body []byte, to any) {
	l.Helper()
	if err := json.Unmarshal(body, to); err != nil {
		l.Fatal(err)
	}
}

// imageConfig is how an image wants to be started.
type imageConfig struct {
	Architecture, OS string
	Config           struct {
		User, WorkingDir     string
		Entrypoint, Cmd, Env []string
		Volumes              map[string]any
	}
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	}
}

// open follows an image from its index to its one layer, and checks every digest on the way.
func (r *released) open() (config imageConfig, layer []byte) {
	r.Helper()
	file, err := os.Open(r.path("curfew_*.oci.tar"))
	if err != nil {
		r.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	l := layout{r.T, entries(r.T, file)}
	var top, index struct{ Manifests []blob }
	l.json(l.files["index.json"], &top)
	l.json(l.blob(top.Manifests[0]), &index)
	var manifest struct {
		Config blob
		Layers []blob
	}
	l.json(l.blob(index.Manifests[0]), &manifest)
	l.json(l.blob(manifest.Config), &config)
	unzipped, err := gzip.NewReader(bytes.NewReader(l.blob(manifest.Layers[0])))
	if err != nil {
		r.Fatal(err)
	}
	if layer, err = io.ReadAll(unzipped); err != nil {
		r.Fatal(err)
	}
	sum := sha256.Sum256(layer)
	if len(manifest.Layers) != 1 || config.RootFS.DiffIDs[0] != "sha256:"+hex.EncodeToString(sum[:]) {
		r.Errorf("the layer is not %v", config.RootFS.DiffIDs)
	}
	if index.Manifests[0].Platform.Architecture != runtime.GOARCH || config.Architecture != runtime.GOARCH || config.OS != "linux" {
		r.Errorf("the image is for %+v", index.Manifests[0].Platform)
	}
	return config, layer
}
