package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
)

// pageOf is one page of a collection.
type pageOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all goes through a collection page by page, asking for the next one when it is needed. It ends with the first error, which
// comes with a zero entry. Entries that are made or removed meanwhile may be there or not; every other comes once.
func all[T any](ctx context.Context, c *Client, query url.Values, path ...string) iter.Seq2[T, error] {
	return pages(func(after string) (pageOf[T], error) {
		asked := maps.Clone(query)
		if asked == nil {
			asked = url.Values{}
		}
		if after != "" {
			asked.Set("after", after)
		}
		page, _, err := fetch[pageOf[T]](ctx, c, asked, path...)
		return page, err
	})
}

// pages goes through pages as all does, however they are asked for: from the beginning, then after the next of the one before.
func pages[T any](ask func(after string) (pageOf[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			page, err := ask(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if after = page.Next; after == "" {
				return
			}
		}
	}
}

// list reads a whole collection.
func list[T any](ctx context.Context, c *Client, query url.Values, path ...string) ([]T, error) {
	items := []T{}
	for item, err := range all[T](ctx, c, query, path...) {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// AllSources goes through who may publish, page by page. The first error ends it.
func (c *Client) AllSources(ctx context.Context) iter.Seq2[Source, error] {
	return all[Source](ctx, c, nil, "sources")
}

// AllEventTypes goes through the catalogue of types, page by page. The first error ends it.
func (c *Client) AllEventTypes(ctx context.Context) iter.Seq2[EventType, error] {
	return all[EventType](ctx, c, nil, "event-types")
}

// AllVersions goes through those of a type, page by page. The first error ends it, such as CodeNotFound.
func (c *Client) AllVersions(ctx context.Context, eventType string) iter.Seq2[Version, error] {
	return all[Version](ctx, c, nil, "event-types", eventType, "versions")
}

// AllSystems goes through the receiving systems, page by page. The first error ends it.
func (c *Client) AllSystems(ctx context.Context) iter.Seq2[System, error] {
	return all[System](ctx, c, nil, "systems")
}

// AllSubscriptions goes through how subscriptions stand, page by page: those of a system, or with "" of all; in a state,
// or with "" in any. The first error ends it.
func (c *Client) AllSubscriptions(ctx context.Context, system string, state State) iter.Seq2[Standing, error] {
	return all[Standing](ctx, c, given("system", system, "state", string(state)), "subscriptions")
}

// AllAccounts goes through the accounts, page by page. The first error ends it.
func (c *Client) AllAccounts(ctx context.Context) iter.Seq2[Account, error] {
	return all[Account](ctx, c, nil, "accounts")
}

// AllPauses goes through what is paused, page by page. The first error ends it.
func (c *Client) AllPauses(ctx context.Context) iter.Seq2[Pause, error] {
	return all[Pause](ctx, c, nil, "pauses")
}

// AllEndpoints goes through the endpoints that were sent to, page by page. The first error ends it.
func (c *Client) AllEndpoints(ctx context.Context) iter.Seq2[Endpoint, error] {
	return all[Endpoint](ctx, c, nil, "endpoints")
}

// AllLanes goes through the lanes that stand, by position, page by page; Limit is the size of a page. A lane whose head
// moves on meanwhile may come twice. The first error ends it.
func (c *Client) AllLanes(ctx context.Context, f LaneFilter) iter.Seq2[Lane, error] {
	return all[Lane](ctx, c, f.query(), "lanes")
}

// AllReplays goes through a subscription's, newest first, page by page. The first error ends it.
func (c *Client) AllReplays(ctx context.Context, subscription string) iter.Seq2[Replay, error] {
	return all[Replay](ctx, c, nil, "subscriptions", subscription, "replays")
}

// AllAudit goes through the audit log, page by page; Limit is the size of a page. The first error ends it.
func (c *Client) AllAudit(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	return all[AuditEntry](ctx, c, f.query(), "audit")
}
