package embed

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/site"
)

//go:embed widget.js
var widget []byte

// widgetScript is the script that another site includes. It knows the site's languages, so that it asks for what is there:
// a redirect would not be for other origins.
func widgetScript(l *site.Look) (*site.Made, error) {
	languages, err := json.Marshal(l.Site().Languages)
	if err != nil {
		return nil, fmt.Errorf("write the languages: %w", err)
	}
	return &site.Made{ContentType: "text/javascript; charset=utf-8", Body: bytes.Replace(widget, []byte(`["LANGUAGES"]`), languages, 1)}, nil
}

// line is what the script draws.
type line struct {
	Name     string       `json:"name"`
	URL      string       `json:"url"`
	Language string       `json:"language"`
	Headline string       `json:"headline"`
	State    status.State `json:"state"`
	Light    string       `json:"light"`
	Dark     string       `json:"dark"`
	Shape    []stroke     `json:"shape"`
	Notices  []lineNotice `json:"notices"`
	Stale    bool         `json:"stale,omitempty"` // the hub itself does not know how things are now
}

type lineNotice struct {
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Language string `json:"language"`
	URL      string `json:"url"`
}

// tooOld is when the widget shows nothing rather than what is old.
const tooOld = 5 * time.Minute

// widgetState is what the script asks for, every minute.
func widgetState(l *site.Look) (*site.Made, error) {
	s, err := summaryOf(l)
	if err != nil {
		return nil, err
	}
	shape, err := strokes(web.Shape(s.Look.Symbol))
	if err != nil {
		return nil, err
	}
	drawn := line{
		Name: s.Name.Text, URL: s.URL, Language: l.Language, Headline: s.Headline, State: l.Board.PageHeadline(l.Arg("section")).State,
		Light: s.Look.Light, Dark: s.Look.Dark, Shape: shape, Notices: []lineNotice{}, Stale: l.Stale > tooOld,
	}
	for _, n := range open(l) {
		title := say(l, n.Title)
		drawn.Notices = append(drawn.Notices, lineNotice{word(l, n.Kind.Words()), title.Text, title.In, l.Outside(l.Language, "/notices/"+n.ID)})
	}
	body, err := json.Marshal(drawn)
	return &site.Made{ContentType: "application/json", Body: body}, err
}

// stroke is one element of a drawing: the script makes it with its attributes, and never of text, which the pages that it is
// on may forbid.
type stroke struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
}

// strokes takes a drawing of ours apart.
func strokes(drawing string) ([]stroke, error) {
	var elements struct {
		All []struct {
			XMLName    xml.Name
			Attributes []xml.Attr `xml:",any,attr"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte("<svg>"+drawing+"</svg>"), &elements); err != nil {
		return nil, fmt.Errorf("read a drawing: %w", err)
	}
	list := []stroke{}
	for _, e := range elements.All {
		one := stroke{e.XMLName.Local, map[string]string{}}
		for _, a := range e.Attributes {
			one.Attributes[a.Name.Local] = a.Value
		}
		list = append(list, one)
	}
	return list, nil
}

// hashOf is how a policy names a style or a script that stands in the page (CSP level 3, section 2.3.1).
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
