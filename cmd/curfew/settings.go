package main

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/console"
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

// instead is what a customer who has waited for a while is offered.
func (s *settings) instead() console.Instead {
	return console.Instead{After: time.Duration(s.OfferAfter), CallbackURL: text(s.CallbackURL)}
}

// text is a setting's; empty: nobody has said.
func text[T ~string](setting *T) string {
	if setting == nil {
		return ""
	}
	return string(*setting)
}

// signinURL returns where customers and mechanics sign in; empty: nobody has said.
func (s *settings) signinURL() string {
	if s.SigninURL == nil {
		return ""
	}
	return string(*s.SigninURL)
}
