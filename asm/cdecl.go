package asm

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// Declarations are the types that .type gives to variables and functions: those
// of maps' keys and values, and pointers, void and functions as well, written
// as in C without the name. What a structure is like that only a pointer leads to
// need not be known.

// cDeclaration reads a type: u64, struct flow {u32 a, b}[4], void *,
// int (struct xdp_md *ctx, u32 id). A structure without a name is called name.
// The size is in bytes, 0 for functions and void.
func (a *assembler) cDeclaration(name string, depth int) (btf.Type, uint64, *fault) {
	typ, size, f := a.pointers(name, depth)
	if f != nil {
		return nil, 0, f
	}
	if a.toks[a.i].kind == tokLeftParen {
		typ, f = a.prototype(typ, depth)
		return typ, 0, f
	}
	return a.arrayBounds(typ, size)
}

const pointerSize = 8

// pointers reads a base type and the stars behind it.
func (a *assembler) pointers(name string, depth int) (btf.Type, uint64, *fault) {
	constant := false
	for a.toks[a.i].kind == tokIdent && a.text(a.toks[a.i]) == "const" {
		a.i++
		constant = true
	}
	typ, size, f := a.pointee(name, depth)
	if f != nil {
		return nil, 0, f
	}
	for {
		switch t := a.toks[a.i]; {
		case t.kind == tokIdent && a.text(t) == "const":
			a.i++
			constant = true
			continue
		case constant:
			typ, constant = &btf.Const{Type: typ}, false
			continue
		case t.kind == tokStar:
			a.i++
			typ, size = &btf.Pointer{Target: typ}, pointerSize
			continue
		}
		return typ, size, nil
	}
}

// pointee reads what stands before the stars, which may be something without a
// size: void, or a structure that is known by name only.
func (a *assembler) pointee(name string, depth int) (btf.Type, uint64, *fault) {
	t := a.toks[a.i]
	if t.kind == tokIdent {
		word, next := a.text(t), a.toks[a.i+1]
		switch {
		case word == "void":
			a.i++
			return &btf.Void{}, 0, nil
		case word == "enum" && next.kind == tokIdent:
			a.i += 2
			return &btf.Enum{Name: a.text(next), Size: 4}, 4, nil
		case (word == "struct" || word == "union") && next.kind == tokIdent && a.toks[a.i+2].kind != tokLeftBrace:
			tag := a.text(next)
			if a.structs[tag] == nil && kernelStructs[tag] == nil {
				a.i += 2
				return a.opaqueStruct(tag, word == "union"), 0, nil
			}
		}
	}
	typ, size, _, f := a.baseType(name, depth)
	return typ, size, f
}

// opaqueStruct is a structure known by name only: a program's context, or an
// empty one for loaders to compare names with.
func (a *assembler) opaqueStruct(tag string, union bool) btf.Type {
	if t := a.opaque[tag]; t != nil {
		return t
	}
	var t btf.Type = &btf.Struct{Name: tag}
	if c, ok := contexts()[tag]; ok {
		t = contextType(c)
	} else if union {
		t = &btf.Union{Name: tag}
	}
	if a.opaque == nil {
		a.opaque = map[string]btf.Type{}
	}
	a.opaque[tag] = t
	return t
}

// prototype reads the parameters of a function that returns a type:
// (struct xdp_md *ctx, u32), (void) or ().
func (a *assembler) prototype(returns btf.Type, depth int) (btf.Type, *fault) {
	open := a.toks[a.i]
	a.i++
	if depth > 20 {
		return nil, faultAt(a.span(open), ErrRange, "types are nested too deeply")
	}
	proto := &btf.FuncProto{Return: returns}
	if a.accept(tokRightParen) {
		return proto, nil
	}
	for {
		first := a.toks[a.i]
		typ, size, f := a.pointers("", depth+1)
		if f != nil {
			return nil, f
		}
		p := btf.FuncParam{Type: typ}
		switch t := a.toks[a.i]; {
		case t.kind == tokLeftParen:
			if p, f = a.callback(typ, depth); f != nil {
				return nil, f
			}
		case t.kind == tokIdent:
			a.i++
			p.Name = a.text(t)
		}
		if _, isVoid := typ.(*btf.Void); isVoid && p.Type == typ {
			if len(proto.Params) > 0 || p.Name != "" || !a.accept(tokRightParen) {
				return nil, faultAt(a.span(first), ErrSyntax, "a parameter can't be void: void * is a pointer to anything")
			}
			return proto, nil
		}
		if a.toks[a.i].kind == tokLeftBracket { // an array is passed as a pointer
			if _, _, f := a.arrayBounds(typ, size); f != nil {
				return nil, f
			}
			p.Type = &btf.Pointer{Target: typ}
		}
		proto.Params = append(proto.Params, p)
		if a.accept(tokRightParen) {
			return proto, nil
		}
		if _, f := a.expect(tokComma, "a comma or a closing parenthesis"); f != nil {
			return nil, f
		}
	}
}

// callback reads what follows the type of a parameter that is a function:
// (*name)(u32 a, void *b).
func (a *assembler) callback(returns btf.Type, depth int) (p btf.FuncParam, f *fault) {
	a.i++
	if _, f := a.expect(tokStar, "a star, as in int (*callback)(void *data)"); f != nil {
		return p, f
	}
	if t := a.toks[a.i]; t.kind == tokIdent {
		a.i++
		p.Name = a.text(t)
	}
	if _, f := a.expect(tokRightParen, "a closing parenthesis"); f != nil {
		return p, f
	}
	if t := a.toks[a.i]; t.kind != tokLeftParen {
		return p, a.unexpected(t, "the function's parameters in parentheses")
	}
	of, f := a.prototype(returns, depth+1)
	p.Type = &btf.Pointer{Target: of}
	return p, f
}

// isDeclaration reports whether a type may begin with token t.
func (a *assembler) isDeclaration(t token) bool {
	if t.kind == tokLeftBrace {
		return true
	}
	if t.kind != tokIdent {
		return false
	}
	switch word := a.text(t); word {
	case "void", "enum", "const":
		return true
	default:
		return a.isTypeName(word)
	}
}

// declaration is what .type says of a symbol in words of C.
type declaration struct {
	typ  btf.Type
	size uint64 // in bytes; 0 for functions and void
	at   span
}

// declareType is .type NAME, TYPE: the type of a variable or function of the
// file, or of one of the kernel's that .extern names. It goes on over the end of
// a line as .map does.
func (a *assembler) declareType(s *symbol) *fault {
	if f := a.joinLines(); f != nil {
		return f
	}
	first := a.i
	typ, size, f := a.cDeclaration("", 0)
	if f != nil {
		return f
	}
	at := a.spanOf(first, a.i)
	if s.declared != nil {
		return faultAt(at, ErrRedefined, "%s has a type already", s.name).note("first given at %s", s.declared.at.at())
	}
	s.declared = &declaration{typ, size, at}
	return nil
}

// kfuncType gives the type of a function that the kernel offers.
func (a *assembler) kfuncType(name string) *btf.FuncProto {
	k, ok := linux.KfuncByName(name)
	if !ok {
		return nil
	}
	buf, toks, i := a.buf, a.toks, a.i
	defer func() { a.buf, a.toks, a.i = buf, toks, i }()
	a.buf = &buffer{name: "kernel", text: k.Prototype}
	var f *fault
	if a.toks, _, f = a.buf.scan(0, nil); f != nil {
		return nil
	}
	a.i = 0
	typ, _, f := a.cDeclaration("", 0)
	proto, isFunc := typ.(*btf.FuncProto)
	if f != nil || !isFunc || !a.atEnd() {
		return nil
	}
	return proto
}

// integerWords reads the rest of one of C's longer names of integers, such as
// unsigned long int, of which first is the first word.
func (a *assembler) integerWords(first string) scalar {
	sign, bits := "s", "32"
	for word := first; ; {
		switch word {
		case "unsigned":
			sign = "u"
		case "char":
			bits = "8"
		case "short":
			bits = "16"
		case "long":
			bits = "64"
		}
		next := a.toks[a.i]
		if next.kind != tokIdent {
			break
		}
		switch word = a.text(next); word {
		case "int", "char", "short", "long":
			a.i++
			continue
		}
		break
	}
	return scalars[sign+bits]
}
