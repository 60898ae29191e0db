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
	steps := slices.Concat(stepsOf(components), stepsOfNotices(b.About(section, Incident, Planned)))
	slices.SortStableFunc(steps, func(x, y step) int { return cmp.Compare(x.at, y.at) })
	begin := b.Created
	if len(steps) > 0 {
		begin = min(begin, steps[0].at)
	}
	spans := []HeadlineSpan{{begin, p.headline(), begin}}
	for i := range steps {
		p.take(&steps[i])
		if i+1 < len(steps) && steps[i+1].at == steps[i].at {
			continue
		}
		last, now, at := &spans[len(spans)-1], p.headline(), steps[i].at
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

// step is what changed at a moment: one component's state, or one notice.
type step struct {
	at       Time
	from, to State
	notice   *Notice
	then     *Notice // with its stage and its impact as they were
}

func stepsOf(components []*Standing) (steps []step) {
	for _, s := range components {
		state := NoData
		for i := range s.Spans {
			steps = append(steps, step{at: s.Spans[i].From, from: state, to: s.Spans[i].State})
			state = s.Spans[i].State
		}
	}
	return steps
}

func stepsOfNotices(notices []*Notice) (steps []step) {
	for _, n := range notices {
		var at Time
		for i := range n.Updates {
			then := &Notice{Kind: n.Kind, Override: n.Override, Updates: n.Updates[:i+1]}
			then.Settle()
			at = max(at, n.Updates[i].Created)
			steps = append(steps, step{at: at, notice: n, then: then})
		}
	}
	return steps
}

func (p *past) take(s *step) {
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
	return p.tally.headline(open).onPage(p.all > 0 && p.worst() == NoData, open)
}
