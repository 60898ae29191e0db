package app

import "context"

// LookAtParts has the hub look once at what components stand for.
func (h *Hub) LookAtParts(ctx context.Context) { h.monitor.Look(ctx) }
