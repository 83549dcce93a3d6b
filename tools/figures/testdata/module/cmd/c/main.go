// C is a command.
package main

import (
	"example.com/m"
	"example.com/m/internal/a"
)

func main() { println(m.Good() + a.A) }
