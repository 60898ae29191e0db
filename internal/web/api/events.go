package api

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/web"
)

// publish answers 202 when all of it is durable. With partial=true events are accepted one by one, and when one is
// refused the answer is 207 with its problem.
func (a *api) publish(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "partial")
	partial := q.flag("partial")
	if err := q.err(); err != nil {
		return err
	}
	body, err := read(w, r, a.Limits.Batch)
	if err != nil {
		return err
	}
	drafts, err := a.Decode(r.Header, body, a.Limits.Entries)
	if err != nil {
		return err
	}
	results, err := a.Publisher.Publish(r.Context(), drafts, partial)
	if err != nil {
		return err
	}
	return respondResults(w, results)
}

// respondResults tells what became of each event. By hand: through reflection it cost a sixth of a publish request.
func respondResults(w http.ResponseWriter, results []publish.Result) error {
	status, text := http.StatusAccepted, append(make([]byte, 0, 32+96*len(results)), `{"results":[`...)
	for i := range results {
		if i > 0 {
			text = append(text, ',')
		}
		if results[i].Err != nil {
			status = http.StatusMultiStatus
		}
		text = appendResult(text, &results[i])
	}
	return write(w, status, append(text, "]}"...))
}

// appendResult writes id, position when there is one, status (accepted, duplicate or refused) and the problem of an
// event that is refused.
func appendResult(text []byte, result *publish.Result) []byte {
	text = append(text, `{"id":`...)
	text, _ = jsontext.AppendQuote(text, result.ID) // fails for invalid UTF-8 only, and has then replaced it
	if result.Position != 0 {
		text = strconv.AppendInt(append(text, `,"position":`...), result.Position, 10)
	}
	text = append(append(append(text, `,"status":"`...), result.Status...), '"')
	if result.Err != nil {
		p, _ := web.ProblemOf(result.Err)
		text = p.Append(append(text, `,"problem":`...), nil)
	}
	return append(text, '}')
}

// eventView is the skeleton of an event: all but its data.
type eventView struct {
	Position     int64             `json:"position"`
	Recorded     string            `json:"recorded"`
	Message      string            `json:"messageId"`
	Source       string            `json:"source"`
	Type         string            `json:"type"`
	Version      string            `json:"version"`
	Time         string            `json:"time"`
	Organisation string            `json:"organisation,omitempty"`
	Lane         string            `json:"lane,omitempty"` // none: the event is forgotten
	Personal     bool              `json:"personal"`
	Forgotten    bool              `json:"forgotten,omitempty"` // its retention is over or its person was erased: this is all there is
	Attributes   map[string]string `json:"attributes"`
	MediaType    string            `json:"mediaType,omitempty"`
	Size         int               `json:"size"` // of its data, in bytes
}

func (a *api) getEvent(w http.ResponseWriter, r *http.Request) error {
	at, err := position(r)
	if err != nil {
		return err
	}
	e, err := a.Events.At(r.Context(), at)
	if err != nil {
		return err
	}
	v := eventView{
		Position: e.Position, Recorded: instant(e.Recorded), Message: e.ID.String(), Source: e.Source, Type: e.Type, Version: e.Version,
		Time: instant(e.Time), Organisation: e.Organisation.String(), Personal: e.Personal, Forgotten: e.Forgotten,
		Attributes: map[string]string{}, MediaType: e.MediaType, Size: len(e.Data),
	}
	if !e.Forgotten {
		v.Lane = e.Lane.String()
	}
	for _, attribute := range e.Attributes() {
		v.Attributes[attribute.Name] = attribute.Value
	}
	return respond(w, http.StatusOK, v)
}

// position is the one in the address. One that is no number names no event.
func position(r *http.Request) (int64, error) {
	n, err := strconv.ParseUint(r.PathValue("position"), 10, 63)
	if err != nil {
		return 0, fault.New(fault.NotFound, "want an event's position, a whole number")
	}
	return int64(n), nil
}

// attemptView is one attempt. What the receiver answered is a person's data as much as what it was sent, so only its
// length is told.
type attemptView struct {
	Consumer string  `json:"consumer"`
	Number   int     `json:"number"`
	At       string  `json:"at"`
	Outcome  string  `json:"outcome"`
	Replay   int64   `json:"replay,omitempty"` // the pass it belongs to
	Status   int     `json:"status,omitempty"`
	Millis   float64 `json:"durationMs"`
	Reason   string  `json:"reason,omitempty"`
	Detail   string  `json:"detail,omitempty"`
	Answer   int     `json:"answerBytes,omitempty"` // kept of the answer's body
}

func (a *api) getAttempts(w http.ResponseWriter, r *http.Request) error {
	at, err := position(r)
	if err != nil {
		return err
	}
	if _, err := a.Events.At(r.Context(), at); err != nil {
		return err
	}
	rows, err := a.History.AttemptsAt(r.Context(), at)
	if err != nil {
		return err
	}
	views := make([]attemptView, 0, len(rows))
	for i := range rows {
		views = append(views, viewAttempt(&rows[i]))
	}
	return respondList(w, views)
}

func viewAttempt(row *eventlog.AttemptRow) attemptView {
	return attemptView{
		Consumer: row.Consumer, Number: row.Number, At: instant(row.At), Outcome: row.Outcome.String(), Replay: row.Pass, Status: row.Result.Status,
		Millis: float64(row.Result.Duration.Microseconds()) / 1000, Reason: row.Result.Reason, Detail: row.Result.Detail, Answer: len(row.Result.Body),
	}
}
