package wire

import "time"

// ClockAdvance moves the test clock.
type ClockAdvance struct {
	By string `json:"by" minLength:"2" maxLength:"32" doc:"How far, with its unit: 90s, 15m, 24h" example:"24h"`
}

// TestClock is the state of the test clock.
type TestClock struct {
	Now   time.Time `json:"now" doc:"What it is there now"`
	Ahead string    `json:"ahead" doc:"How far it is ahead of the real time"`
}
