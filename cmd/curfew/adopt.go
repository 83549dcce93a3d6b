package main

// adoptCommand is about the sessions in tables that the marketplace has already.
type adoptCommand struct {
	Inspect adoptInspectCommand `cmd:"" help:"Look at a table of sessions, change nothing, and print its mapping for the setting adopt."`
	Plan    adoptPlanCommand    `cmd:"" help:"Work out what enforcing a mapped table would do: on its own history, and now. Changes nothing. Exit 1: an ending is refused."`
}
