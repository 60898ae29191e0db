package receive

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/signature"
)

// Media types of the envelopes, without parameters.
const (
	mediaStructured = "application/cloudevents+json"
	mediaBatch      = "application/cloudevents-batch+json"
	mediaJSON       = "application/json"
)

// Headers of the hub beside those of Standard Webhooks.
const (
	headerAttempt = "Varsel-Attempt"
	headerTest    = "Varsel-Test"
	headerReplay  = "Varsel-Replay"
)

// maxName bounds the ids of messages and passes, in bytes: they are kept.
const maxName = 2 << 10

// Decode reads the messages of a request: CloudEvents 1.0 in structured, binary or batched mode, or one STAR
// webservicebesked; a batch may hold none. It keeps nothing of body, and checks no signature.
//
// Its error is for [Answer], and quotes nothing of the message: 415 for another media type, 400 for what cannot be
// read.
func Decode(header http.Header, body []byte) ([]*Message, error) {
	messages, batch, err := decode(header, body)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if id := header.Get(signature.HeaderID); id != "" && !batch {
			if m.MetaData != nil && m.ID != id {
				return nil, unreadable("BeskedIdentifier is not webhook-id")
			}
			m.ID = id
		}
		m.Header, m.Pass, m.Test = header, header.Get(headerReplay), header.Get(headerTest) == "1"
		if attempt, err := strconv.ParseUint(header.Get(headerAttempt), 10, 31); err == nil {
			m.Attempt = int(attempt)
		}
		if len(m.ID) > maxName || len(m.Pass) > maxName {
			return nil, unreadable("an id is too long")
		}
	}
	return messages, nil
}

func decode(header http.Header, body []byte) (messages []*Message, batch bool, err error) {
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := parameters["charset"]
	inUTF8 := err == nil && (charset == "" || strings.EqualFold(charset, "utf-8"))
	switch {
	case kind == mediaBatch && inUTF8:
		messages, err = decodeBatch(body)
		return messages, true, err
	case kind == mediaStructured && inUTF8:
		messages, err = one(decodeStructured(body))
	case hasAttributes(header) && !strings.HasPrefix(kind, "application/cloudevents"):
		messages, err = one(decodeBinary(header, body))
	case kind == mediaJSON && inUTF8:
		messages, err = one(decodeStar(body))
	default:
		err = &answer{status: http.StatusUnsupportedMediaType, text: "want " + mediaStructured + ", " + mediaBatch +
			", an event's data with its attributes in ce- headers, or a webservicebesked in " + mediaJSON}
	}
	return messages, false, err
}

func one(m *Message, err error) ([]*Message, error) {
	if err != nil {
		return nil, err
	}
	return []*Message{m}, nil
}

// unreadable is a message that breaks its envelope's rules.
func unreadable(text string) error { return &answer{status: http.StatusBadRequest, text: text} }
