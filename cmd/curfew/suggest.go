package main

import (
	"os"
	"os/exec"
	"strings"
)

// What a command assumes that is told nothing.
const (
	defaultDatabase = "sqlite:curfew.db"
	defaultURL      = "http://127.0.0.1:3001"
)

// tokenLine is the command that makes a token here, ready to be pasted.
func (s *settings) tokenLine() string {
	return program() + " token --role admin --subject me" + s.keyFlag()
}

// loginLine is the command that signs a browser in at url.
func (s *settings) loginLine(url string) string {
	line := program() + " login" + s.keyFlag()
	if url != defaultURL {
		line += " --base-url " + url
	}
	return line
}

// keyFlag names the key's file where a command that is told nothing would look
// elsewhere. The database's URL is not repeated: it may hold a password.
func (s *settings) keyFlag() string {
	if s.DatabaseURL == defaultDatabase && s.Auth.KeyFile == "" {
		return ""
	}
	return " --auth-key-file " + quoted(s.keyFile())
}

// quoted is a word for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-+:@", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if strings.TrimLeftFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// program is how this program is called: by its name if a shell would find it.
func program() string {
	if _, err := exec.LookPath("curfew"); err == nil {
		return "curfew"
	}
	if path, err := os.Executable(); err == nil {
		return quoted(path)
	}
	return "curfew"
}
