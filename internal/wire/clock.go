package wire

import "time"

// ClockAdvance moves the test clock.
type ClockAdvance struct {
	By string `json:"by" minLength:"2" maxLength:"32" doc:"How far to move it, with a unit: 90s, 15m, 24h" example:"24h"`
}

// TestClock is the state of the test clock.
type TestClock struct {
	Now   time.Time `json:"now" doc:"The time on the test clock"`
	Ahead string    `json:"ahead" doc:"How far the clock is ahead of real time"`
}
