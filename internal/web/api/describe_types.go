package api

import (
	_ "embed" // words.json
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/receipt"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// wordsOfFields are the comments of the fields that the API shows, taken out of the source by TestTheWordsAreTheComments.
//
//go:embed words.json
var wordsOfFields []byte

// resultView is what became of one event that was published, as appendResult writes it.
type resultView struct {
	ID       string   `json:"id"`                 // as its source gave it
	Position int64    `json:"position,omitempty"` // its place in the log; none when refused
	Status   string   `json:"status"`
	Problem  *problem `json:"problem,omitempty"` // why it is refused
}

// publishedView is the answer to a publish request.
type publishedView struct {
	Results []resultView `json:"results"` // one for each event, in their order
}

// problemView is a problem with the members that some faults add.
type problemView struct {
	problem
	Drop       *int64             `json:"drop,omitempty"`              // of drop-count: how many undelivered messages would go
	Count      *int64             `json:"count,omitempty"`             // of replay-count: how many events are selected
	Test       *manage.TestReport `json:"test,omitempty"`              // of test-failed: what came of it
	RetryAfter *int64             `json:"retryAfterSeconds,omitempty"` // of rate-limited: when to come again
}

func rulesOfTypes() openapi.Rules {
	about := map[string]string{}
	_ = json.Unmarshal(wordsOfFields, &about) // a test holds it to the comments
	return openapi.Rules{
		Name: componentName, Whole: wholeTypes, Words: wordsOfTypes(), Needed: neededMembers, Bound: boundMember,
		About: func(t reflect.Type, field string) string { return about[wordKey(t, field)] },
	}
}

// wordKey names a field in words.json.
func wordKey(t reflect.Type, field string) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] + "." + name + "." + field
}

// named are the types whose names among the components are not those that they have in Go.
var namedTypes = map[reflect.Type]string{
	reflect.TypeFor[event.Type]():           "EventType",
	reflect.TypeFor[event.Contact]():        "SourceContact",
	reflect.TypeFor[event.Stream]():         "SourceStream",
	reflect.TypeFor[event.Plain]():          "PlainJSON",
	reflect.TypeFor[account.Certificate]():  "AccountCertificate",
	reflect.TypeFor[secretView]():           "AccountSecret",
	reflect.TypeFor[AuditView]():            "AuditEntry",
	reflect.TypeFor[manage.Report]():        "SetReport",
	reflect.TypeFor[manage.Entry]():         "SetEntry",
	reflect.TypeFor[set]():                  "SubscriptionSet",
	reflect.TypeFor[manage.Asked]():         "FilterPreviewRequest",
	reflect.TypeFor[manage.Preview]():       "FilterPreview",
	reflect.TypeFor[manage.Example]():       "FilterExample",
	reflect.TypeFor[filter.Place]():         "FilterPlace",
	reflect.TypeFor[filter.Area]():          "FilterArea",
	reflect.TypeFor[OverdueView]():          "OverdueReceipt",
	reflect.TypeFor[passView]():             "Replay",
	reflect.TypeFor[eventlog.Filter]():      "ReplayFilter",
	reflect.TypeFor[selection]():            "LaneSelection",
	reflect.TypeFor[operated]():             "OperatedLanes",
	reflect.TypeFor[because]():              "Reason",
	reflect.TypeFor[overlapping]():          "Overlap",
	reflect.TypeFor[problem]():              "EventProblem",
	reflect.TypeFor[subscription.Contact](): "Contact",
	reflect.TypeFor[status.Section]():       "SiteSection",
	reflect.TypeFor[status.Group]():         "SiteGroup",
	reflect.TypeFor[status.Component]():     "SiteComponent",
	reflect.TypeFor[status.Theme]():         "SiteTheme",
	reflect.TypeFor[status.Look]():          "StateLook",
	reflect.TypeFor[status.V2]():            "StatuspageAPI",
	reflect.TypeFor[status.Weights]():       "UptimeWeights",
	reflect.TypeFor[status.Update]():        "NoticeUpdate",
	reflect.TypeFor[status.Affected]():      "AffectedComponent",
	reflect.TypeFor[status.Account]():       "Postmortem",
	reflect.TypeFor[status.Change]():        "StateChange",
	reflect.TypeFor[status.Notice]():        "ImportedNotice",
	reflect.TypeFor[NoticeThenView]():       "NoticeThen",
	reflect.TypeFor[SectionView]():          "BoardSection",
	reflect.TypeFor[StandingView]():         "BoardComponent",
	reflect.TypeFor[StateView]():            "ComponentState",
	reflect.TypeFor[SpanView]():             "StateSpan",
	reflect.TypeFor[manage.Setting]():       "StateSetting",
	reflect.TypeFor[manage.Opening]():       "NewNotice",
	reflect.TypeFor[manage.Facts]():         "NoticeFacts",
	reflect.TypeFor[manage.Saying]():        "NewUpdate",
	reflect.TypeFor[manage.Imported]():      "SiteImport",
	reflect.TypeFor[wording]():              "UpdateWording",
	reflect.TypeFor[afterwards]():           "PostmortemWording",
	reflect.TypeFor[acknowledging]():        "NewAcknowledgement",
}

// componentName names a struct: by its Go name without View, by its entries where it is a list; what is asked ends in
// Request, or in Input where there is an answer of the same type.
func componentName(t reflect.Type, d openapi.Direction) string {
	name, known := namedTypes[t]
	if generic, _, is := strings.Cut(t.Name(), "["); is && !known {
		items, _ := t.FieldByName("Items")
		element := items.Type.Elem()
		if element.Kind() == reflect.Pointer {
			element = element.Elem()
		}
		name, known = componentName(element, d)+capital(generic), true
	}
	if !known {
		name = capital(strings.TrimSuffix(t.Name(), "View"))
	}
	if d == openapi.Asked && !strings.HasSuffix(name, "Request") {
		name += "Input"
	}
	return name
}

func capital(word string) string { return string(unicode.ToUpper(rune(word[0]))) + word[1:] }

// wholeTypes write themselves, or hold anything.
var wholeTypes = map[reflect.Type]openapi.Schema{
	reflect.TypeFor[event.Mapping](): {
		Type:       openapi.Types{"object"},
		Properties: openapi.Properties{{Name: "personal", Schema: &openapi.Schema{Type: openapi.Types{"array"}, Items: text("JSON Pointer"), Description: "JSON Pointers to every personal value."}}},
		Additional: text("JSON Pointer or expression"),
	},
	reflect.TypeFor[revision.Scope]():  *text("hub, system/NAME, subscription/ID or endpoint/SYSTEM/URL"),
	reflect.TypeFor[status.Time]():     {Type: openapi.Types{"string"}, Format: "date-time"},
	reflect.TypeFor[event.Retention](): *text("ISO 8601 duration, such as P6M; none: for ever"),
}

func text(about string) *openapi.Schema {
	return &openapi.Schema{Type: openapi.Types{"string"}, Description: about}
}

// words are the values that a type of text can have.
func words[T ~string](values ...T) []string {
	var list []string
	for _, value := range values {
		list = append(list, string(value))
	}
	return list
}

func wordsOfTypes() map[reflect.Type][]string {
	var codes []fault.Code
	for _, entry := range fault.Catalogue {
		codes = append(codes, entry.Code)
	}
	var profiles []profile.Name
	for _, p := range profile.All() {
		profiles = append(profiles, p.Name)
	}
	return map[reflect.Type][]string{
		reflect.TypeFor[account.Role]():         words(account.Roles...),
		reflect.TypeFor[audit.Act]():            words(audit.Acts()...),
		reflect.TypeFor[fault.Code]():           words(codes...),
		reflect.TypeFor[profile.Name]():         words(profiles...),
		reflect.TypeFor[profile.Scope]():        words(profile.PerSubscription, profile.PerSystem),
		reflect.TypeFor[filter.Field]():         append([]string{""}, words(filter.Fields...)...),
		reflect.TypeFor[subscription.Channel](): words("", subscription.Webhook, subscription.Queue, subscription.Cursor, subscription.Window),
		reflect.TypeFor[subscription.State]():   append([]string{""}, states...),
		reflect.TypeFor[status.State]():         append(words(status.NoData), words(status.States...)...),
		reflect.TypeFor[status.Kind]():          words(status.Kinds...),
		reflect.TypeFor[status.Impact]():        words(status.Impacts...),
		reflect.TypeFor[status.Stage]():         stagesOfAll(),
		reflect.TypeFor[status.Cause]():         words(status.ByHand, status.ByNotice, status.ByMonitor, status.ByImport, status.ByHub),
		reflect.TypeFor[status.Indicator]():     words(status.IndicatorNone, status.IndicatorMinor, status.IndicatorMajor, status.IndicatorCritical, status.IndicatorMaintenance),
		reflect.TypeFor[event.State]():          words(event.StateDraft, event.StateActive, event.StateDeprecated, event.StateRetired),
	}
}

// stagesOfAll are those of every kind of notice.
func stagesOfAll() []string {
	return words(slices.Concat(status.Incident.Stages(), status.Planned.Stages(), status.Announcement.Stages())...)
}

// neededMembers are those without which a document is refused.
var neededMembers = map[reflect.Type][]string{
	reflect.TypeFor[event.Source]():             {"uri", "title"},
	reflect.TypeFor[event.Stream]():             {"kind", "broker", "name"},
	reflect.TypeFor[event.Broker]():             {"servers"},
	reflect.TypeFor[event.Plain]():              {"type"},
	reflect.TypeFor[event.Type]():               {"title", "order"},
	reflect.TypeFor[event.Version]():            {"state"},
	reflect.TypeFor[event.Organisation]():       {"type", "code"},
	reflect.TypeFor[subscription.System]():      {"agreement"},
	reflect.TypeFor[subscription.Agreement]():   {"profile", "baseUrl", "contacts"},
	reflect.TypeFor[subscription.Contacts]():    {"technical"},
	reflect.TypeFor[set]():                      {"items"},
	reflect.TypeFor[manage.Asked]():             {"filter"},
	reflect.TypeFor[receiptRequest]():           {"beskedID"},
	reflect.TypeFor[accountView]():              {"roles"},
	reflect.TypeFor[leasesRequest]():            {"leases"},
	reflect.TypeFor[status.Site]():              {"title", "zone", "languages", "sections"},
	reflect.TypeFor[status.Section]():           {"name", "title"},
	reflect.TypeFor[status.Group]():             {"title", "components"},
	reflect.TypeFor[status.Component]():         {"title"},
	reflect.TypeFor[status.Repeat]():            {"every"},
	reflect.TypeFor[manage.Setting]():           {"state"},
	reflect.TypeFor[manage.Opening]():           {"kind", "title"},
	reflect.TypeFor[manage.Facts]():             {"title"},
	reflect.TypeFor[manage.Imported]():          {"site"},
	reflect.TypeFor[wording]():                  {"body"},
	reflect.TypeFor[afterwards]():               {"body"},
	reflect.TypeFor[acknowledging]():            {"system"},
	reflect.TypeFor[subscription.Certificate](): {"certFile", "keyFile"},
}

// bounds narrow members, by type and JSON name.
var bounds = map[reflect.Type]map[string]openapi.Schema{
	reflect.TypeFor[event.Type](): {"order": {Enum: words(event.OrderKey, event.OrderNone)}},
	reflect.TypeFor[event.Stream](): {
		"kind": {Enum: []string{event.NATS, event.Kafka}}, "start": {Enum: []string{"", event.StartFirst, event.StartNew}},
		"form": {Enum: []string{"", event.FormEvents, event.FormJSON}}, "generation": {Minimum: bound(0)}, "mostAside": {Minimum: bound(0), Maximum: bound(10_000)},
	},
	reflect.TypeFor[event.Broker]():              {"mechanism": {Enum: []string{"", event.SASLPlain, event.SCRAMSHA256, event.SCRAMSHA512}}},
	reflect.TypeFor[StreamView]():                {"state": {Enum: intake.States()}},
	reflect.TypeFor[subscription.Subscription](): {"mode": {Enum: []string{"", "structured", "binary"}}, "format": {Enum: []string{"", subscription.FormatJSON, subscription.FormatXML}}},
	reflect.TypeFor[subscription.Agreement]():    {"pushWrapper": {Enum: []string{"", subscription.NoWrapper}}},
	reflect.TypeFor[newKeyRequest]():             {"kind": {Enum: []string{manage.HMAC, manage.Ed25519}, Default: manage.HMAC}},
	reflect.TypeFor[subscription.SigningKey]():   {"kind": {Enum: []string{manage.HMAC, manage.Ed25519}}},
	reflect.TypeFor[overlapping]():               {"overlapSeconds": {Minimum: bound(0), Maximum: bound(90 * 24 * 3600), Default: int64(defaultOverlap.Seconds())}},
	reflect.TypeFor[manage.Asked]():              {"last": {Minimum: bound(0), Maximum: bound(manage.MostPreviewed)}},
	reflect.TypeFor[receiptRequest]():            {"beskedID": {MinItems: bound(1), MaxItems: bound(receipt.MostMessages)}},
	reflect.TypeFor[filter.Area]():               {"municipality": {Pattern: "^([0-9]{4})?$"}},
	reflect.TypeFor[because]():                   {"reason": {MaxLength: bound(maxReason)}},
	reflect.TypeFor[delivery.LaneView]():         {"state": {Enum: laneStates}},
	reflect.TypeFor[resultView]():                {"status": {Enum: []string{"accepted", "duplicate", "refused"}}},
	reflect.TypeFor[leasesRequest]():             {"leases": {MinItems: bound(1), MaxItems: bound(leaseMost)}},
	reflect.TypeFor[leaseRequest](): {
		"max":     {Minimum: bound(0), Maximum: bound(leaseMost), Default: leaseUsual},
		"seconds": {Minimum: bound(0), Maximum: bound(holdMost), Default: holdUsual},
		"wait":    {Minimum: bound(0), Maximum: bound(waitMost), Default: 0},
	},
	reflect.TypeFor[replayRequest](): {
		"position": {Minimum: bound(0)}, "after": {Minimum: bound(0)}, "upTo": {Minimum: bound(0)},
		"rate": {Minimum: bound(0), Maximum: bound(replayRates)}, "lane": {Pattern: "^([0-9a-f]{32})?$"},
	},
	reflect.TypeFor[status.Component](): {"symbol": {Enum: append([]string{""}, status.Symbols...)}},
	reflect.TypeFor[status.Look]():      {"symbol": {Enum: append([]string{""}, status.StateSymbols...)}},
	reflect.TypeFor[status.Repeat]():    {"every": {Enum: status.Repeats}, "step": {Minimum: bound(0), Maximum: bound(366)}},
	reflect.TypeFor[selection]():        {"lane": {Pattern: "^([0-9a-f]{32})?$"}},
}

// nullable are lists that are written as null when there are none.
var nullable = map[reflect.Type]string{
	reflect.TypeFor[event.Source]():           "types",
	reflect.TypeFor[subscription.Agreement](): "sources",
}

// timed are members of text that hold a time.
var timed = map[string]bool{"at": true, "until": true, "since": true, "due": true, "began": true, "ended": true, "recorded": true, "time": true, "failedAt": true}

func boundMember(t reflect.Type, member string, d openapi.Direction, s *openapi.Schema) {
	if d == openapi.Answered && timed[member] && len(s.Type) == 1 && s.Type[0] == "string" {
		s.Format = "date-time"
	}
	if nullable[t] == member && !slices.Contains(s.Type, "null") {
		s.Type = append(s.Type, "null")
	}
	b, known := bounds[t][member]
	if !known {
		return
	}
	s.Enum, s.Minimum, s.Maximum, s.Default = b.Enum, b.Minimum, b.Maximum, b.Default
	s.MaxLength, s.MinItems, s.MaxItems, s.Pattern = b.MaxLength, b.MinItems, b.MaxItems, b.Pattern
}
