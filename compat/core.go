package compat

import (
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// essential is a name without its flavor.
func essential(name string) string {
	name, _, _ = strings.Cut(name, "___")
	return name
}

func typed(e *bpf.Extern) bool {
	if e.Type == nil {
		return false
	}
	_, void := btf.UnderlyingType(e.Type).(*btf.Void)
	return !void
}

// core adds what CO-RE relocations need, apart from those that are about the
// object's own types.
func (l *list) core(p *bpf.Program) {
	for _, c := range p.CORE {
		if c.Kind == bpf.CORETypeIDLocal {
			continue
		}
		l.add(Need{
			Since: linux.FeatureKernelBTF.Since(), Kind: KernelBTF, Name: "CO-RE", PC: c.PC, Optional: true,
			Detail: "loaders look up " + c.Root + c.Access + " in the types of the kernel; a file with them does as well",
		})
		return
	}
}

// types adds the kinds of type information that an object has. All are optional:
// loaders replace what a kernel does not know, or load programs without.
func (l *list) types(spec *btf.Spec) {
	if spec == nil {
		return
	}
	const detail = "loaders replace what older kernels do not know"
	add := func(f linux.Feature) {
		l.add(Need{Since: f.Since(), Kind: BTF, Name: f.String(), PC: bpf.NoPC, Optional: true, Detail: detail})
	}
	add(linux.FeatureBTF)
	for t, err := range spec.All() {
		if err != nil {
			return
		}
		switch t := t.(type) {
		case *btf.Func:
			add(linux.FeatureBTFFunc)
			if len(t.Tags) > 0 || len(t.ParamTags) > 0 {
				add(linux.FeatureBTFDeclTag)
			}
		case *btf.Var:
			if len(t.Tags) > 0 {
				add(linux.FeatureBTFDeclTag)
			}
		case *btf.Typedef:
			if len(t.Tags) > 0 {
				add(linux.FeatureBTFDeclTag)
			}
		case *btf.Datasec:
			add(linux.FeatureBTFDatasec)
		case *btf.Float:
			add(linux.FeatureBTFFloat)
		case *btf.Struct:
			structTags(t.Tags, t.Members, add)
		case *btf.Union:
			structTags(t.Tags, t.Members, add)
		case *btf.TypeTag:
			add(linux.FeatureBTFTypeTag)
		case *btf.Enum:
			if t.Size == 8 {
				add(linux.FeatureBTFEnum64)
			}
		}
	}
}

func structTags(tags []string, members []btf.Member, add func(linux.Feature)) {
	if len(tags) > 0 {
		add(linux.FeatureBTFDeclTag)
	}
	for _, m := range members {
		if len(m.Tags) > 0 {
			add(linux.FeatureBTFDeclTag)
			return
		}
	}
}
