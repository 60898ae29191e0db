// Command varsel takes an event in once and tells everyone who should know.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// commands is the command line: one field for each command, in the order help lists them.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the hub."`
	Demo    demoCommand    `cmd:"" help:"Run a hub with a sample world and live traffic; nothing to set up."`
	Publish publishCommand `cmd:"" help:"Send events to a hub."`
	Listen  listenCommand  `cmd:"" help:"Receive messages and print them: a receiver to try things with."`
	Pull    pullCommand    `cmd:"" help:"Fetch what is for a subscription that is not pushed, and print it."`
	Find    findCommand    `cmd:"" help:"Find events: by id, key, person, type, source, time, and where they stand."`
	Where   whereCommand   `cmd:"" help:"Find out where an event is, or how a system stands: what, since when, why, and what to do next."`
	Replay  replayCommand  `cmd:"" help:"Send a subscription its past once more: one event, some, or all since a position."`
	Sink    sinkCommand    `cmd:"" help:"Watch what a subscription's sink takes in place of its receiver; turn it on and off."`
	Nodes   nodesCommand   `cmd:"" help:"List the nodes of a hub: what each of them does, and when it was last heard of."`
	Source  sourceCommand  `cmd:"" help:"Look at the streams that sources are read from, and at the messages that were set aside."`
	Import  importCommand  `cmd:"" help:"Take in what comes from elsewhere: a register's deliveries, or a status page with its past."`
	Site    siteCommand    `cmd:"" help:"Keep status sites: say how components do, open incidents and maintenances, copy a site to a second host."`
	Extract extractCommand `cmd:"" help:"Fetch files of what registers keep, and have them made."`
	Config  configCommand  `cmd:"" help:"Check, show and explain the settings of a hub."`
	Check   checkCommand   `cmd:"" help:"Find out why a subscription does or does not get its messages."`
	Audit   auditCommand   `cmd:"" help:"Read and verify the record of who did what."`

	Reveal revealCommand `cmd:"" help:"Show an event with its data, on record."`
	Erase  eraseCommand  `cmd:"" help:"Forget all events of a person, and report who had them."`

	Account accountCommand `cmd:"" help:"Look at, make and change who may call the hub."`
	Token   tokenCommand   `cmd:"" help:"Print an access token, for curl and the like."`

	Backup  backupCommand  `cmd:"" help:"Copy the database to a file, while the hub runs."`
	Restore restoreCommand `cmd:"" help:"Make the database anew from a backup."`
	Keys    keysCommand    `cmd:"" help:"Look at and rotate the keys that the database is encrypted under."`
	Move    moveCommand    `cmd:"" help:"Take a hub from SQLite to PostgreSQL, with everything in it."`
	Renew   renewCommand   `cmd:"" help:"Make a PostgreSQL database a hub's again that was restored, or lost its end."`

	Completion completionCommand `cmd:"" help:"Print the script that lets a shell complete varsel's commands and flags."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:"" passthrough:"" help:"Say what a command line can become; the scripts of completion ask it."`

	Version kong.VersionFlag `help:"Print the version and exit."`

	Bench benchCommand `cmd:"" help:"Measure this hub beside the fastest that this machine can do."`
}

// streams are where a command reads and writes; results go to out, everything for the person watching to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks to end; the second one ends at once
	os.Exit(run(ctx, os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr}))
}

// The exit codes: what was asked for is done; it failed; it could not be understood.
const (
	exitDone  = 0
	exitFail  = 1
	exitUsage = 2
)

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, s *streams) int {
	var c commands
	left := false // help or version was asked for and has been printed
	parser, err := kong.New(&c, kong.Name("varsel"), kong.Description("Takes an event in once and tells everyone who should know."),
		kong.Writers(s.out, s.err), kong.Exit(func(int) { left = true }),
		kong.Vars{"version": version}, kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		return fail(s, err, exitUsage)
	}
	nothing := len(args) == 0
	if nothing || slices.Equal(args, []string{"help"}) {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if nothing {
		return exitUsage
	}
	if left {
		return exitDone
	}
	if err != nil {
		return fail(s, fmt.Errorf("%w; `varsel --help` lists what there is", err), exitUsage)
	}
	if err := parsed.Run(); err != nil {
		return fail(s, err, exitFail)
	}
	return exitDone
}

// errSaid is what a command returns that has told the person everything already.
var errSaid = errors.New("it has been said")

func fail(s *streams, err error, code int) int {
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(s.err, "varsel:", explain(err))
	}
	return code
}
