package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/config"
)

// settingsFlags are the flags of everything that can be configured.
type settingsFlags struct {
	File     string        `name:"config" help:"Configuration file, in YAML." env:"VARSEL_CONFIG" placeholder:"FILE"`
	Settings config.Config `embed:""`
}

// load joins the flags with the file and the environment.
func (f *settingsFlags) load(parsed *kong.Context) (*config.Loaded, error) {
	var given []string
	for _, element := range parsed.Path {
		if element.Flag != nil {
			given = append(given, element.Flag.Name)
		}
	}
	return config.Load(config.Input{File: f.File, Env: os.Environ(), Flags: &f.Settings, Given: given})
}

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Say everything that would keep the hub from starting."`
	Show  configShowCommand  `cmd:"" help:"List every setting with its value and where that came from; secrets are not shown."`
	Docs  configDocsCommand  `cmd:"" help:"Print the page of all settings, in Markdown."`
}

type configCheckCommand struct{ settingsFlags }

// Run checks the settings and the files they name.
func (c *configCheckCommand) Run(_ context.Context, s *streams, parsed *kong.Context) error {
	loaded, err := c.load(parsed)
	if err == nil {
		err = app.Check(&loaded.Config)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, "The configuration holds.")
	return err
}

type configShowCommand struct{ settingsFlags }

// Run lists the settings.
func (c *configShowCommand) Run(_ context.Context, s *streams, parsed *kong.Context) error {
	loaded, err := c.load(parsed)
	if err != nil {
		return err
	}
	return loaded.Show(s.out)
}

type configDocsCommand struct{}

// Run prints the page.
func (configDocsCommand) Run(s *streams) error { return config.Docs(s.out) }
