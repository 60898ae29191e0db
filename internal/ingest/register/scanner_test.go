package register

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/oracle"
)

// scanned is what a scanner finds in a document, token by token.
func scanned(from io.Reader) (tokens []string, err error) {
	s := newScanner(from, Limits{}.orDefault())
	if err := s.begin(); err != nil {
		return nil, err
	}
	for {
		k, err := s.next()
		if err == io.EOF {
			return tokens, nil
		}
		if err != nil {
			return tokens, err
		}
		switch k {
		case start:
			tokens = append(tokens, fmt.Sprintf("start %v %v", s.name, s.attr))
		case end:
			tokens = append(tokens, "end "+s.ended.spelled.Local)
		case text:
			tokens = append(tokens, "text "+string(s.text))
		}
	}
}

// tokens is the same by encoding/xml alone.
func tokens(document []byte) (tokens []string, err error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(document, []byte("\xef\xbb\xbf"))))
	depth := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return tokens, nil
		}
		if err != nil {
			return tokens, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			tokens = append(tokens, fmt.Sprintf("start %v %v", token.Name, token.Attr))
		case xml.EndElement:
			depth--
			tokens = append(tokens, "end "+token.Name.Local)
		case xml.CharData:
			if depth > 0 {
				tokens = append(tokens, "text "+string(token))
			}
		}
	}
}

// FuzzScanner has the scanner beside encoding/xml: what it takes, that takes, and finds the same in it; and how the document
// comes in pieces changes nothing.
func FuzzScanner(f *testing.F) {
	for _, document := range corpus(f) {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := scanned(bytes.NewReader(document))
		again, errAgain := scanned(iotest.OneByteReader(bytes.NewReader(document)))
		if fmt.Sprint(got, err) != fmt.Sprint(again, errAgain) {
			t.Errorf("as a whole %v %v, byte by byte %v %v", got, err, again, errAgain)
		}
		if err != nil {
			if f := fault.Of(err); f.Code != fault.InvalidDocument || len(f.Violations) != 1 {
				t.Errorf("it is refused with %v", err)
			}
			return
		}
		want, err := tokens(document)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, got\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// corpus is every delivery in testdata.
func corpus(t testing.TB) (documents [][]byte) {
	files, err := filepath.Glob("testdata/*/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, document)
	}
	return documents
}

// TestWellFormedByXmllint has the scanner beside another parser: over deliveries with a few bytes changed, both take the same
// documents, but for those that the scanner does not take on purpose.
func TestWellFormedByXmllint(t *testing.T) {
	t.Parallel()
	xmllint := oracle.Program(t, "xmllint")
	dir := t.TempDir()
	var files []string // by name in dir
	taken := map[string]string{}
	refused := map[string]string{}
	all := corpus(t)
	wellFormed := slices.DeleteFunc(slices.Clone(all), func(document []byte) bool {
		_, err := scanned(bytes.NewReader(document))
		return err != nil
	})
	for i, document := range append(all, mutants(wellFormed, 600)...) {
		file := fmt.Sprintf("%d.xml", i)
		if err := os.WriteFile(filepath.Join(dir, file), document, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		if _, err := scanned(bytes.NewReader(document)); err != nil {
			refused[file] = fault.Of(err).Violations[0].Rule + ": " + fault.Of(err).Detail
		} else {
			taken[file] = string(document)
		}
	}
	complaints := complaints(t, xmllint, dir, files)
	for file, document := range taken {
		if said := complaints[file]; said != "" {
			t.Errorf("xmllint refuses what is taken: %s\n%s", said, document)
		}
	}
	for file, why := range refused {
		if complaints[file] == "" && !onPurpose(why) {
			document, err := os.ReadFile(filepath.Join(dir, file))
			t.Errorf("xmllint takes what is refused: %s\n%s%v", why, document, err)
		}
	}
	t.Logf("%d taken, %d refused", len(taken), len(refused))
}

// complaint is an error as xmllint tells it.
var complaint = regexp.MustCompile(`(?m)^(\d+\.xml):\d+: (?:parser|namespace|encoding|I/O) error.*$`)

// complaints is what xmllint says of each file that it refuses.
func complaints(t *testing.T, xmllint, dir string, files []string) map[string]string {
	said := map[string]string{}
	for some := range slices.Chunk(files, 500) {
		cmd := exec.Command(xmllint, append([]string{"--noout", "--nonet"}, some...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); err != nil && code != 1 { // 1: some are not well-formed
			t.Fatalf("%v\n%s", err, out)
		}
		for _, match := range complaint.FindAllSubmatch(out, -1) {
			if !bytes.Contains(match[0], []byte("is not a valid URI")) { // which Namespaces in XML does not ask of anyone
				said[string(match[1])] = string(match[0])
			}
		}
	}
	return said
}

// onPurpose reports whether a document is refused that is well-formed.
func onPurpose(why string) bool {
	rule, _, _ := strings.Cut(why, ":")
	return rule == "dtd" || rule == "encoding" || rule == "entity" || strings.HasSuffix(why, "is not XML 1.0")
}

// mutants are documents with a few bytes changed, the same ones each time.
func mutants(documents [][]byte, count int) (made [][]byte) {
	const bytesOfXML = "<>&;#x/?!-[]'\"=: \t\r\nabsCDATAxmlns019\x00\x01\x7f\xc3\xb8\xef\xbf\xbe\xff"
	r := rand.New(rand.NewPCG(1, 2))
	for len(made) < count {
		document := bytes.Clone(documents[r.IntN(len(documents))])
		for range 1 + r.IntN(2) {
			if len(document) == 0 {
				break
			}
			at := r.IntN(len(document))
			b := bytesOfXML[r.IntN(len(bytesOfXML))]
			switch r.IntN(3) {
			case 0:
				document[at] = b
			case 1:
				document = append(document[:at], document[at+1:]...)
			default:
				document = append(document[:at], append([]byte{b}, document[at:]...)...)
			}
		}
		made = append(made, document)
	}
	return made
}
