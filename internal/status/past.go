package status

import (
	"cmp"
	"maps"
	"slices"
)

// HeadlineSpan is a time that a page said the same first: from its From until the next one's.
type HeadlineSpan struct {
	From     Time
	Headline Headline
	Changed  Time // when something that it is made of last changed
}

// Headlines are what the pages of a section, or of the site with "", said first through time, oldest first. The last is
// PageHeadline. What the site was made of is not kept, so it is told of what stands on it now.
func (b *Board) Headlines(section string) []HeadlineSpan {
	components := b.In(section)
	p := past{open: map[*Notice]*Notice{}}
	p.tally.add(NoData, len(components))
	turns := slices.Concat(turnsOf(components), turnsOfNotices(b.About(section, Incident, Planned)))
	slices.SortStableFunc(turns, func(x, y turn) int { return cmp.Compare(x.at, y.at) })
	begin := b.Created
	if len(turns) > 0 {
		begin = min(begin, turns[0].at)
	}
	spans := []HeadlineSpan{{begin, p.headline(), begin}}
	for i := range turns {
		p.take(&turns[i])
		if i+1 < len(turns) && turns[i+1].at == turns[i].at {
			continue
		}
		last, now, at := &spans[len(spans)-1], p.headline(), turns[i].at
		switch {
		case now == last.Headline:
			last.Changed = at
		case at == last.From: // nobody saw it
			last.Headline = now
		default:
			spans = append(spans, HeadlineSpan{at, now, at})
		}
	}
	return spans
}

// past is a section as it stood at a moment, as far as its headline goes.
type past struct {
	tally
	open map[*Notice]*Notice // by what it is now
}

// turn is what changed at a moment: one component's state, or one notice.
type turn struct {
	at       Time
	from, to State
	notice   *Notice
	then     *Notice // with its stage and its impact as they were
}

func turnsOf(components []*Standing) (turns []turn) {
	for _, s := range components {
		state := NoData
		for i := range s.Spans {
			turns = append(turns, turn{at: s.Spans[i].From, from: state, to: s.Spans[i].State})
			state = s.Spans[i].State
		}
	}
	return turns
}

func turnsOfNotices(notices []*Notice) (turns []turn) {
	for _, n := range notices {
		var at Time
		for i := range n.Updates {
			then := &Notice{Kind: n.Kind, Override: n.Override, Updates: n.Updates[:i+1]}
			then.Settle()
			at = max(at, n.Updates[i].Created)
			turns = append(turns, turn{at: at, notice: n, then: then})
		}
	}
	return turns
}

func (p *past) take(s *turn) {
	switch {
	case s.notice == nil:
		p.add(s.from, -1)
		p.add(s.to, 1)
	case s.then.Open():
		p.open[s.notice] = s.then
	default:
		delete(p.open, s.notice)
	}
}

func (p *past) headline() Headline {
	open := slices.Collect(maps.Values(p.open))
	return p.onPage(p.tally.headline(open), open)
}
