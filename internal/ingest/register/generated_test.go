package register_test

import (
	"fmt"
	"io"
	"strings"
)

// generated is a delivery of about so many bytes, made while it is read: rows with a geometry, every fourth followed by the
// end of the row before it.
type generated struct {
	left  int64
	rest  string
	row   int
	ended bool
}

func newGenerated(size int64) *generated {
	return &generated{left: size, rest: `<?xml version="1.0" encoding="utf-8"?>
<cmn:DatafordelerDataDelivery xmlns:cmn="http://data.gov.dk/schemas/datafordeler/common/1" xmlns:dagi="http://data.gov.dk/schemas/dagi/1">
  <cmn:Header><cmn:DeliveryId>generated</cmn:DeliveryId></cmn:Header>
  <cmn:Data>
`}
}

func (g *generated) Read(p []byte) (int, error) {
	if g.rest == "" {
		if g.ended {
			return 0, io.EOF
		}
		g.next()
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	g.left -= int64(n)
	return n, nil
}

func (g *generated) next() {
	if g.left <= 0 {
		g.rest, g.ended = "  </cmn:Data>\n</cmn:DatafordelerDataDelivery>\n", true
		return
	}
	g.row++
	if g.row%4 == 0 {
		g.rest = fmt.Sprintf(`    <cmn:DataEntity>
      <cmn:Action>Update</cmn:Action>
      <cmn:CreateEvent>NoEvent</cmn:CreateEvent>
      <dagi:Kommuneinddeling>
        <dagi:objectid>%d</dagi:objectid>
        <dagi:registreringTil>2016-08-07T02:10:00.000000</dagi:registreringTil>
      </dagi:Kommuneinddeling>
    </cmn:DataEntity>
`, g.row-1)
		return
	}
	g.rest = fmt.Sprintf(`    <cmn:DataEntity>
      <cmn:Action>Create</cmn:Action>
      <cmn:CreateEvent>UpdateEvent</cmn:CreateEvent>
      <dagi:Kommuneinddeling>
        <dagi:objectid>%d</dagi:objectid>
        <dagi:feltliste>geometri</dagi:feltliste>
        <dagi:id_namespace>http://data.gov.dk/dagi</dagi:id_namespace>
        <dagi:id_lokalId>%d</dagi:id_lokalId>
        <dagi:registreringFra>2016-08-07T02:10:00.000000</dagi:registreringFra>
        <dagi:registreringsaktør>Systemetablering</dagi:registreringsaktør>
        <dagi:virkningFra>2015-01-01T00:00:00.000000+01:00</dagi:virkningFra>
        <dagi:virkningTil/>
        <dagi:status>vedtaget</dagi:status>
        <dagi:landekode>DK</dagi:landekode>
        <dagi:skala>1:10.000</dagi:skala>
        <dagi:geometri>POLYGON ((%s738763.98 6169447.66))</dagi:geometri>
      </dagi:Kommuneinddeling>
    </cmn:DataEntity>
`, g.row, g.row, strings.Repeat("738763.98 6169447.66, ", 10))
}
