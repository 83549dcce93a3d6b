package record

import "github.com/curfewhq/curfew"

// Backtest is what a rule with other thresholds would have done to the existing sessions.
type Backtest struct {
	Rule     curfew.EndReason `json:"rule"`
	Since    string           `json:"since"`    // the columns by which a wait begins
	Sessions int64            `json:"sessions"` // that waited, and whose wait is known
	// Median and Longest are of the waits, in seconds: until somebody came, or the end, or now.
	Median     float64     `json:"medianSeconds"`
	Longest    float64     `json:"longestSeconds"`
	Thresholds []Threshold `json:"thresholds"`
	// Again are the sessions whose customer had begun to wait before, within the policy's
	// threshold.
	Again int64 `json:"again"`
	// Unknown says in sentences what the table's columns do not show.
	Unknown []string `json:"unknown"`
}

// Threshold is one threshold of a backtest: sessions that still waited then would have been ended.
type Threshold struct {
	Seconds int64 `json:"seconds"`
	Policy  bool  `json:"policy"` // the policy's own, with their deadline where they have one
	Ended   int64 `json:"ended"`  // Regrets, Never and Unclear together
	// Regrets lived on later: they were accepted or started after that moment.
	Regrets int64 `json:"regrets"`
	Never   int64 `json:"never"` // never accepted nor started
	// Unclear lived on, but no column says when that was decided.
	Unclear   int64 `json:"unclear"`
	Customers int64 `json:"customers"` // of Never
	// Blocked is how long those of Never kept their customers from another session, until
	// they ended, or until now. Spared is how much of that came after the threshold.
	Blocked Spans `json:"blocked"`
	Spared  Spans `json:"spared"`
}

// Spans sum up times, in seconds.
type Spans struct {
	Sum     float64 `json:"sumSeconds"`
	Median  float64 `json:"medianSeconds"`
	Longest float64 `json:"longestSeconds"`
}
