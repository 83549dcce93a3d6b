package main

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/console"
)

// settings are the settings of this process, and what the commands make of them.
type settings struct{ config.Settings }

// policy returns the thresholds and plans from the settings. Invalid ones are usage errors.
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

// instead returns what to offer a customer who has waited for a while.
func (s *settings) instead() console.Instead {
	return console.Instead{After: time.Duration(s.OfferAfter), CallbackURL: text(s.CallbackURL)}
}

// text returns the text of a setting; empty if it is not set.
func text[T ~string](setting *T) string {
	if setting == nil {
		return ""
	}
	return string(*setting)
}

// signinURL returns where customers and mechanics sign in; empty if it is not set.
func (s *settings) signinURL() string {
	if s.SigninURL == nil {
		return ""
	}
	return string(*s.SigninURL)
}
