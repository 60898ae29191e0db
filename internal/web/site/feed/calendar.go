package feed

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// mostPlanned bounds the appointments of a calendar: the latest ones are kept.
const mostPlanned = 200

func calendarLeaf(pattern string, gather func(*site.Look) (*almanac, error)) site.Leaf {
	return followed(pattern, func(l *site.Look) (*site.Made, error) {
		found, err := gather(l)
		if err != nil {
			return nil, err
		}
		return &site.Made{ContentType: "text/calendar; charset=utf-8", Body: found.write(l)}, nil
	})
}

// almanac is what stands in a calendar: maintenances, and what is to be done by when.
type almanac struct {
	name    string
	home    string
	notices []*status.Notice
}

// calendar is that of a site, or of a section.
func calendar(l *site.Look) (*almanac, error) {
	section, name, err := sectionOf(l)
	if err != nil {
		return nil, err
	}
	return &almanac{name, homeOf(l, section), l.Board.About(l.Arg("section"))}, nil
}

// calendarOfComponent has what affects a component, and what is said of everything around it.
func calendarOfComponent(l *site.Look) (*almanac, error) {
	s, err := componentOf(l)
	if err != nil {
		return nil, err
	}
	notices := slices.DeleteFunc(l.Board.About(s.Section.Name), func(n *status.Notice) bool {
		return len(n.Components) > 0 && !slices.Contains(n.Components, s.ID)
	})
	return &almanac{say(l, s.Title).line() + " – " + nameOf(l), l.Outside(l.Language, "/components/"+s.ID), notices}, nil
}

// calendarOfNotice is one notice, to be put into one's own calendar.
func calendarOfNotice(l *site.Look) (*almanac, error) {
	n := l.Board.Notice(l.Arg("id"))
	if n == nil || appointmentOf(n) == nil {
		return nil, site.Nothing()
	}
	return &almanac{say(l, n.Title).line() + " – " + nameOf(l), l.Outside(l.Language, "/notices/"+n.ID), []*status.Notice{n}}, nil
}

// appointment is the time that a notice takes in a calendar.
type appointment struct {
	notice *status.Notice
	uid    string
	starts status.Time
	ends   status.Time // 0: it is a moment, which a deadline is
}

// appointmentOf is a notice's, or nil. What is not shown yet has none.
func appointmentOf(n *status.Notice) *appointment {
	switch {
	case n.Kind == status.Planned:
		return &appointment{n, n.ID, n.Starts, n.Ends}
	case n.Kind == status.Action && n.Deadline != 0 && n.Stage != status.Coming:
		return &appointment{n, n.ID + "-deadline", n.Deadline, 0}
	}
	return nil
}

// write writes the calendar (RFC 5545 section 3.4; the properties of it that RFC 7986 adds, and those that Outlook, Google
// and Apple read in their place).
func (a *almanac) write(l *site.Look) []byte {
	var list []*appointment
	for _, n := range a.notices {
		if one := appointmentOf(n); one != nil {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(x, y *appointment) int { return cmp.Or(cmp.Compare(x.starts, y.starts), cmp.Compare(x.uid, y.uid)) })
	list = list[max(0, len(list)-mostPlanned):]

	name, w := a.name+" – "+label(l, "calendar"), &ical{}
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("PRODID", "-//Varsel//Status site//EN")
	w.line("CALSCALE", "GREGORIAN")
	w.text("NAME", name)
	w.text("X-WR-CALNAME", name)
	w.line("URL", a.home)
	w.line("SOURCE;VALUE=URI", l.Outside(l.Language, l.Path))
	w.line("REFRESH-INTERVAL;VALUE=DURATION", duration(fresh))
	w.line("X-PUBLISHED-TTL", duration(fresh))
	for _, one := range list {
		one.write(w, l)
	}
	if len(list) == 0 {
		utc(w)
	}
	w.line("END", "VCALENDAR")
	return w.Bytes()
}

// utc writes the zone that all times are in. No time names it, but a calendar has at least one component (RFC 5545 section
// 3.6, icalbody), and one with nothing planned has no other.
func utc(w *ical) {
	for _, line := range [][2]string{
		{"BEGIN", "VTIMEZONE"}, {"TZID", "Etc/UTC"}, {"BEGIN", "STANDARD"}, {"DTSTART", "19700101T000000"}, {"TZOFFSETFROM", "+0000"}, {"TZOFFSETTO", "+0000"},
		{"TZNAME", "UTC"}, {"END", "STANDARD"}, {"END", "VTIMEZONE"},
	} {
		w.line(line[0], line[1])
	}
}

// write writes an appointment. It takes nobody's time: it is transparent. A deadline is an event as well, and no to-do:
// calendars that one subscribes to show no to-dos.
func (a *appointment) write(w *ical, l *site.Look) {
	n, title := a.notice, say(l, a.notice.Title)
	w.line("BEGIN", "VEVENT")
	w.line("UID", a.uid+"@"+l.Site().ID+".varsel")
	// Without METHOD it is when it was last revised (RFC 5545 section 3.8.7.2), so that what does not change stays the same.
	w.moment("DTSTAMP", n.Updated)
	w.moment("CREATED", n.Created)
	w.moment("LAST-MODIFIED", n.Updated)
	w.line("SEQUENCE", strconv.FormatInt(sequence(n), 10))
	w.moment("DTSTART", a.starts)
	if a.ends != 0 {
		w.moment("DTEND", a.ends)
	}
	w.text("SUMMARY;LANGUAGE="+title.in, word(l, n.Kind.Words())+": "+title.line())
	w.text("DESCRIPTION", a.describe(l))
	w.line("URL", l.Outside(l.Language, "/notices/"+n.ID))
	w.line("STATUS", a.status())
	w.line("TRANSP", "TRANSPARENT")
	w.text("CATEGORIES", word(l, n.Kind.Words()))
	w.line("END", "VEVENT")
}

// sequence rises whenever something is changed (RFC 5545 section 3.8.7.4): the seconds from the first to the last change,
// and one for each update, so that two of the same second differ.
func sequence(n *status.Notice) int64 {
	const second = 1e6 // µs
	return int64(n.Updated-n.Created)/second + int64(max(0, len(n.Updates)-1))
}

// status is CANCELLED for what was over before it began.
func (a *appointment) status() string {
	n := a.notice
	began := slices.ContainsFunc(n.Updates, func(u status.Update) bool { return u.Stage == status.InProgress || u.Stage == status.Verifying })
	if n.Stage.Over() && !began && n.Over < a.starts {
		return "CANCELLED"
	}
	return "CONFIRMED"
}

// describe is a notice in plain text: what was said last and first, what it affects, and where the whole of it stands.
func (a *appointment) describe(l *site.Look) string {
	var parts []string
	if order := newestFirst(a.notice); len(order) > 0 {
		parts = append(parts, a.said(l, order[0]))
		if len(order) > 1 {
			parts = append(parts, a.said(l, order[len(order)-1]))
		}
	}
	var affected []string
	for _, s := range l.Board.Components {
		if slices.Contains(a.notice.Components, s.ID) {
			affected = append(affected, say(l, s.Title).line())
		}
	}
	if len(affected) > 0 {
		parts = append(parts, label(l, "affects")+": "+strings.Join(affected, ", "))
	}
	parts = append(parts, l.Outside(l.Language, "/notices/"+a.notice.ID))
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "\n\n")
}

// mostSaid bounds an update in a calendar, in characters: the whole of it is on the page.
const mostSaid = 2000

func (a *appointment) said(l *site.Look, update int) string {
	text := []rune(strings.TrimSpace(say(l, a.notice.Updates[update].Body).text))
	if len(text) > mostSaid {
		return string(text[:mostSaid]) + "…"
	}
	return string(text)
}
