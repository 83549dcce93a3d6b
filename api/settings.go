package api

// Settings is what a process was started with.
type Settings struct {
	Settings []Setting `json:"settings" nullable:"false"`
}

// Setting is a value and where it comes from.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value" doc:"Of a secret only whether it is set"`
	Source  string `json:"source" enum:"flag,environment,file,default"`
	Where   string `json:"where,omitempty" doc:"The flag, the variable, or the file with its line"`
	Default string `json:"default,omitempty"`
	Help    string `json:"help"`
}

// History is the last hours of this process, a column for each figure: one entry
// of every column is one moment. What could not be had is null.
type History struct {
	EverySeconds int        `json:"everySeconds" doc:"How far apart the moments are; those before this process began are a minute apart, without stale and lagSeconds"`
	At           []int64    `json:"at" doc:"Seconds since 1970" nullable:"false"`
	Waiting      []*int     `json:"waiting" nullable:"false"`
	Live         []*int     `json:"live" nullable:"false"`
	Scheduled    []*int     `json:"scheduled" nullable:"false"`
	Stale        []*int     `json:"stale" nullable:"false"`
	LagSeconds   []*float64 `json:"lagSeconds" doc:"How long sessions had outlived their deadline, the longest" nullable:"false"`
}
