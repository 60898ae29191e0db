package embed

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/sitetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestEmbedsAreAsTheyWere shows what other sites are given in files that a person can look at.
func TestEmbedsAreAsTheyWere(t *testing.T) {
	t.Parallel()
	busy := sitetest.Server(Leaves(), statustest.Busy().Board())
	for path, file := range map[string]string{
		"/embed/badge.svg": "badge.svg", "/fr/embed/crm/badge.svg?theme=dark": "badge.fr.crm.dark.svg", "/embed/components/comp00000008.svg?theme=auto": "badge.component.auto.svg",
		"/embed/state.json": "state.json", "/da/embed/erp/state.json": "state.da.erp.json", "/embed/frame": "frame.html", "/pl/embed/crm/frame?theme=dark": "frame.pl.crm.dark.html",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got := sitetest.Get(busy, "/prod"+path)
			name := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(name, got.Body.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil || got.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), want) {
				t.Errorf("got %d (%v)\n%s\nwant\n%s", got.Code, err, got.Body, want)
			}
		})
	}
}

// drawnBadge is a badge as a program reads it.
type drawnBadge struct {
	Language string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Role     string `xml:"role,attr"`
	Label    string `xml:"aria-label,attr"`
	Title    string `xml:"title"`
	Style    string `xml:"style"`
	Texts    []struct {
		Text string `xml:",chardata"`
	} `xml:"text"`
	Shape struct {
		Inside string `xml:",innerxml"`
	} `xml:"svg"`
}

// TestD4ABadgeHasAColourAShapeAndAWord: of every component of every story, in every theme and language it says its state
// in three ways, and who listens hears it.
func TestD4ABadgeHasAColourAShapeAndAWord(t *testing.T) {
	t.Parallel()
	for _, story := range statustest.Stories() {
		board := story.World.Board()
		server := sitetest.Server(Leaves(), board)
		for _, s := range board.Components[:min(len(board.Components), 10)] {
			for _, language := range board.Site.Languages {
				look := board.Site.Look(s.State)
				for theme, colour := range map[string]string{"": look.Light, "dark": look.Dark, "auto": look.Dark, "none such": look.Light} {
					prefix := ""
					if language != board.Site.Languages[0] {
						prefix = "/" + language
					}
					path := "/prod" + prefix + "/embed/components/" + s.ID + ".svg?theme=" + strings.ReplaceAll(theme, " ", "+")
					var b drawnBadge
					if err := xml.Unmarshal(sitetest.Get(server, path).Body.Bytes(), &b); err != nil {
						t.Fatalf("%s: %s: %v", story.Name, path, err)
					}
					name, _ := board.Site.Say(s.Title, language)
					word, _ := board.Site.Say(look.Name, language)
					if label := name + ": " + word; b.Label != label || b.Title != label || b.Role != "img" || b.Language != language {
						t.Errorf("%s: %s says %q, %q in %q, want %q in %q", story.Name, path, b.Label, b.Title, b.Language, label, language)
					}
					if len(b.Texts) != 2 || b.Texts[1].Text != word || b.Shape.Inside != web.Shape(look.Symbol) || !strings.Contains(b.Style, ".s{color:"+colour) {
						t.Errorf("%s: %s shows %q, %q in %s", story.Name, path, b.Texts, b.Shape.Inside, b.Style)
					}
				}
			}
		}
	}
}

// TestBadgesCanBeRead: the letters stand out from what they stand on, in both themes (WCAG 1.4.3).
func TestBadgesCanBeRead(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile(`text\{fill:(#\w{6})\}\.l\{fill:(#\w{6})\}\.r\{fill:(#\w{6});stroke:(#\w{6})\}`)
	for _, theme := range themes {
		found := colour.FindAllStringSubmatch(badgeStyle(theme, status.Look{}), -1)
		if len(found) == 0 {
			t.Fatalf("%s: no colours", theme)
		}
		for _, c := range found {
			if status.Contrast(c[1], c[2]) < 4.5 || status.Contrast(c[1], c[3]) < 4.5 || status.Contrast(c[3], c[4]) < 3 {
				t.Errorf("%s: %v", theme, c)
			}
		}
	}
}

// TestTheWidgetIsSmall is what the reference asks of it (statuspage.md section 5, Weight): at most 5 kB.
func TestTheWidgetIsSmall(t *testing.T) {
	t.Parallel()
	got := sitetest.Get(sitetest.Server(Leaves(), statustest.Busy().Board()), "/prod/embed/widget.js", "Accept-Encoding: gzip")
	if size := got.Body.Len(); got.Header().Get("Content-Encoding") != "gzip" || size > 5000 || size < 500 {
		t.Errorf("%d octets, %q", size, got.Header().Get("Content-Encoding"))
	}
	reader, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	script, err := io.ReadAll(reader)
	if err != nil || !bytes.Contains(script, []byte(`languages = ["en","da","fr","pl"]`)) {
		t.Errorf("it does not know the site's languages (%v):\n%s", err, script)
	}
}

// TestEmbedsAreForEveryone: other sites may load them, and no cookie changes them.
func TestEmbedsAreForEveryone(t *testing.T) {
	t.Parallel()
	board := statustest.Busy().Board()
	server := sitetest.Server(Leaves(), board)
	for _, path := range site.Addresses(Leaves(), board) {
		got := sitetest.Get(server, "/prod"+path, "Cookie: varsel-language=da; varsel-theme=dark")
		h := got.Header()
		// What a script fetches is let through by Access-Control-Allow-Origin; what a page embeds, by the other.
		embedded := h.Get("Content-Type") != "application/json"
		if got.Code != http.StatusOK || h.Get("Access-Control-Allow-Origin") != "*" || embedded && h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || strings.Contains(h.Get("Vary"), "Cookie") {
			t.Errorf("%s: %d, %v", path, got.Code, h)
		}
	}
	for _, path := range []string{"/embed/nowhere/badge.svg", "/embed/components/none.svg", "/embed/nowhere/state.json", "/embed/nowhere/frame"} {
		if got := sitetest.Get(server, "/prod"+path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

// TestOnlyWhatIsCurrentIsShown: those that disturb first, and no more than a few.
func TestOnlyWhatIsCurrentIsShown(t *testing.T) {
	t.Parallel()
	look := &site.Look{Board: statustest.Busy().Board()}
	var got []string
	for _, n := range open(look) {
		got = append(got, n.Title["en"])
	}
	want := []string{"Search is slow", "Moving files to new storage", "Change the address of the OData service", "Version 9 comes in April", "Support is closed on Friday"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
