// Command varsel takes an event in once and tells everyone who should know.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// commands is the command line: one field for each command, in the order help lists them.
type commands struct {
	Version kong.VersionFlag `help:"Print the version and exit."`

	Bench benchCommand `cmd:"" help:"Measure this hub beside the fastest that this machine can do."`
}

func main() {
	var c commands
	k := kong.Parse(&c, kong.Name("varsel"), kong.Description("Takes an event in once and tells everyone who should know."),
		kong.UsageOnError(), kong.Vars{"version": version})
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "varsel:", err)
		os.Exit(1)
	}
}
