package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// hubFlags name the hub that a command talks to, and who the command is there.
type hubFlags struct {
	URL        string `help:"The hub." default:"http://127.0.0.1:8080" env:"VARSEL_URL"`
	Account    string `help:"The account to be, on a hub that asks. Its secret is read from --secret-file or VARSEL_SECRET, never from a flag: flags can be seen by others. A token of another issuer is read from VARSEL_TOKEN." default:"operator" env:"VARSEL_ACCOUNT"`
	SecretFile string `help:"File that holds the account's secret." type:"existingfile" env:"VARSEL_SECRET_FILE" placeholder:"FILE"`
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// refusal is a problem document (RFC 9457) that the hub answered with.
type refusal struct {
	Title      string            `json:"title"`
	Status     int               `json:"status"`
	Detail     string            `json:"detail"`
	Instance   string            `json:"instance"`
	Code       string            `json:"code"`
	Mend       string            `json:"mend"`
	Violations []fault.Violation `json:"violations"`
}

// Error says it for a person: what happened, every rule that was broken, what to do.
func (r *refusal) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s)", r.Title, r.Code)
	if len(r.Violations) == 0 && r.Detail != "" {
		fmt.Fprintf(&text, "\n  %s", r.Detail)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(&text, "\n  %s", violationText(&v))
	}
	if r.Mend != "" {
		fmt.Fprintf(&text, "\n  %s", r.Mend)
	}
	if r.Status >= http.StatusInternalServerError && r.Instance != "" {
		fmt.Fprintf(&text, "\n  The hub's log has it as %s", strings.TrimPrefix(r.Instance, "urn:uuid:"))
	}
	return text.String()
}

func violationText(v *fault.Violation) string {
	return fmt.Sprintf("%s: %s (%s)", v.Pointer, v.Message, v.Rule)
}

// hub is a thin client.
type hub struct {
	base   string
	client *http.Client
	login  login
}

func (f *hubFlags) hub() *hub {
	address := strings.TrimSuffix(f.URL, "/")
	client := &http.Client{Timeout: time.Minute}
	return &hub{base: address + "/api/v1", client: client, login: login{hubFlags: f, address: address, client: client}}
}

// call makes one request. into takes the answer; a *refusal is returned when the hub refuses.
func (h *hub) call(ctx context.Context, method, path, mediaType string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, h.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--url %s cannot be used: %w", h.base, err)
	}
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	token, err := h.login.token(ctx)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return noAnswer(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the hub's answer broke off: %w\n  Try again; what was accepted before is not published twice", err)
	}
	return read(response, answer, into)
}

func noAnswer(err error) error {
	return fmt.Errorf("no answer from the hub: %w\n  Is it running? Start one with `varsel serve`, or name another with --url", err)
}

func read(response *http.Response, answer []byte, into any) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case kind == "application/problem+json":
		r := new(refusal)
		if err := json.Unmarshal(answer, r); err == nil {
			return r
		}
	case kind == "application/json" && response.StatusCode < http.StatusMultipleChoices:
		if err := json.Unmarshal(answer, into); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s answered %s, not as a hub does\n  Check --url: it is the hub's address without /api/v1", response.Request.URL.Host, response.Status)
}
