package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/varselhub/varsel/client"
)

type whereCommand struct {
	Event  string `arg:"" optional:"" help:"The event: its position, its message id, or the id its source gave it."`
	Source string `help:"Name or URI of the source that gave the id, where several have such an id or ids are numbers." placeholder:"URI"`
	System string `help:"A system instead of an event: what it has coming, what stands, and what came." placeholder:"NAME"`
	Days   int    `help:"So many days of a system's figures." default:"7"`
	JSON   bool   `help:"Print JSON, one object, for programs."`
	hubFlags
}

// Validate implements kong's hook.
func (c *whereCommand) Validate() error {
	switch {
	case (c.Event == "") == (c.System == ""):
		return errors.New("name an event, or a system with --system")
	case c.Days < 1 || c.Days > 366:
		return fmt.Errorf("--days is %d; give 1 to 366", c.Days)
	}
	return nil
}

// Run tells where an event is, or how a system stands.
func (c *whereCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	if c.System != "" {
		found, err := hub.SystemWhereabouts(ctx, c.System, c.Days)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printJSON(s.out, found)
		}
		tellSystem(s.out, &found, time.Now())
		return nil
	}
	found, err := c.find(ctx, hub)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(s.out, found)
	}
	tellWhere(s.out, &found, time.Now())
	return nil
}

// find looks the event up: a number is a position, unless a source is named too.
func (c *whereCommand) find(ctx context.Context, hub *client.Client) (client.Where, error) {
	if position, err := strconv.ParseInt(c.Event, 10, 64); err == nil && c.Source == "" {
		return hub.Where(ctx, position)
	}
	return hub.WhereNamed(ctx, c.Event, c.Source)
}
