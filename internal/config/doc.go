// Package config holds Curfew's settings: their names, types, defaults and help, how a value is parsed and what
// is wrong with one that cannot be.
//
// A setting's type reads itself from text, alike for a flag, a variable of the environment and a line of the
// settings file. The package reads that file, but neither the environment nor the command line, and it opens
// nothing: that is the command's task.
package config
