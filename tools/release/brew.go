package main

import _ "embed"

//go:embed files/curfew.rb
var formula []byte

// formula writes the Homebrew formula of the archives, if they are all there. It is of use once they are published where
// it says.
func (r *release) formula(all []program) error {
	if len(all) < len(platforms) {
		return nil
	}
	text := replaced(formula, "{version}", r.version, "{homepage}", homepage, "{summary}", summary)
	for _, p := range all {
		base := "curfew_" + r.version + "_" + p.os + "_" + p.arch + ".tar.gz"
		text = replaced(text, "{"+p.os+"_"+p.arch+"}", r.sumOf(base))
	}
	return r.write("homebrew/curfew.rb", text)
}
