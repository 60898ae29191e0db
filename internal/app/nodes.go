package app

import (
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/now"
)

// deliveries are those of the whole hub: of this process where it is the only one (delivery.Alone), else of all nodes as
// one (peer.Deliveries).
type deliveries interface {
	api.Operator
	api.Puller
	api.Replayer
	api.Locator
	manage.Deliveries
	now.Deliveries
}
