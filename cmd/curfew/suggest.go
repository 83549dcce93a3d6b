package main

import (
	"os"
	"os/exec"
	"strings"
)

// The defaults of the settings that such a command would use.
const (
	defaultDatabase = "sqlite:curfew.db"
	defaultURL      = "http://127.0.0.1:3001"
)

// tokenLine returns the command that prints a token, ready to paste.
func (s *settings) tokenLine() string {
	return program() + " token --role admin --subject me" + s.keyFlag()
}

// loginLine returns the command that prints a login link for url.
func (s *settings) loginLine(url string) string {
	line := program() + " login" + s.keyFlag()
	if url != defaultURL {
		line += " --base-url " + url
	}
	return line
}

// keyFlag returns the flag with the key's path, or "" if the command would find the key by default,
// or in auth.key like this process. The database's URL is not used: it may contain a password.
func (s *settings) keyFlag() string {
	if s.DatabaseURL == defaultDatabase && s.Auth.KeyFile == "" || s.Auth.Key != "" {
		return ""
	}
	return " --auth-key-file " + quoted(s.keyFile())
}

// quoted quotes a word for a shell if necessary.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-+:@", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if strings.TrimLeftFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// program returns how to call this program: by name if a shell would find it, otherwise by path.
func program() string {
	if _, err := exec.LookPath("curfew"); err == nil {
		return "curfew"
	}
	if path, err := os.Executable(); err == nil {
		return quoted(path)
	}
	return "curfew"
}
