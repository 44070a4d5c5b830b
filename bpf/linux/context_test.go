package linux

import "testing"

func TestContextTables(t *testing.T) {
	for typ, c := range contexts {
		names := map[string]bool{}
		end := 0
		for i, f := range c.Fields {
			if f.Name == "" || names[f.Name] {
				t.Errorf("%s: field %q is empty or there twice", c.Name, f.Name)
			}
			names[f.Name] = true
			if f.Size <= 0 || f.Elems <= 0 {
				t.Errorf("%s.%s: size %d, %d elements", c.Name, f.Name, f.Size, f.Elems)
				continue
			}
			if f.Size <= 8 && f.Offset%f.Size != 0 {
				t.Errorf("%s.%s at %d is not aligned", c.Name, f.Name, f.Offset)
			}
			if union := i > 0 && f.Offset == c.Fields[i-1].Offset; !union && f.Offset < end {
				t.Errorf("%s.%s at %d lies in the field before it", c.Name, f.Name, f.Offset)
			}
			end = max(end, f.Offset+f.Size*f.Elems)
			if got, ok := c.Field(f.Name); !ok || got != f {
				t.Errorf("%s.Field(%q) = %v, %v", c.Name, f.Name, got, ok)
			}
		}
		if end > c.Size {
			t.Errorf("%s: fields end at %d, behind its %d bytes", c.Name, end, c.Size)
		}
		if got, ok := ContextOf(typ); !ok || got.Name != c.Name {
			t.Errorf("ContextOf(%v) = %v, %v", typ, got.Name, ok)
		}
		// FieldAt must agree with a walk over the fields.
		for offset := -1; offset <= c.Size; offset++ {
			want := Field{}
			for _, f := range c.Fields {
				if f.Offset <= offset && offset < f.Offset+f.Size*f.Elems {
					want = f
					break
				}
			}
			if got, ok := c.FieldAt(offset); got != want || ok != (want.Elems != 0) {
				t.Errorf("%s.FieldAt(%d) = %v, %v; want %v", c.Name, offset, got, ok, want)
			}
		}
	}
	for _, typ := range []ProgramType{ProgUnspec, ProgTracing, ProgSyscall, 99} {
		if c, ok := ContextOf(typ); ok {
			t.Errorf("ContextOf(%v) = %s, want none", typ, c.Name)
		}
	}
}

func TestContextFields(t *testing.T) {
	for _, tt := range []struct {
		typ    ProgramType
		offset int
		want   Field
	}{
		{ProgXDP, 0, Field{"data", 0, 4, 1, FieldData}},
		{ProgXDP, 23, Field{"egress_ifindex", 20, 4, 1, FieldUnsigned}},
		{ProgSocketFilter, 67, Field{"cb", 48, 4, 5, FieldUnsigned}},
		{ProgSkLookup, 7, Field{"sk", 0, 8, 1, FieldSock}},
		{ProgSkLookup, 44, Field{"local_ip6", 44, 4, 4, FieldUnsigned}},
		{ProgSockOps, 4, Field{"args", 4, 4, 4, FieldUnsigned}},
		{ProgSeccomp, 63, Field{"args", 16, 8, 6, FieldUnsigned}},
	} {
		c, _ := ContextOf(tt.typ)
		if got, ok := c.FieldAt(tt.offset); !ok || got != tt.want {
			t.Errorf("%s.FieldAt(%d) = %v, %v; want %v", c.Name, tt.offset, got, ok, tt.want)
		}
	}
	c, _ := ContextOf(ProgSchedCLS)
	if f, ok := c.FieldAt(182); ok {
		t.Errorf("padding of __sk_buff is the field %v", f)
	}
	if f, ok := c.Field("rx_queue_index"); ok {
		t.Errorf("__sk_buff has the field %v of xdp_md", f)
	}
}
