package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew/api"
)

// readyIn is how long a service may take to say where it is.
const readyIn = time.Minute

// process is a running `curfew serve`.
type process struct {
	cmd  *exec.Cmd
	url  string // of API and pages
	ops  string
	exit chan error

	mu   sync.Mutex
	text strings.Builder // what it wrote to stderr
}

// start runs `curfew serve` on free ports and waits until it says where it is.
// What env holds is added to an environment without settings.
func start(dir string, env []string, args ...string) (*process, error) {
	return startBy("curfew", dir, env, args...)
}

// startBy is start for another program.
func startBy(program, dir string, env []string, args ...string) (*process, error) {
	return startAlone(program, dir, env, append([]string{"--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0"}, args...)...)
}

// startAlone is startBy for a program that listens where it is told.
func startAlone(program, dir string, env []string, args ...string) (*process, error) {
	p := &process{exit: make(chan error, 1)}
	p.cmd = exec.Command(program, append([]string{"serve"}, args...)...)
	p.cmd.Dir, p.cmd.Env = dir, append(withoutSettings(os.Environ()), env...)
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	found := make(chan struct{})
	read := make(chan struct{})
	go func() { defer close(read); p.read(pipe, found) }()
	go func() { <-read; p.exit <- p.cmd.Wait() }()
	select {
	case <-found:
		return p, nil
	case <-read:
		return nil, fmt.Errorf("serve ended: %s", p.stderr())
	case <-time.After(readyIn):
		return nil, errors.Join(fmt.Errorf("serve did not start: %s", p.stderr()), p.cmd.Process.Kill())
	}
}

func withoutSettings(environment []string) []string {
	var kept []string
	for _, line := range environment {
		if !strings.HasPrefix(line, "CURFEW_") && !strings.HasPrefix(line, "PORT=") {
			kept = append(kept, line)
		}
	}
	return kept
}

var (
	publicLine = regexp.MustCompile(`API and pages +(http://\S+)`)
	sweptLine  = regexp.MustCompile(`(?m)^curfew_sweeper_last_success_timestamp_seconds [1-9]`)
	opsLine    = regexp.MustCompile(`for operators +(http://\S+)`)
)

func (p *process) read(pipe io.Reader, found chan struct{}) {
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		p.mu.Lock()
		p.text.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if m := publicLine.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
		}
		if m := opsLine.FindStringSubmatch(lines.Text()); m != nil {
			p.ops = m[1]
			close(found)
		}
	}
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// end sends a signal and returns how the process ended.
func (p *process) end(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	return p.wait()
}

func (p *process) wait() error {
	select {
	case err := <-p.exit:
		p.exit <- err
		return err
	case <-time.After(readyIn):
		return errors.Join(errors.New("serve does not end"), p.cmd.Process.Kill())
	}
}

// kill ends the process whatever it does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.wait()
}

// serving is start for a test, until its end.
func serving(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	return servingBy(t, "curfew", dir, env, args...)
}

func servingBy(t *testing.T, program, dir string, env []string, args ...string) *process {
	t.Helper()
	p, err := startBy(program, dir, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("serve said:\n%s", p.stderr())
		}
	})
	return p
}

// swept returns once the service has swept.
func (p *process) swept() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range int(readyIn / (10 * time.Millisecond)) {
		answer, err := http.Get(p.ops + "/metrics")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || sweptLine.Match(text) {
			return err
		}
		<-tick.C
	}
	return fmt.Errorf("serve never sweeps: %s", p.stderr())
}

// client calls the service as a role, with a token of `curfew token`.
func (p *process) client(t *testing.T, dir, role, subject string) *api.Client {
	t.Helper()
	cmd := exec.Command("curfew", "token", "--auth-key-file=curfew.key", "--role="+role, "--subject="+subject)
	cmd.Dir, cmd.Env = dir, withoutSettings(os.Environ())
	token, err := cmd.Output()
	if err != nil {
		t.Fatalf("curfew token: %v", err)
	}
	return &api.Client{BaseURL: p.url, Token: strings.TrimSpace(string(token))}
}

// until repeats a look until it is true.
func until(ctx context.Context, t *testing.T, what string, look func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}
