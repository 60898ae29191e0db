package event

import (
	"reflect"
	"testing"
)

// A tree that is only made of what pointers need has for each of them what the whole one has.
func TestTreeOfWhatPointersNeed(t *testing.T) {
	t.Parallel()
	const data = ` {"a":{"b":{"c":1,"d":[true,{"e":null}]},"x":"\"\\u00e6"},"x":[{"b":1},[2],"3"],"\u00e6":"y" , "n":-1.5e3,"t":true,"f":false,"o":{},"l":[]} `
	whole, _ := Tree([]byte(data))
	for _, pointers := range [][]string{
		{}, {""}, {"/a"}, {"/a/b/c"}, {"/a", "/a/b"}, {"/a/b", "/a"}, {"/a/b/c", "/a/b/d"}, {"/a/b/d/1/e"}, {"/a/x"}, {"/x/0/b", "/n"}, {"/æ"}, {"/x/1/0", "/t", "/f", "/o", "/l"},
		{"/none"}, {"/a/none"}, {"/n/none"}, {"", "/a"}, {"/a/b/c/d"},
	} {
		var parsed []Pointer
		for _, text := range pointers {
			pointer, err := ParsePointer(text)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, pointer)
		}
		part, v := outlineOf(parsed).tree([]byte(data))
		if v != nil {
			t.Fatal(v)
		}
		for _, pointer := range parsed {
			got, ok := pointer.In(part)
			want, known := pointer.In(whole)
			if ok != known || !reflect.DeepEqual(got, want) {
				t.Errorf("%v: %s is %v, want %v", pointers, pointer, got, want)
			}
		}
	}
	if part, _ := outlineOf([]Pointer{{"a", "b", "c"}}).tree([]byte(data)); len(part.(map[string]any)) != 1 {
		t.Errorf("it has what nobody asked for: %v", part)
	}
}
