package main

// retiredWords are invented words and the standard terms that replace them. A word may stay in the sense given.
// Columns of the database and names on the wire stay too; in Go they are strings and tags, which are not counted.
var retiredWords = []retired{
	{forms: "tide tides", becomes: "activity series"},
	{forms: "ebb ebbs", becomes: "activity series"},
	{forms: "past", becomes: "history", stays: "a moment that is over"},

	{forms: "story stories", becomes: "timeline"},
	{forms: "tale tales", becomes: "timeline"},
	{forms: "teller tellers", becomes: "timeline source"},
	{forms: "tell tells telling", becomes: "timeline source, report"},
	{forms: "subject subjects", becomes: "lookup", stays: "of an e-mail, of a token"},
	{forms: "found", becomes: "target", stays: "what a search returned"},

	{forms: "answer answers", becomes: "summary", only: []string{"lifecycle"}},
	{forms: "item items", becomes: "planned change", stays: "one of a list on the wire", only: []string{"lifecycle"}},
	{forms: "ending endings", becomes: "planned change", stays: "what is written into an adopted row that ends"},

	{forms: "walk walks walker walking", becomes: "sweep page", stays: "through a tree of files or syntax"},
	{forms: "step steps", becomes: "sweep page", stays: "of a migration, of instructions"},
	{forms: "rest rests", becomes: "throttle", stays: "what remains"},
	{forms: "gentle gently", becomes: "throttle"},

	{forms: "rhythm rhythms", becomes: "scheduler"},
	{forms: "alarm alarms", becomes: "wake-up timer"},
	{forms: "nudge nudges", becomes: "wake", stays: "what tells the marketplace that nobody accepts"},

	{forms: "rehearse rehearses rehearsal rehearsed", becomes: "dry run"},
	{forms: "spoil spoils spoilt spoiled spoiler", becomes: "corrupt"},
	{forms: "plant plants planted", becomes: "violation"},

	{forms: "hint hints", becomes: "notification", stays: "advice in a message"},
	{forms: "hear hears hearing heard", becomes: "listener"},
	{forms: "told", becomes: "publish"},
	{forms: "bell bells", becomes: "notification"},
	{forms: "ring rings rang", becomes: "notification", stays: "a ring buffer"},

	{forms: "bid bids", becomes: "admission attempt"},
	{forms: "place places placed", becomes: "admit", stays: "where something is"},
	{forms: "known", becomes: "replay lookup", stays: "of a closed set"},
	{forms: "standing", becomes: "session snapshot"},

	{forms: "happening happenings", becomes: "enriched event"},
	{forms: "news", becomes: "enriched event"},
	{forms: "remark remarks", becomes: "annotation"},
	{forms: "repair repairs", becomes: "reassign", stays: "to mend damaged rows"},

	{forms: "pulse pulses", becomes: "heartbeat"},
	{forms: "beat beats", becomes: "heartbeat"},
	{forms: "signals", becomes: "heartbeat", stays: "of the operating system"},

	{forms: "lane lanes", becomes: "queue"},
	{forms: "learn learns learned learnt", becomes: "circuit breaker"},
	{forms: "give gives giving", becomes: "acquire, release", stays: "to give up"},
	{forms: "take takes taking", becomes: "acquire", stays: "to take over, to take from"},

	{forms: "postbox postboxes", becomes: "delivery admin"},
	{forms: "postman postmen", becomes: "SMTP sender"},
	{forms: "office offices", becomes: "test mail server"},

	{forms: "journal journals", becomes: "ring buffer", stays: "SQLite's, systemd's"},
	{forms: "tail tails", becomes: "event tailer", stays: "the end of something"},
	{forms: "feed feeds", becomes: "subscription"},
	{forms: "frame frames", becomes: "SSE event", stays: "of a stack, of HTTP/2"},

	{forms: "pipe pipes", becomes: "SSE connection", stays: "of the operating system, io.Pipe"},
	{forms: "seat seats", becomes: "connection limiter"},
	{forms: "board boards", becomes: "health broadcaster"},

	{forms: "visit visits visitor", becomes: "request info", stays: "to visit the nodes of a tree"},
	{forms: "call calls called caller callers", becomes: "authenticated request", stays: "of a function, and who makes it"},
	{forms: "pass passes passed", becomes: "authorize, sweep page", stays: "to pass through; a test that passes"},
	{forms: "enter enters entered", becomes: "authorize", stays: "when a session came into a state"},
	{forms: "unsaid", becomes: "response recorder"},

	{forms: "groups", becomes: "group commit", stays: "of rules, of errors"},
	{forms: "candidate candidates", becomes: "entry"},
	{forms: "patience", becomes: "timeout"},
	{forms: "enough", becomes: "batch threshold"},
	{forms: "unhurried", becomes: "asynchronous commit"},

	{forms: "house houses", becomes: "fixture"},
	{forms: "scene scenes", becomes: "fixture"},
	{forms: "world worlds", becomes: "environment"},
	{forms: "station stations", becomes: "environment"},
	{forms: "market markets", becomes: "simulation", stays: "where things are sold"},
}
