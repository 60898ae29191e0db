package statuspage

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/status"
)

// aboutComponent tells that a component's state has changed.
type aboutComponent struct {
	head
	Update    componentUpdate `json:"component_update"`
	Component component       `json:"component"`
}

type componentUpdate struct {
	OldStatus     status.State `json:"old_status"`
	NewStatus     status.State `json:"new_status"`
	CreatedAt     string       `json:"created_at"`
	ComponentType string       `json:"component_type"`
	ID            string       `json:"id"`
	ComponentID   string       `json:"component_id"`
}

// component is one with the fields that it has in webhooks.
type component struct {
	Status      status.State `json:"status"`
	Name        string       `json:"name"`
	CreatedAt   string       `json:"created_at"`
	UpdatedAt   string       `json:"updated_at"`
	Position    int          `json:"position"`
	Description *string      `json:"description"`
	Showcase    bool         `json:"showcase"`
	ID          string       `json:"id"`
	PageID      string       `json:"page_id"`
	GroupID     *string      `json:"group_id"`
}

func componentBody(e *event.Event, told *status.ComponentTold) (*aboutComponent, error) {
	head, pen, err := begin(e, &told.Page)
	if err != nil {
		return nil, err
	}
	c := pen.Component(&told.Component)
	return &aboutComponent{
		head: head,
		Update: componentUpdate{
			OldStatus: before(told, c.Status), NewStatus: c.Status, CreatedAt: pen.Time(told.At), ComponentType: "Component",
			ID: told.Change, ComponentID: c.ID,
		},
		Component: component{
			Status: c.Status, Name: c.Name, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Position: c.Position, Description: c.Description,
			Showcase: c.Showcase, ID: c.ID, PageID: c.PageID, GroupID: c.GroupID,
		},
	}, nil
}

// before is the state that it was last known to be in; of one that nothing was known of, the one it is in now.
func before(told *status.ComponentTold, now status.State) status.State {
	for _, s := range []status.State{told.From, told.LastKnown} {
		if s != "" && s != status.NoData {
			return s
		}
	}
	return now
}
