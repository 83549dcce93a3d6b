package main

import (
	_ "embed"
)

//go:embed files/curfew.rb
var formula []byte

// formula writes the Homebrew formula of the archives. It is of use once they are published where it says.
func (r *release) formula(all []program) error {
	text := replaced(formula, "{version}", r.version, "{homepage}", homepage, "{summary}", summary)
	for _, p := range all {
		base := "curfew_" + r.version + "_" + p.os + "_" + p.arch + ".tar.gz"
		text = replaced(text, "{"+p.os+"_"+p.arch+"}", r.sumOf(base))
	}
	return r.write("homebrew/curfew.rb", text)
}
