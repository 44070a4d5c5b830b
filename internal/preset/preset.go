// Package preset gives global variables and maps the contents that a user asks for
// before a program runs.
package preset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/internal/show"
)

// Variable sets a global variable of an object, or a part of it: "limit=10",
// "config.ports[2]=0x50", `name="eth0"`, `config={"limit": 3}`. What is no JSON is
// text.
func Variable(obj *bpf.Object, assignment string) error {
	path, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("%q, expected NAME=VALUE", assignment)
	}
	name, rest := splitPath(path)
	section, v := find(obj, name)
	if v == nil {
		return unknown(obj, name)
	}
	if section.Contents == nil {
		section.Contents = make([]byte, section.Room())
	}
	if uint64(v.Offset)+uint64(v.Size) > uint64(len(section.Contents)) {
		return fmt.Errorf("variable %s is not within its section", name)
	}
	place, t, err := follow(section.Contents[v.Offset:v.Offset+v.Size], v.Type.(*btf.Var).Type, rest)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	value, err := show.Bytes(order(obj), t, len(place), parse(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	copy(place, value)
	return nil
}

func order(obj *bpf.Object) binary.ByteOrder {
	if obj.ByteOrder == nil {
		return binary.LittleEndian
	}
	return obj.ByteOrder
}

// parse reads JSON, numbers as they stand, and anything else as text.
func parse(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return text
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return text
	}
	return v
}

// find looks for a variable in the sections of an object.
func find(obj *bpf.Object, name string) (*bpf.Map, *btf.VarSecinfo) {
	for _, m := range obj.Maps {
		sec, ok := m.Value.(*btf.Datasec)
		if !ok || m.Section == "" {
			continue
		}
		for i := range sec.Vars {
			if v, ok := sec.Vars[i].Type.(*btf.Var); ok && v.Name == name {
				return m, &sec.Vars[i]
			}
		}
	}
	return nil, nil
}

// unknown is the error about a variable that there is not.
func unknown(obj *bpf.Object, name string) error {
	var names []string
	for _, m := range obj.Maps {
		if sec, ok := m.Value.(*btf.Datasec); ok && m.Section != "" {
			for _, v := range sec.Vars {
				names = append(names, show.Name(v.Type.TypeName()))
			}
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no variable %s: the object has no variables whose types are known", show.Name(name))
	}
	const most = 20
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return fmt.Errorf("there is no variable %s; there is %s", show.Name(name), strings.Join(names, ", "))
}

// splitPath takes the name off a path of members and elements: "a.b[3]".
func splitPath(path string) (name, rest string) {
	if i := strings.IndexAny(path, ".["); i > 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// follow goes to a member or an element.
func follow(b []byte, t btf.Type, path string) ([]byte, btf.Type, error) {
	for path != "" {
		if path[0] == '[' {
			number, rest, ok := strings.Cut(path[1:], "]")
			array, isArray := btf.UnderlyingType(t).(*btf.Array)
			i, err := strconv.ParseUint(number, 0, 31)
			if !ok || !isArray || err != nil {
				return nil, nil, fmt.Errorf("%s is no element of %v", path, t)
			}
			size, err := btf.Sizeof(array.Type)
			if err != nil || (i+1)*uint64(size) > uint64(len(b)) {
				return nil, nil, fmt.Errorf("element %d of an array of %d", i, array.Nelems)
			}
			b, t, path = b[i*uint64(size):(i+1)*uint64(size)], array.Type, rest
			continue
		}
		name, rest := splitPath(path[1:])
		m := member(t, name)
		if m == nil {
			return nil, nil, fmt.Errorf("there is no member %s of %v", show.Name(name), t)
		}
		size, err := btf.Sizeof(m.Type)
		start := uint64(m.Offset.Bytes())
		if err != nil || m.BitfieldSize > 0 || start+uint64(size) > uint64(len(b)) {
			return nil, nil, fmt.Errorf("member %s can't be set by itself", show.Name(name))
		}
		b, t, path = b[start:start+uint64(size)], m.Type, rest
	}
	return b, t, nil
}

// member finds a member by its name.
func member(t btf.Type, name string) *btf.Member {
	var list []btf.Member
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		list = t.Members
	case *btf.Union:
		list = t.Members
	}
	for i := range list {
		if list[i].Name == name && name != "" {
			return &list[i]
		}
	}
	return nil
}

// Entry is what a map is to hold under a key. The value of a per-CPU map is that
// of every CPU, one after the other.
type Entry struct{ Key, Value []byte }

// Entries reads what a map is to hold: "name=JSON" or "name=@FILE". The JSON is an
// object of keys and values, or a list of {"key": …, "value": …}, as ebrun and
// bpftool print it.
func Entries(obj *bpf.Object, cpus int, assignment string) (*bpf.Map, []Entry, error) {
	name, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return nil, nil, fmt.Errorf("%q, expected NAME=@FILE or NAME=JSON", assignment)
	}
	m := mapNamed(obj, name)
	if m == nil {
		return nil, nil, fmt.Errorf("there is no map %s; there is %s", show.Name(name), mapNames(obj))
	}
	content := []byte(text)
	if file, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		if content, err = os.ReadFile(file); err != nil {
			return nil, nil, err
		}
	}
	list, err := entries(m, order(obj), cpus, content)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", show.Name(name), err)
	}
	return m, list, nil
}

func mapNamed(obj *bpf.Object, name string) *bpf.Map {
	for _, m := range obj.Maps {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func mapNames(obj *bpf.Object) string {
	var names []string
	for _, m := range obj.Maps {
		names = append(names, show.Name(m.Name))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// pair is a key and its value as JSON has them.
type pair struct{ key, value any }

func entries(m *bpf.Map, order binary.ByteOrder, cpus int, content []byte) ([]Entry, error) {
	pairs, err := pairs(content)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for i, p := range pairs {
		key, err := show.Bytes(order, m.Key, int(m.KeySize), p.key)
		if err != nil {
			return nil, fmt.Errorf("key of entry %d: %w", i, err)
		}
		value, err := mapValue(m, order, cpus, p.value)
		if err != nil {
			return nil, fmt.Errorf("value of entry %d: %w", i, err)
		}
		list = append(list, Entry{key, value})
	}
	return list, nil
}

// mapValue makes a value, of a per-CPU map out of a list with one for each CPU, or
// one for all.
func mapValue(m *bpf.Map, order binary.ByteOrder, cpus int, v any) ([]byte, error) {
	if !m.Type.PerCPU() {
		return show.Bytes(order, m.Value, int(m.ValueSize), v)
	}
	each, ok := v.([]any)
	if !ok || len(each) != cpus {
		one, err := show.Bytes(order, m.Value, int(m.ValueSize), v)
		if err != nil {
			return nil, fmt.Errorf("%w (or a list of %d, for each CPU one)", err, cpus)
		}
		return bytes.Repeat(one, cpus), nil
	}
	var all []byte
	for cpu, v := range each {
		one, err := show.Bytes(order, m.Value, int(m.ValueSize), v)
		if err != nil {
			return nil, fmt.Errorf("CPU %d: %w", cpu, err)
		}
		all = append(all, one...)
	}
	return all, nil
}

// pairs reads the forms of JSON that maps come in. Of an object the order is kept.
func pairs(content []byte) ([]pair, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the JSON")
	}
	if object, ok := v.(map[string]any); ok {
		if list, ok := object["entries"].([]any); ok {
			v = list
		} else {
			return objectPairs(content)
		}
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New(`expected an object, or a list of {"key": …, "value": …}`)
	}
	var out []pair
	for i, element := range list {
		object, _ := element.(map[string]any)
		key, hasKey := object["key"]
		value, hasValue := object["value"]
		if !hasKey || !hasValue {
			return nil, fmt.Errorf(`entry %d has no "key" or no "value"`, i)
		}
		out = append(out, pair{key, value})
	}
	return out, nil
}

// objectPairs reads an object's members in their order.
func objectPairs(content []byte) ([]pair, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []pair
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		out = append(out, pair{key, value})
	}
	return out, nil
}
