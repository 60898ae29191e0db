package receive_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/receive"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// sent is a request as the hub makes it.
func sent(id, body string) *http.Request {
	now := time.Now().Unix()
	signer, _ := signature.NewSigner(secret)
	r := httptest.NewRequest(http.MethodPost, "/varsel", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/cloudevents+json")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(now, 10))
	r.Header.Set("webhook-signature", string(signer.AppendHeader(nil, id, now, []byte(body))))
	return r
}

// A receiver of one type, whose data is read into a struct. A repeat is acknowledged and not handed over again.
func Example() {
	type permit struct {
		Permit string `json:"permit"`
		Status string `json:"status"`
	}
	handler, err := receive.New(receive.JSON(func(_ context.Context, m *receive.Message, p permit) error {
		fmt.Printf("%s: %s is %s\n", m.Type, p.Permit, p.Status)
		return nil
	}), receive.Options{Keys: []string{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := `{"specversion":"1.0","id":"1","source":"https://permits.example","type":"permit.changed","data":{"permit":"2026-17","status":"granted"}}`
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, sent("019b1f2e-0000-7000-8000-000000000000", body))
		fmt.Println(w.Code)
	}
	// Output:
	// permit.changed: 2026-17 is granted
	// 204
	// 204
}

// What the function returns decides what the hub does next.
func ExampleRetryAfter() {
	handler, _ := receive.New(func(_ context.Context, m *receive.Message) error {
		switch m.Subject {
		case "night":
			return receive.RetryAfter(time.Hour, errors.New("the archive is closed"))
		case "unknown":
			return receive.Reject("there is no such permit here")
		}
		return nil
	}, receive.Options{Keys: []string{secret}})
	for i, subject := range []string{"day", "night", "unknown"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, sent(fmt.Sprint(i), `{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"`+subject+`"}`))
		fmt.Printf("%d %q %q\n", w.Code, w.Header().Get("Retry-After"), strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 204 "" ""
	// 503 "3600" ""
	// 422 "" "there is no such permit here"
}
