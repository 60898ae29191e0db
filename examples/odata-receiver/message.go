package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
)

// Message is a hændelsesbesked.
type Message struct {
	Number int64  // rises from message to message; 0: a test
	ID     string // beskedID: the same when the message comes again
	Type   string // beskedtype
	Format string // JSON or XML
	Text   string // all of it
}

// event is the entity that a message comes in.
type event struct {
	ID     int64 `json:"Id"`
	Format string
	Body   string
	replay string // number of the replay that sends it once more
}

var errNoMessage = errors.New("the body is no hændelsesbesked")

// message reads what this receiver needs of a message; take more of it where you need it.
func (e *event) message() (Message, error) {
	m := Message{Number: e.ID, Format: e.Format, Text: e.Body}
	if e.ID == 0 {
		return m, nil
	}
	var err error
	if e.Format == "XML" {
		err = m.readXML()
	} else {
		err = m.readJSON()
	}
	if err == nil && m.ID == "" {
		err = errNoMessage
	}
	return m, err
}

func (m *Message) readXML() error {
	var root struct {
		ID   string `xml:"BeskedId"`
		Type string `xml:"Beskedkuvert>Filtreringsdata>Beskedtype"`
	}
	err := xml.Unmarshal([]byte(m.Text), &root)
	m.ID, m.Type = root.ID, root.Type
	return err
}

// readJSON takes both forms that messages have: within Grunddatabesked, and without. (Names are compared without regard to
// case, so that both beskedID and beskedId are read.)
func (m *Message) readJSON() error {
	type besked struct {
		BeskedID     string
		Beskedkuvert struct{ Filtreringsdata struct{ Beskedtype string } }
	}
	var root struct {
		Bare    besked `json:"Hændelsesbesked"`
		Wrapped struct {
			Besked besked `json:"Hændelsesbesked"`
		} `json:"Grunddatabesked"`
	}
	if err := json.Unmarshal([]byte(m.Text), &root); err != nil {
		return err
	}
	found := root.Wrapped.Besked
	if found.BeskedID == "" {
		found = root.Bare
	}
	m.ID, m.Type = found.BeskedID, found.Beskedkuvert.Filtreringsdata.Beskedtype
	return nil
}
