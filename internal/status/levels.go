package status

import (
	"crypto/sha256"
	"encoding/binary"
)

// A site has three levels: sections, groups, components. The Statuspage API and its webhooks know two, so that there a
// group is called after its section too, and what is in no group is in a group that is its section (reference 2.8).

// Row is what stands on the upper of the two levels: a group with its components, or a component by itself.
type Row struct {
	ID          string // the group's
	Name        string // English: see GroupName
	Description Text
	Members     []*Standing // of a group; in the order of the page
	Single      *Standing   // a component by itself; nil: it is a group
}

// Rows is the site as it is told where there are two levels. What nothing was ever known of is left out, and so is a
// group of nothing else: the Statuspage API has no word for it.
func (b *Board) Rows() []Row {
	var rows []Row
	at := map[string]int{}
	for _, s := range b.Components {
		id := b.GroupID(s)
		switch i, begun := at[id]; {
		case s.Last == NoData:
		case id == "":
			rows = append(rows, Row{Single: s})
		case begun:
			rows[i].Members = append(rows[i].Members, s)
		default:
			at[id] = len(rows)
			row := Row{ID: id, Name: b.GroupName(s), Description: s.Section.Description, Members: []*Standing{s}}
			if s.Group != nil {
				row.Description = s.Group.Description
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// GroupID is the id of the group that a component is in where there is one level of groups; "" for none.
func (b *Board) GroupID(s *Standing) string {
	switch {
	case s.Group != nil:
		return s.Group.ID
	case len(b.Site.Sections) > 1:
		return SectionID(b.Site.ID, s.Section.Name)
	}
	return ""
}

// SectionID is the id of a section where it stands as a group. It has none of its own, so it is made of the site's id
// and the section's name: the same on every node, and after every restart.
func SectionID(site, section string) string { return derivedID("section", site, section) }

// SiteID is the id of a site where it stands as a group among those of others.
func SiteID(site string) string { return derivedID("site", site) }

// HubID is the id of a hub where all of its sites are one page, by the address of it.
func HubID(url string) string { return derivedID("hub", url) }

// derivedID is an id that follows from what it is the id of.
func derivedID(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // so that no two lists run together alike
		hash.Write([]byte(part))
	}
	n := binary.BigEndian.Uint64(hash.Sum(nil))
	id := make([]byte, idSize)
	for i := range id {
		id[i] = idLetters[n%uint64(len(idLetters))]
		n /= uint64(len(idLetters))
	}
	return string(id)
}

// ImportedID is the id of what another page calls otherwise than by an id of this form: the same each time it is read.
func ImportedID(page, id string) string {
	if IsID(id) {
		return id
	}
	return ReplacedID(page, id)
}

// ReplacedID is an id in place of that which something has on another page: the same each time it is read.
func ReplacedID(page, id string) string { return derivedID("imported", page, id) }
