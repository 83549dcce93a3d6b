package main

// adoptCommand is about the sessions in tables that the marketplace has already.
type adoptCommand struct {
	Inspect adoptInspectCommand `cmd:"" help:"Look at a table of sessions, change nothing, and print its mapping for the setting adopt."`
}
