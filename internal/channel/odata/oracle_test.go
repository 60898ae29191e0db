package odata_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/odata/odatatest"
	"github.com/varselhub/varsel/internal/oracle"
)

// mockServer serves a real OData v4 service of other people's making: the metadata of F22, no entity yet. In a batch it
// knows addresses relative to the service only, so these are made of the absolute ones (section 11.7.2 has both).
const mockServer = `
const http = require("http"), fs = require("fs"), os = require("os"), path = require("path"), { Readable } = require("stream");
const Mock = require("@sap-ux/fe-mockserver-core").default;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "varsel-odata-"));
fs.writeFileSync(path.join(dir, "metadata.xml"), '<?xml version="1.0" encoding="utf-8"?>' +
	'<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>' +
	'<Schema Namespace="DataDistributor" xmlns="http://docs.oasis-open.org/odata/ns/edm">' +
	'<EntityType Name="Event"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32" Nullable="false"/>' +
	'<Property Name="Format" Type="Edm.String"/><Property Name="Body" Type="Edm.String"/></EntityType>' +
	'<EntityContainer Name="Container"><EntitySet Name="Events" EntityType="DataDistributor.Event"/></EntityContainer>' +
	'</Schema></edmx:DataServices></edmx:Edmx>');
fs.writeFileSync(path.join(dir, "Events.json"), "[]");
const quiet = { info() {}, error: console.error, warn() {}, debug() {} };
const mock = new Mock({ services: [{ urlPath: "/odata", metadataPath: path.join(dir, "metadata.xml"), mockdataPath: dir, logger: quiet, noETag: true, watch: false }] });
mock.isReady.then(() => {
	const server = http.createServer((req, res) => {
		const chunks = [];
		req.on("data", c => chunks.push(c)).on("end", () => {
			const text = Buffer.concat(chunks).toString().replaceAll("POST http://" + req.headers.host + "/odata/", "POST ");
			const body = Readable.from([Buffer.from(text)]);
			Object.assign(body, { method: req.method, url: req.url, headers: { ...req.headers, "content-length": String(Buffer.byteLength(text)) } });
			mock.getRouter()(text ? body : req, res, e => { res.statusCode = e ? 500 : 404; res.end(String(e)); });
		});
	});
	server.listen(0, "127.0.0.1", () => console.log("http://127.0.0.1:" + server.address().port + "/odata"));
}).catch(e => { console.error(e); process.exit(1); });
process.stdin.on("end", () => { fs.rmSync(dir, { recursive: true }); process.exit(); }).resume();
`

func TestARealServiceTakesWhatIsSent(t *testing.T) {
	t.Parallel()
	root := oracle.Serve(t, mockServer)
	sender := to(t, root)
	wantClasses(t, []channel.Result{sender.Send(t.Context(), message(1))}, channel.Delivered)
	list := messages(2, 3, 4)
	list[1].ContentType, list[1].Body = "application/xml", []byte("<Haendelsesbesked>\r\n\"æøå\" 😀</Haendelsesbesked>")
	wantClasses(t, sender.SendAll(t.Context(), list), channel.Delivered, channel.Delivered, channel.Delivered)

	answer, err := http.Get(root + "/Events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var set struct{ Value []odatatest.Event }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want := []odatatest.Event{{Body: string(message(1).Body), Format: "JSON", ID: 1}}
	for _, m := range list {
		want = append(want, odatatest.Event{Body: string(m.Body), Format: map[bool]string{true: "XML", false: "JSON"}[m == list[1]], ID: m.Position})
	}
	for i := range want {
		want[i].Type = "#DataDistributor.Event"
	}
	if !slices.Equal(set.Value, want) {
		t.Errorf("the service has\n%+v, want\n%+v", set.Value, want)
	}
}
