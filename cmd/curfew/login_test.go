package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
)

func TestOnlyATerminalOfThisMachineGetsALink(t *testing.T) {
	t.Parallel()
	identity, err := auth.NewIdentity(t.Context(), auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true})
	if err != nil {
		t.Fatal(err)
	}
	for sentence, test := range map[string]struct {
		listen, url, format string
		watched, signed     bool
	}{
		"on this machine":                    {"127.0.0.1:0", "http://127.0.0.1:3001", "text", true, true},
		"on this machine, by its name":       {"127.0.0.1:0", "http://localhost:3001", "text", true, true},
		"into a file":                        {"127.0.0.1:0", "http://127.0.0.1:3001", "text", false, false},
		"with a log for programs":            {"127.0.0.1:0", "http://127.0.0.1:3001", "json", true, false},
		"where other machines reach it":      {"0.0.0.0:0", "http://127.0.0.1:3001", "text", true, false},
		"behind a proxy, for other machines": {"127.0.0.1:0", "https://curfew.example.org", "text", true, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			public, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", test.listen)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = public.Close() }() // nobody listens
			tcp, _ := public.(*net.TCPListener)
			svc := &service{listeners: &listeners{public: tcp}, url: test.url, identity: identity}
			link, err := svc.firstLink(terminal{watched: test.watched}, &settings{config.Settings{LogFormat: config.LogFormat(test.format)}})
			if err != nil || strings.HasPrefix(link, test.url+"/login?ticket=") != test.signed || !test.signed && link != "" {
				t.Errorf("a link: %q (%v)", link, err)
			}
		})
	}
}

func TestLoginOpensTheBrowser(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ browser, says string }{
		"there is one":         {"echo \"$1\" > opened", ""},
		"it goes on by itself": {"echo \"$1\" > opened\nexec sleep 4", ""},
		"there is no display":  {"exit 3", "No browser was opened (" + browserLine(runtime.GOOS, "")[0] + ": exit status 3): open the link yourself"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, browserLine(runtime.GOOS, "")[0]), []byte("#!/bin/sh\n"+test.browser+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "curfew", "login", "--open", "--auth-key-file=curfew.key")
			cmd.Dir, cmd.Env = dir, append(withoutSettings(os.Environ()), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			var said strings.Builder
			cmd.Stderr = &said
			link, err := cmd.Output()
			if err != nil || !strings.HasPrefix(string(link), "http://127.0.0.1:3001/login?ticket=") {
				t.Fatalf("%q %v %s", link, err, said.String())
			}
			opened, err := os.ReadFile(filepath.Join(dir, "opened"))
			if (err == nil) != (test.says == "") || err == nil && string(opened) != string(link) {
				t.Errorf("opened %q (%v), want %q", opened, err, link)
			}
			if test.says == "" && said.Len() > 0 || !strings.Contains(said.String(), test.says) ||
				test.says != "" && !strings.Contains(said.String(), "ssh -N -L 3001:127.0.0.1:3001 THIS-HOST") {
				t.Errorf("it says %q, want %q", said.String(), test.says)
			}
		})
	}
}
