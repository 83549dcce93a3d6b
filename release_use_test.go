package curfew_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started is a program that was started, and the lines that it has written.
type started struct {
	*testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// start starts a program until the test ends. Its lines are those of stderr.
func (r *released) start(cmd *exec.Cmd) *started {
	r.Helper()
	pipe, err := cmd.StderrPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() }) // it may have ended
	return &started{r.T, cmd, bufio.NewScanner(pipe)}
}

// says waits for a line, and returns what its group matched. What follows is read by nobody, so it goes nowhere.
func (s *started) says(pattern string) string {
	s.Helper()
	var seen []string
	for line := regexp.MustCompile(pattern); s.lines.Scan(); seen = append(seen, s.lines.Text()) {
		if m := line.FindStringSubmatch(s.lines.Text()); m != nil {
			go func() {
				for s.lines.Scan() { // a full pipe would block it
				}
			}()
			return m[1]
		}
	}
	s.Fatalf("no line is like %s:\n%s", pattern, strings.Join(seen, "\n"))
	return ""
}

// ends asks the program to end, and it does so well.
func (s *started) ends(signal os.Signal) {
	s.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.Error(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.Errorf("it ended with %v", err)
	}
}

// asRoot skips where nobody may start a program as somebody else.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this takes root, as CI has")
	}
}

// A fresh user has an empty folder, and nothing but the program: the demo, and the line that it prints.
func (r *released) firstMinute() {
	r.Helper()
	dir := r.unpacked()
	env := []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=/usr/bin:/bin"}
	fresh := func(line string) *exec.Cmd {
		cmd := exec.CommandContext(r.Context(), "sh", "-c", line)
		cmd.Dir, cmd.Env = dir, env
		return cmd
	}
	if os.Getuid() == 0 {
		everybodys(r.T, dir)
		inner := fresh
		fresh = func(line string) *exec.Cmd {
			cmd := inner(line)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			return cmd
		}
	}
	begun := time.Now()
	demo := r.start(fresh("exec ./curfew demo --listen 127.0.0.1:0"))
	explain := demo.says(`about Kim +(.+)`)
	for said := ""; !strings.Contains(said, "is blocked by session"); {
		out, err := fresh(explain).CombinedOutput()
		if said = string(out); err != nil || time.Since(begun) > time.Minute {
			r.Fatalf("after %s (%v):\n%s", time.Since(begun), err, said)
		}
	}
	r.Logf("the first blocked customer was explained after %s", time.Since(begun).Round(time.Second))
	demo.ends(os.Interrupt)
}

// everybodys lets a user without rights use a folder of the test's, and pass through those above it.
func everybodys(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for above := dir; above != os.TempDir() && above != "/"; above = filepath.Dir(above) {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// The image is started as its config says, by hand: in a chroot that cannot be written to, as a user without rights.
func (r *released) image() {
	r.Helper()
	asRoot(r.T)
	config, layer := r.open()
	root, volume := r.TempDir(), r.TempDir()
	unpack := exec.CommandContext(r.Context(), "tar", "-x", "-C", root)
	unpack.Stdin = strings.NewReader(string(layer))
	if out, err := unpack.CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
	var user, group int
	if n, err := fmt.Sscanf(config.Config.User, "%d:%d", &user, &group); n != 2 || user == 0 || group == 0 {
		r.Fatalf("it runs as %q (%v)", config.Config.User, err)
	}
	if err := os.Chown(volume, user, group); err != nil {
		r.Fatal(err)
	}
	home := config.Config.WorkingDir
	if config.Config.Volumes[home] == nil {
		r.Errorf("%s is no volume", home)
	}
	port := unusedPort(r.T)
	env := append(slices.DeleteFunc(slices.Clone(config.Config.Env), func(line string) bool { return strings.HasPrefix(line, "PORT=") }), "PORT="+port)
	if len(env) != len(config.Config.Env) {
		r.Errorf("the image gives no PORT: %v", config.Config.Env)
	}
	script := fmt.Sprintf(`mount --bind %[1]s %[1]s && mount -o remount,bind,ro %[1]s && mount --bind %[2]s %[1]s%[3]s &&
		exec unshare --root=%[1]s --wd=%[3]s --setgid=%[4]d --setuid=%[5]d "$@"`, root, volume, home, group, user)
	cmd := exec.CommandContext(r.Context(), "unshare", append([]string{"--mount", "sh", "-c", script, "sh"}, slices.Concat(config.Config.Entrypoint, config.Config.Cmd)...)...)
	cmd.Env = append(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	service := r.start(cmd)
	at := service.says(`API and pages +(\S+)`)
	if at != "http://127.0.0.1:"+port {
		r.Errorf("it is at %s", at)
	}
	for path, want := range map[string]int{"/readyz": 200, "/livez": 200, "/metrics": 401, "/debug/pprof/": 404} {
		if got := statusOf(r.T, at+path); got != want {
			r.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if written, _ := filepath.Glob(filepath.Join(volume, "curfew.db")); len(written) != 1 {
		r.Error("its database is not on the volume")
	}
	if _, err := os.Stat(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil {
		r.Error(err)
	}
	service.ends(syscall.SIGTERM)
}

func unusedPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody was told of it
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = res.Body.Close() // the status is all
	return res.StatusCode
}

// dpkg installs the package into a system of its own, and removes it without a trace but the data.
func (r *released) deb() {
	r.Helper()
	asRoot(r.T)
	root := r.system()
	before := namesIn(r.T, root)
	r.dpkg(root, "--install", r.path("curfew_*.deb"))
	chroot := func(args ...string) string { return r.run("chroot", append([]string{root}, args...)...) }
	if got := chroot("/usr/bin/curfew", "version"); !strings.HasPrefix(got, "curfew "+r.version+" (") {
		r.Errorf("what is installed says %s", got)
	}
	if !strings.Contains(chroot("/usr/bin/getent", "passwd", "curfew"), ":/var/lib/curfew:") {
		r.Error("the service has no user")
	}
	unit := strings.ReplaceAll(read(r.T, filepath.Join(root, "usr/lib/systemd/system/curfew.service")), "/usr/bin/curfew", root+"/usr/bin/curfew")
	verifyUnit(r.T, unit)
	data := filepath.Join(root, "var/lib/curfew")
	if err := os.Mkdir(data, 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "curfew.db"), []byte("data"), 0o600); err != nil {
		r.Fatal(err)
	}
	r.dpkg(root, "--remove", "curfew")
	r.dpkg(root, "--purge", "curfew")
	left := slices.DeleteFunc(namesIn(r.T, root), func(name string) bool { return slices.Contains(before, name) })
	if want := []string{"var/lib/curfew", "var/lib/curfew/curfew.db"}; !slices.Equal(left, want) {
		r.Errorf("left behind: %q, want %q", left, want)
	}
	if err := os.RemoveAll(data); err != nil {
		r.Fatal(err)
	}
	r.dpkg(root, "--install", r.path("curfew_*.deb"))
	r.dpkg(root, "--purge", "curfew")
	if users := read(r.T, filepath.Join(root, "etc/passwd")); strings.Contains(users, "curfew") {
		r.Errorf("without data, its user stays:\n%s", users)
	}
}

func (r *released) dpkg(root string, args ...string) {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "dpkg", append([]string{"--root=" + root, "--force-unsafe-io"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("dpkg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// system is a root folder with what the package's scripts call, and no more.
func (r *released) system() string {
	r.Helper()
	root := r.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "tmp", "dev", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			r.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"var/lib/dpkg/status": "", "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/shadow": "", "etc/gshadow": "",
		"etc/nsswitch.conf": "passwd: files\ngroup: files\n", "dev/null": "",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
	}
	for link, to := range map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			r.Fatal(err)
		}
	}
	libraries := regexp.MustCompile(`(/\S+) \(0x`)
	for _, program := range []string{"/usr/bin/sh", "/usr/bin/getent", "/usr/sbin/useradd", "/usr/sbin/userdel", "/usr/bin/rmdir"} {
		needs := []string{program}
		for _, m := range libraries.FindAllStringSubmatch(r.run("ldd", program), -1) {
			needs = append(needs, m[1])
		}
		for _, name := range needs {
			r.run("cp", "--dereference", "--no-target-directory", "--preserve=mode", name, r.made(filepath.Join(root, name)))
		}
	}
	return root
}

// made makes the folder of a file.
func (r *released) made(path string) string {
	r.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.Fatal(err)
	}
	return path
}

// namesIn lists what is in a root folder, but for dpkg's own notes and what tools leave beside the lists of users.
func namesIn(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if !strings.HasPrefix(name, "var/lib/dpkg/") && !regexp.MustCompile(`^etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)`).MatchString(name) {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The packed packages are all that npx needs.
func (r *released) npx() {
	r.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		r.Skip("there is no npm here")
	}
	dir := r.TempDir()
	env := []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + filepath.Dir(npm) + ":/usr/bin:/bin", "npm_config_offline=true", "npm_config_update_notifier=false"}
	in := func(ctx context.Context, name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir, cmd.Env = dir, env
		return cmd
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{}"), 0o600); err != nil {
		r.Fatal(err)
	}
	install := in(r.Context(), "npm", "install", "--no-audit", "--no-fund", r.path("npm/curfew-[0-9]*.tgz"), r.path("npm/curfew-linux-*.tgz"))
	if out, err := install.CombinedOutput(); err != nil {
		r.Fatalf("npm install: %v\n%s", err, out)
	}
	if out, err := in(r.Context(), "npx", "curfew", "version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "curfew "+r.version+" (") {
		r.Fatalf("npx curfew version: %v\n%s", err, out)
	}
	if err := in(r.Context(), "npx", "curfew", "nosuch").Run(); err == nil || !strings.Contains(err.Error(), "64") {
		r.Errorf("a mistake ends with %v", err)
	}
	demo := r.start(in(r.Context(), filepath.Join(dir, "node_modules/.bin/curfew"), "demo", "--listen", "127.0.0.1:0"))
	if link := demo.says(`console +(http://\S+)`); !strings.Contains(link, "/login?ticket=") {
		r.Errorf("the demo says %s", link)
	}
	demo.ends(syscall.SIGTERM)
}
