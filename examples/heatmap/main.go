// Command heatmap draws where a register has changed (F45), to copy from: it fetches the messages of a time as from
// Datafordeleren, counts them by object, and colours each object's outline by its count. The picture is SVG, on its output; the
// figures are a table on its standard error, for who reads rather than looks.
//
//	VARSEL_URL=https://hub.example VARSEL_USER=map VARSEL_PASSWORD=… heatmap -from 2026-01-01 -to 2026-02-01 >map.svg
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
)

type options struct {
	hub, user, password      string
	system, from, to         string
	register, kind, key, tag string
}

func main() {
	o := options{hub: os.Getenv("VARSEL_URL"), user: os.Getenv("VARSEL_USER"), password: os.Getenv("VARSEL_PASSWORD")}
	flag.StringVar(&o.system, "system", "", "the system whose messages are counted, for an account of several")
	flag.StringVar(&o.from, "from", "", "count messages from then on, such as 2026-01-01")
	flag.StringVar(&o.to, "to", "", "and before then")
	flag.StringVar(&o.register, "register", "dagi", "the register that the outlines are of")
	flag.StringVar(&o.kind, "type", "Kommuneinddeling", "the entity type of the outlines, and of the messages")
	flag.StringVar(&o.key, "key", "id_lokalId", "the column that messages tell objects by, at the beginning of registreringsID")
	flag.StringVar(&o.tag, "name", "navn", "the column that names an object")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o, os.Stdout, os.Stderr); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o *options, picture, table io.Writer) error {
	counts, err := o.counts(ctx)
	if err != nil {
		return err
	}
	areas, err := o.areas(ctx)
	if err != nil {
		return err
	}
	for i := range areas {
		areas[i].count = counts[areas[i].key]
	}
	list(table, areas)
	return draw(picture, areas)
}

// get reads JSON of the hub into a document.
func (o *options) get(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(o.hub, "/")+path+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("set VARSEL_URL to the hub's address: %w", err)
	}
	if o.user != "" {
		request.SetBasicAuth(o.user, o.password)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("%s answered %s: %s", path, answer.Status, text)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// message is as much of a Hændelsesbesked as is counted.
type message struct {
	Message struct {
		Grunddatabesked struct {
			Besked struct {
				Kuvert struct {
					Filtreringsdata struct {
						Objektregistrering []struct {
							RegistreringsID string `json:"registreringsID"`
							Objekttype      string `json:"objekttype"`
						} `json:"Objektregistrering"`
					} `json:"Filtreringsdata"`
				} `json:"Beskedkuvert"`
			} `json:"Hændelsesbesked"`
		} `json:"Grunddatabesked"`
	} `json:"Message"`
}

// perPage is how many messages are asked for at a time; a page that has fewer is the last.
const perPage = 10_000

// counts is how often each object has changed.
func (o *options) counts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for page := 1; ; page++ {
		query := url.Values{"datefrom": {o.from}, "dateto": {o.to}, "format": {"json"}, "page": {strconv.Itoa(page)}, "pagesize": {strconv.Itoa(perPage)}}
		if o.system != "" {
			query.Set("system", o.system)
		}
		var messages []message
		if err := o.get(ctx, "/system/EventMessages/1.0.0/custom", query, &messages); err != nil {
			return nil, err
		}
		for i := range messages {
			for _, registered := range messages[i].Message.Grunddatabesked.Besked.Kuvert.Filtreringsdata.Objektregistrering {
				if registered.Objekttype == o.kind {
					key, _, _ := strings.Cut(registered.RegistreringsID, ",")
					counts[key]++
				}
			}
		}
		if len(messages) < perPage {
			return counts, nil
		}
	}
}

// area is an object with its outline, in longitude and latitude.
type area struct {
	key, name string
	rings     [][][2]float64
	count     int
}

// areas reads the outlines as they are known now.
func (o *options) areas(ctx context.Context) (areas []area, err error) {
	query := url.Values{"format": {"geojson"}, "limit": {"1000"}}
	for {
		var page struct {
			Next     string `json:"next"`
			Features []struct {
				Geometry *struct {
					Type        string          `json:"type"`
					Coordinates json.RawMessage `json:"coordinates"`
				} `json:"geometry"`
				Properties map[string]string `json:"properties"`
			} `json:"features"`
		}
		if err := o.get(ctx, "/api/v1/registers/"+url.PathEscape(o.register)+"/"+url.PathEscape(o.kind), query, &page); err != nil {
			return nil, err
		}
		for _, f := range page.Features {
			a := area{key: f.Properties[o.key], name: f.Properties[o.tag]}
			if f.Geometry != nil {
				if a.rings, err = rings(f.Geometry.Type, f.Geometry.Coordinates); err != nil {
					return nil, fmt.Errorf("%s: %w", a.name, err)
				}
			}
			areas = append(areas, a)
		}
		if page.Next == "" {
			return areas, nil
		}
		query.Set("after", page.Next)
	}
}

func rings(kind string, coordinates json.RawMessage) (all [][][2]float64, err error) {
	var polygons [][][][2]float64
	switch kind {
	case "MultiPolygon":
		err = json.Unmarshal(coordinates, &polygons)
	case "Polygon":
		polygons = make([][][][2]float64, 1)
		err = json.Unmarshal(coordinates, &polygons[0])
	}
	for _, polygon := range polygons {
		all = append(all, polygon...)
	}
	return all, err
}

// list prints what has changed, most often first.
func list(to io.Writer, areas []area) {
	changed := slices.DeleteFunc(slices.Clone(areas), func(a area) bool { return a.count == 0 })
	slices.SortFunc(changed, func(a, b area) int { return cmp.Or(b.count-a.count, strings.Compare(a.name, b.name)) })
	for _, a := range changed {
		fmt.Fprintf(to, "%6d  %s\n", a.count, a.name)
	}
	fmt.Fprintf(to, "%d of %d have changed.\n", len(changed), len(areas))
}
