package show

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// ErrValue is wrapped by the errors about values that don't fit their type.
var ErrValue = errors.New("bad value")

// Bytes is the way back from [Value]: size bytes of type t, which may be nil, made
// of what JSON has been decoded to with numbers as json.Number. Beside what Value
// gives it takes numbers as text in any base ("0x2a"), an IPv4 or IPv6 address or
// a hardware address for as many bytes, in network order, hexadecimal digits or a
// list of bytes for anything, and objects that leave members out, which are then
// zero. The errors wrap ErrValue and say where in the value they are.
func Bytes(order binary.ByteOrder, t btf.Type, size int, v any) ([]byte, error) {
	b := make([]byte, size)
	e := encoder{order}
	if err := e.put(b, t, v, 0); err != nil {
		return nil, err
	}
	return b, nil
}

type encoder struct{ order binary.ByteOrder }

// put writes v over b, which has the size of t.
func (e *encoder) put(b []byte, t btf.Type, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: its type is more than %d deep", ErrValue, maxDepth)
	}
	if t != nil {
		if v, ok := t.(*btf.Var); ok {
			t = v.Type
		}
		if size, err := btf.Sizeof(t); err != nil || size != len(b) {
			t = nil
		}
	}
	if list, ok := v.([]any); ok && putByteList(b, list) {
		return nil
	}
	switch t := underlying(t).(type) {
	case *btf.Enum:
		if name, ok := v.(string); ok {
			for _, enumerator := range t.Values {
				if enumerator.Name == name {
					e.unsigned(b, enumerator.Value)
					return nil
				}
			}
		}
		return e.number(b, v, t.Signed)
	case *btf.Int:
		return e.number(b, v, t.Encoding == btf.Signed || t.Encoding == btf.Char)
	case *btf.Pointer:
		return e.number(b, v, false)
	case *btf.Array:
		return e.array(b, t, v, depth)
	case *btf.Struct:
		return e.members(b, t.Members, v, depth)
	case *btf.Union:
		return e.members(b, t.Members, v, depth)
	case *btf.Datasec:
		return e.variables(b, t, v, depth)
	}
	return e.number(b, v, false)
}

// variables writes a section of variables, as if they were members of a struct.
func (e *encoder) variables(b []byte, t *btf.Datasec, v any, depth int) error {
	list := make([]btf.Member, len(t.Vars))
	for i, v := range t.Vars {
		list[i] = btf.Member{Name: v.Type.TypeName(), Type: v.Type, Offset: btf.Bits(v.Offset) * 8}
	}
	return e.members(b, list, v, depth)
}

func underlying(t btf.Type) btf.Type {
	if t == nil {
		return nil
	}
	return btf.UnderlyingType(t)
}

// number writes an integer, or what stands for bytes.
func (e *encoder) number(b []byte, v any, signed bool) error {
	text := ""
	switch v := v.(type) {
	case bool:
		text = "0"
		if v {
			text = "1"
		}
	case json.Number:
		text = v.String()
	case string:
		if putAddress(b, v) {
			return nil
		}
		text = v
	default:
		return fmt.Errorf("%w: %s, expected %s", ErrValue, describeJSON(v), Plural(uint64(len(b)), "byte"))
	}
	if len(b) == 1 || len(b) == 2 || len(b) == 4 || len(b) == 8 {
		if n, err := parseInteger(text, 8*len(b), signed); err == nil {
			e.unsigned(b, n)
			return nil
		} else if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w: %s does not fit %s", ErrValue, Clip(text, 80), Plural(uint64(8*len(b)), "bit"))
		}
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(strings.Join(strings.Fields(text), ""), "0x"))
	if err != nil || len(raw) != len(b) {
		return fmt.Errorf("%w: %q, expected a number or %s in hexadecimal", ErrValue, Clip(text, 80), Plural(uint64(len(b)), "byte"))
	}
	copy(b, raw)
	return nil
}

// parseInteger reads a number of so many bits. One without sign may also be given
// as negative, as -1 for all bits, and one with sign in hexadecimal with its
// highest bit set.
func parseInteger(text string, bits int, signed bool) (uint64, error) {
	n, err := strconv.ParseInt(text, 0, bits)
	if err == nil {
		return uint64(n), nil
	}
	u, uerr := strconv.ParseUint(text, 0, bits)
	if uerr == nil && (!signed || strings.HasPrefix(strings.ToLower(text), "0x")) {
		return u, nil
	}
	if f, ferr := strconv.ParseFloat(text, 64); ferr == nil && f == float64(int64(f)) && errors.Is(err, strconv.ErrSyntax) {
		return parseInteger(strconv.FormatInt(int64(f), 10), bits, signed) // 1e6
	}
	return 0, err
}

func (e *encoder) unsigned(b []byte, n uint64) {
	for i := range b {
		at := i
		if bpf.IsBigEndian(e.order) {
			at = len(b) - 1 - i
		}
		b[at] = byte(n >> (8 * min(i, 8)))
	}
}

// putAddress writes an address that has as many bytes as there are.
func putAddress(b []byte, text string) bool {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return len(addr.AsSlice()) == len(b) && copy(b, addr.AsSlice()) == len(b)
	}
	parts := strings.Split(text, ":")
	if len(parts) != len(b) || len(b) != 6 {
		return false
	}
	var mac [6]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return false
		}
		mac[i] = byte(n)
	}
	return copy(b, mac[:]) == len(b)
}

// putByteList takes a list of bytes as bpftool writes them: ["0x01", "0xff"].
func putByteList(b []byte, list []any) bool {
	if len(list) != len(b) {
		return false
	}
	bytes := make([]byte, len(b))
	for i, v := range list {
		text, ok := v.(string)
		if !ok || !strings.HasPrefix(text, "0x") || len(text) > 4 {
			return false
		}
		n, err := strconv.ParseUint(text, 0, 8)
		if err != nil {
			return false
		}
		bytes[i] = byte(n)
	}
	copy(b, bytes)
	return true
}

func (e *encoder) array(b []byte, t *btf.Array, v any, depth int) error {
	list, isList := v.([]any)
	if text, ok := v.(string); ok {
		if isText(t) && len(text) < len(b) {
			copy(b, text)
			return nil
		}
		return e.number(b, v, false)
	}
	size, err := btf.Sizeof(t.Type)
	if !isList || err != nil || size == 0 {
		return e.number(b, v, false)
	}
	if len(list)*size > len(b) {
		return fmt.Errorf("%w: a list of %d for an array of %d", ErrValue, len(list), len(b)/size)
	}
	for i, element := range list {
		if err := e.put(b[i*size:(i+1)*size], t.Type, element, depth+1); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func (e *encoder) members(b []byte, list []btf.Member, v any, depth int) error {
	object, ok := v.(map[string]any)
	if !ok {
		return e.number(b, v, false)
	}
	known := map[string]bool{}
	if err := e.fill(b, list, object, known, depth); err != nil {
		return err
	}
	for name := range object {
		if !known[name] {
			return fmt.Errorf("%w: there is no member %q", ErrValue, Clip(name, 80))
		}
	}
	return nil
}

// fill writes the members that object has. Those of a struct without a name are
// the outer one's.
func (e *encoder) fill(b []byte, list []btf.Member, object map[string]any, known map[string]bool, depth int) error {
	for _, m := range list {
		inner := underlying(m.Type)
		if m.Name == "" && depth < maxDepth {
			start := int(m.Offset.Bytes())
			size, err := btf.Sizeof(m.Type)
			if err != nil || start+size > len(b) {
				continue
			}
			switch inner := inner.(type) {
			case *btf.Struct:
				err = e.fill(b[start:start+size], inner.Members, object, known, depth+1)
			case *btf.Union:
				err = e.fill(b[start:start+size], inner.Members, object, known, depth+1)
			}
			if err != nil {
				return err
			}
			continue
		}
		v, ok := object[m.Name]
		if !ok || known[m.Name] {
			continue
		}
		known[m.Name] = true
		if err := e.member(b, m, v, depth); err != nil {
			return fmt.Errorf(".%s: %w", Clip(m.Name, 80), err)
		}
	}
	return nil
}

func (e *encoder) member(b []byte, m btf.Member, v any, depth int) error {
	if m.BitfieldSize > 0 {
		return e.bitfield(b, m, v)
	}
	size, err := btf.Sizeof(m.Type)
	start := int(m.Offset.Bytes())
	if err != nil || start+size > len(b) {
		return fmt.Errorf("%w: the member is not within the value", ErrValue)
	}
	return e.put(b[start:start+size], m.Type, v, depth+1)
}

func (e *encoder) bitfield(b []byte, m btf.Member, v any) error {
	first, width := int(m.Offset), int(m.BitfieldSize)
	if width > 64 || first+width > 8*len(b) {
		return fmt.Errorf("%w: the member is not within the value", ErrValue)
	}
	number := make([]byte, 8)
	if err := (&encoder{binary.LittleEndian}).put(number, nil, v, 0); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(number)
	if rest := int64(n) >> width; width < 64 && rest != 0 && rest != -1 {
		return fmt.Errorf("%w: %v does not fit %s", ErrValue, v, Plural(uint64(width), "bit"))
	}
	for i := range width {
		bit, down := first+i, (first+i)%8
		if bpf.IsBigEndian(e.order) {
			bit = first + width - 1 - i
			down = 7 - bit%8
		}
		b[bit/8] = b[bit/8]&^(1<<down) | byte(n>>i&1)<<down
	}
	return nil
}

// isText reports whether an array's elements are characters.
func isText(t *btf.Array) bool {
	element, ok := btf.UnderlyingType(t.Type).(*btf.Int)
	return ok && element.Size == 1 && (element.Encoding != btf.Unsigned || element.Name == "char")
}

func describeJSON(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%v", v)
}
