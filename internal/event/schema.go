package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/varselhub/varsel/internal/fault"
)

// MaxViolations bounds how many violations one document or event is answered with.
const MaxViolations = 100

const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is a compiled JSON Schema (2020-12). It is safe for concurrent use.
type Schema struct {
	compiled *jsonschema.Schema
	declared map[string]bool // every property name that the schema itself states
}

// noLoader refuses every reference out of the schema: a tenant's schema must not make the hub read files or call hosts.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errReference }

var errReference = errors.New("a schema may refer only to itself")

// CompileSchema reads a schema; formats are asserted, references to anything outside it are refused. Pointers of the
// violations are relative to the schema.
func CompileSchema(raw []byte) (*Schema, []fault.Violation) {
	if v := Scan(raw); v != nil {
		return nil, []fault.Violation{{Rule: v.Rule, Message: v.Message}}
	}
	document, v := Tree(raw)
	if v != nil {
		return nil, []fault.Violation{{Rule: v.Rule, Message: v.Message}}
	}
	if stated, ok := (Pointer{"$schema"}).In(document); ok && stated != dialect {
		return nil, []fault.Violation{{Pointer: "/$schema", Rule: "dialect", Message: "want " + dialect + " or no $schema"}}
	}
	const location = "varsel://schema/" // hierarchical, so that a relative reference leaves it and is refused
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(location, document); err != nil {
		return nil, schemaViolations(err)
	}
	compiled, err := compiler.Compile(location)
	if err != nil {
		return nil, schemaViolations(err)
	}
	s := &Schema{compiled: compiled, declared: map[string]bool{}}
	s.declare(document)
	return s, nil
}

// schemaViolations tells what is wrong with a schema. Schemas are configuration, so the texts may quote them.
func schemaViolations(err error) []fault.Violation {
	var invalid *jsonschema.SchemaValidationError
	var report *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &report) {
		w := walker{show: func(path []string) string { return Pointer(path).String() }}
		w.walk(report)
		return w.sorted()
	}
	var outside *jsonschema.LoadURLError
	if errors.As(err, &outside) {
		return []fault.Violation{{Rule: "reference", Message: errReference.Error() + ": put what it refers to under $defs"}}
	}
	return []fault.Violation{{Rule: "schema", Message: err.Error()}}
}

func (s *Schema) declare(node any) {
	switch node := node.(type) {
	case map[string]any:
		if properties, ok := node["properties"].(map[string]any); ok {
			for name := range properties {
				s.declared[name] = true
			}
		}
		for _, child := range node {
			s.declare(child)
		}
	case []any:
		for _, child := range node {
			s.declare(child)
		}
	}
}

// Check validates a tree made by Tree. Every violation has prefix before its pointer, the schema's keyword as its
// rule, and never a value. A member that the schema does not name shows as *, because names can be personal too. At
// most MaxViolations are returned, in order of pointer.
func (s *Schema) Check(tree any, prefix string) []fault.Violation {
	err := s.compiled.Validate(tree)
	if err == nil {
		return nil
	}
	var report *jsonschema.ValidationError
	if !errors.As(err, &report) {
		return []fault.Violation{{Pointer: prefix, Rule: "schema", Message: "breaks the schema"}}
	}
	w := walker{show: func(path []string) string { return prefix + s.safePointer(tree, path) }}
	w.walk(report)
	return w.sorted()
}

// safePointer writes the path to a value with only what the schema's author wrote: declared names and positions.
func (s *Schema) safePointer(tree any, path []string) string {
	var text strings.Builder
	for i, token := range path {
		parent, _ := Pointer(path[:i]).In(tree)
		_, isArray := parent.([]any)
		if !isArray && !s.declared[token] {
			token = "*"
		}
		text.WriteByte('/')
		text.WriteString(escapeToken(token))
	}
	return text.String()
}

// walker gathers the leaves of a validation report.
type walker struct {
	show  func(path []string) string
	found []fault.Violation
}

func (w *walker) add(pointer, rule, message string) {
	if len(w.found) < 10*MaxViolations { // more than are shown, so that the first by pointer are among them
		w.found = append(w.found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
}

// sorted puts what was found into an order that does not depend on the walk, and cuts it to MaxViolations.
func (w *walker) sorted() []fault.Violation {
	slices.SortFunc(w.found, func(a, b fault.Violation) int {
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	w.found = slices.Compact(w.found)
	return w.found[:min(len(w.found), MaxViolations)]
}

func (w *walker) walk(e *jsonschema.ValidationError) {
	path := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			w.walk(cause)
		}
	case *kind.Required:
		w.missing(path, k.Missing, "required", "is required")
	case *kind.DependentRequired:
		w.missing(path, k.Missing, "dependentRequired", "is required because another member is there")
	case *kind.AdditionalProperties:
		w.add(w.show(path), "additionalProperties", fmt.Sprintf("has members that the schema does not allow: %d", len(k.Properties)))
	default:
		rule := "schema"
		if keywords := k.KeywordPath(); len(keywords) > 0 {
			rule = keywords[0]
		}
		w.add(w.show(path), rule, explain(e.ErrorKind))
	}
}

func (w *walker) missing(path, names []string, rule, message string) {
	for _, name := range names {
		// A required name is the schema's word, not the data's; it is shown even where properties does not list it.
		w.add(w.show(path)+"/"+escapeToken(name), rule, message)
	}
}

// explain says what the schema wants. It uses only what the schema says, never what the data holds.
func explain(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "want " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "want one of " + list(k.Want)
	case *kind.Const:
		return "want " + list([]any{k.Want})
	case *kind.Format:
		return "is not a valid " + k.Want
	case *kind.Pattern:
		return "does not match " + k.Want
	case *kind.MinLength:
		return "is shorter than " + strconv.Itoa(k.Want) + " characters"
	case *kind.MaxLength:
		return "is longer than " + strconv.Itoa(k.Want) + " characters"
	case *kind.MinItems:
		return "has fewer than " + strconv.Itoa(k.Want) + " items"
	case *kind.MaxItems:
		return "has more than " + strconv.Itoa(k.Want) + " items"
	case *kind.MinProperties:
		return "has fewer than " + strconv.Itoa(k.Want) + " members"
	case *kind.MaxProperties:
		return "has more than " + strconv.Itoa(k.Want) + " members"
	case *kind.Minimum:
		return "is less than " + k.Want.RatString()
	case *kind.Maximum:
		return "is more than " + k.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "is not more than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "is not less than " + k.Want.RatString()
	case *kind.MultipleOf:
		return "is not a multiple of " + k.Want.RatString()
	case *kind.UniqueItems:
		return fmt.Sprintf("items %d and %d are equal", k.Duplicates[0], k.Duplicates[1])
	case *kind.AnyOf:
		return "fits none of the forms that the schema allows"
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return "fits more than one of the forms that exclude each other"
		}
		return "fits none of the forms that the schema allows"
	case *kind.FalseSchema:
		return "is not allowed here"
	case *kind.PropertyNames:
		return "has a member whose name the schema does not allow"
	}
	return "breaks this rule of the schema"
}

// list shows the first values that a schema allows.
func list(values []any) string {
	const most = 10
	var texts []string
	for _, value := range values[:min(len(values), most)] {
		text, err := json.Marshal(value)
		if err != nil {
			continue
		}
		texts = append(texts, string(text))
	}
	if len(values) > most {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}
