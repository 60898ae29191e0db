package client

import (
	"context"
	"time"
)

// Waiting makes a client call wait where it would let time pass.
func (c *Client) Waiting(wait func(context.Context, time.Duration) error) *Client {
	c.wait = wait
	return c
}

// BackOff is the delay after an attempt.
func BackOff(attempt int, random float64) time.Duration { return backOff(attempt, random) }
