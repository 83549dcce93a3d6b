package main

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
)

// settings are the settings of this process, and what the commands make of them.
type settings struct{ config.Settings }

// policy returns the thresholds and plans that the settings choose. Invalid ones are the caller's mistake.
func (s *settings) policy() (curfew.Policy, error) {
	p, err := s.Policy()
	return p, asUsage(err)
}

// publicURL returns where people reach the API and the pages.
func (s *settings) publicURL(listen config.Address) string {
	if s.BaseURL != nil {
		return string(*s.BaseURL)
	}
	return listen.URL()
}

// signinURL returns where customers and mechanics sign in; empty: nobody has said.
func (s *settings) signinURL() string {
	if s.SigninURL == nil {
		return ""
	}
	return string(*s.SigninURL)
}
