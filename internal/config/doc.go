// Package config defines Curfew's settings: their names, types, defaults and help, how values are
// parsed, and the errors for invalid ones.
//
// A setting's type parses itself from text, in the same way for a flag, an environment variable and
// a line of the settings file. The package reads that file, but neither the environment nor the
// command line, and it opens nothing else: that is left to the command.
package config
