package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestJSONIsDocumented looks for every name of --json in the command's
// documentation.
func TestJSONIsDocumented(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, _, _ := strings.Cut(string(source), "\npackage main")
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`\w+`).FindAllString(doc, -1) {
		words[w] = true
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			field := typ.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" || !words[name] {
				t.Errorf("%s.%s: %q is not in the documentation", typ.Name(), field.Name, name)
			}
			walk(field.Type)
		}
	}
	walk(reflect.TypeFor[jsonObject]())
}
