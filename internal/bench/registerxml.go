package bench

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	reading "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/register"
)

// registerXML measures reading a register's delivery, beside encoding/xml's tokens of the same file.
func registerXML(ctx context.Context, r *run, f *Figure) error {
	file := filepath.Join(r.dir, "delivery.xml")
	r.progress("writing %d MiB", r.Size.Delivered>>20)
	entities, err := writeDelivery(file, r.Size.Delivered)
	if err != nil {
		return err
	}
	var rs rounds
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		s, err := readFile(ctx, file, entities, countTokens)
		if err != nil {
			return err
		}
		rs.ceiling = append(rs.ceiling, s)
		debug.FreeOSMemory() // what the tokens left behind is not what is measured
		peak, stop := watchMemory(), r.profile(n == 0)
		s, err = readFile(ctx, file, entities, readDelivery)
		stop()
		f.PeakMiB = max(f.PeakMiB, float64(peak())/(1<<20))
		if err != nil {
			return err
		}
		rs.hub = append(rs.hub, s)
	}
	rs.summarise(f)
	return nil
}

// readFile takes the speed of one way to read a delivery: MiB a second, and µs of this process for each entity.
func readFile(ctx context.Context, name string, entities int, read func(io.Reader) (int, error)) (speed, error) {
	file, err := os.Open(name)
	if err != nil {
		return speed{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return speed{}, err
	}
	began, used := time.Now(), cpuTime()
	count, err := read(file)
	took, used := time.Since(began), cpuTime()-used
	if err == nil && count != entities {
		err = fault.New(fault.Internal, "%d of %d entities were read", count, entities)
	}
	if err == nil {
		err = ctx.Err()
	}
	return speed{rate: float64(info.Size()) / (1 << 20) / took.Seconds(), cpu: float64(used.Microseconds()) / float64(entities)}, err
}

// countTokens is the ceiling. It counts what it must have seen to have been through all of the file.
func countTokens(from io.Reader) (entities int, err error) {
	decoder := xml.NewDecoder(bufio.NewReaderSize(from, 64<<10))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return entities, nil
		}
		if err != nil {
			return entities, err
		}
		if t, ok := token.(xml.StartElement); ok && t.Name.Local == "DataEntity" {
			entities++
		}
	}
}

func readDelivery(from io.Reader) (entities int, err error) {
	reader := reading.NewReader(from, deliveredRegister(), reading.Limits{})
	for {
		_, err := reader.Next()
		if err == io.EOF {
			return entities, nil
		}
		if err != nil {
			return entities, err
		}
		entities++
	}
}

const deliveredNamespace = "urn:varsel:bench"

func deliveredRegister() *register.Register {
	return &register.Register{Name: "bench", Source: "bench", Types: []register.EntityType{{
		Name: "Kommuneinddeling", Namespace: deliveredNamespace, Row: "objectid", Object: []string{"id_namespace", "id_lokalId"},
		Columns: []register.Column{
			{Name: "objectid", Type: register.Integer, Required: true}, {Name: "feltliste", EventOnly: true}, {Name: "id_namespace", Required: true},
			{Name: "id_lokalId", Required: true}, {Name: "landekode"}, {Name: "skala"}, {Name: "geometri", Type: register.Geometry},
		},
	}}}
}

// writeDelivery writes a delivery of about so many bytes: rows with a small geometry, and to every fourth the end of the row
// before it.
func writeDelivery(name string, size int) (entities int, err error) {
	file, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	to := bufio.NewWriter(file)
	const head = `<?xml version="1.0" encoding="utf-8"?>
<cmn:DatafordelerDataDelivery xmlns:cmn="urn:varsel:bench:envelope" xmlns:dagi="` + deliveredNamespace + `">
  <cmn:Header><cmn:DeliveryId>bench</cmn:DeliveryId></cmn:Header>
  <cmn:Data>
`
	written, _ := to.WriteString(head) // Flush tells of every error
	geometry := "POLYGON ((" + strings.Repeat("738763.98 6169447.66, ", 10) + "738763.98 6169447.66))"
	for row := 1; written < size; row++ {
		n := 0
		if n, err = fmt.Fprintf(to, createdEntity, row, row, geometry); err != nil {
			return entities, err
		}
		written += n
		entities++
		if row%4 == 0 {
			n, _ = fmt.Fprintf(to, closedEntity, row-1)
			written += n
			entities++
		}
	}
	_, _ = to.WriteString("  </cmn:Data>\n</cmn:DatafordelerDataDelivery>\n")
	return entities, to.Flush()
}

const createdEntity = `    <cmn:DataEntity>
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
        <dagi:geometri>%s</dagi:geometri>
      </dagi:Kommuneinddeling>
    </cmn:DataEntity>
`

const closedEntity = `    <cmn:DataEntity>
      <cmn:Action>Update</cmn:Action>
      <cmn:CreateEvent>NoEvent</cmn:CreateEvent>
      <dagi:Kommuneinddeling>
        <dagi:objectid>%d</dagi:objectid>
        <dagi:registreringTil>2016-08-07T02:10:00.000000</dagi:registreringTil>
      </dagi:Kommuneinddeling>
    </cmn:DataEntity>
`
