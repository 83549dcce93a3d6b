package httpapi_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/httpapi"
)

// Lesson 19: without a secret, nobody gets in.
func TestLesson19_NoSecretNoEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), mode))
		must(t, os.Chmod(path, mode))
		return path
	}
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for sentence, test := range map[string]struct {
		o    auth.Options
		says string
	}{
		"no file is named":           {auth.Options{}, "auth.key_file"},
		"the file is missing":        {auth.Options{KeyFile: filepath.Join(dir, "none")}, "curfew token"},
		"others can read it":         {auth.Options{KeyFile: at("open", good, 0o644)}, "chmod 600"},
		"it is empty":                {auth.Options{KeyFile: at("empty", "", 0o600)}, "32 bytes"},
		"it is short":                {auth.Options{KeyFile: at("short", good[:20], 0o600)}, "32 bytes"},
		"the shared secret is short": {auth.Options{KeyFile: at("good", good, 0o600), JWTSecret: "secret"}, "32 bytes"},
	} {
		_, err := auth.NewIdentity(context.Background(), test.o)
		if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
	h := newFixture(t)
	for _, route := range httpapi.RouteTable() {
		if got := h.send(route.Method, strings.Replace(route.Path, "{id}", "x", 1), ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a token: %d", route.Method, route.Path, got.status)
		}
	}
}

func TestManyWhoMakeTheKeyHaveOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "curfew.key")
	identities := make([]*auth.Identity, 8)
	var all sync.WaitGroup
	for i := range identities {
		all.Go(func() {
			var err error
			if identities[i], err = auth.NewIdentity(t.Context(), auth.Options{KeyFile: path, CreateKey: true}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	token, err := identities[0].Token(curfew.Actor{Role: curfew.Admin, ID: "anna"}, time.Minute)
	must(t, err)
	for _, i := range identities {
		if _, err := i.Verify(token); err != nil {
			t.Error("two keys were made")
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
