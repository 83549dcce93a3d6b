package api

// Settings are the settings that a process was started with.
type Settings struct {
	Settings []Setting `json:"settings" nullable:"false"`
}

// Setting is a setting, and where it was set.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value" doc:"For a secret, only whether it is set"`
	Source  string `json:"source" enum:"flag,environment,file,default"`
	Where   string `json:"where,omitempty" doc:"The flag, the variable, or the file with its line"`
	Default string `json:"default,omitempty"`
	Help    string `json:"help"`
}

// History is the last hours of this process, one column per figure. The entries at
// one index belong to one moment. A figure that could not be read is null.
type History struct {
	EverySeconds int        `json:"everySeconds" doc:"The interval between samples; those from before this process started are a minute apart, without stale and lagSeconds"`
	At           []int64    `json:"at" doc:"Unix times" nullable:"false"`
	Waiting      []*int     `json:"waiting" nullable:"false"`
	Live         []*int     `json:"live" nullable:"false"`
	Scheduled    []*int     `json:"scheduled" nullable:"false"`
	Stale        []*int     `json:"stale" nullable:"false"`
	LagSeconds   []*float64 `json:"lagSeconds" doc:"How long the most overdue session was past its deadline" nullable:"false"`
}
