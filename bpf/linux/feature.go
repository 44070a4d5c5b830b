package linux

// Feature is something of BPF in the kernel that is neither a helper nor a type
// of programs or maps, and that a program may need.
type Feature uint8

// The features.
const (
	FeatureJumpLess           Feature = iota // jumps on less-than: JLT, JLE, JSLT, JSLE
	FeatureArsh32                            // 32-bit arithmetic shift right
	FeatureJump32                            // jumps that compare 32 bits
	FeatureAtomics                           // atomic operations other than add without fetch
	FeatureISAv4                             // movsx, ldsx, sdiv, smod, bswap, gotol
	FeatureMayGoto                           // may_goto
	FeatureAddrSpaceCast                     // addr_space_cast
	FeatureLoadAcquire                       // load_acquire, store_release
	FeatureCalls                             // functions of a program calling each other
	FeatureFuncPointers                      // addresses of functions, as callbacks
	FeatureKfuncs                            // calls of kernel functions
	FeatureCommonKfuncs                      // kernel functions for every type of program
	FeatureModuleKfuncs                      // calls of functions of kernel modules
	FeatureKsyms                             // kernel variables with a type
	FeatureModuleKsyms                       // variables of kernel modules
	FeatureGlobalData                        // global variables: addresses within a map's value
	FeatureLoops                             // jumps back that the verifier follows
	FeatureLargePrograms                     // more than 4096 instructions
	FeatureTailCallsWithCalls                // tail calls in a program with functions
	FeatureLoadAbsWithCalls                  // legacy packet loads in a program with functions
	FeaturePrivateStack                      // more than 512 bytes of stack over all frames
	FeatureGlobalFuncs                       // functions verified once, for all callers
	FeatureGlobalFuncPointers                // global functions that take pointers to memory
	FeatureArgTags                           // tags on arguments: nonnull, ctx
	FeatureArgTagTrusted                     // tags on arguments: trusted, nullable
	FeatureArgTagArena                       // tag on arguments: arena
	FeatureArgTagUntrusted                   // tag on arguments: untrusted
	FeatureExceptionCallback                 // a function to run when bpf_throw is called
	FeatureMapExtra                          // map_extra
	FeatureNestedFields                      // kptr, list heads and trees in nested structs and arrays
	FeatureSleepable                         // programs that may sleep
	FeatureXDPFrags                          // XDP on packets of several buffers
	FeatureKernelBTF                         // type information of the kernel in /sys/kernel/btf/vmlinux
	FeatureBTF                               // BPF_BTF_LOAD
	FeatureBTFFunc                           // BTF_KIND_FUNC and FUNC_PROTO
	FeatureBTFDatasec                        // BTF_KIND_VAR and DATASEC
	FeatureBTFFloat                          // BTF_KIND_FLOAT
	FeatureBTFDeclTag                        // BTF_KIND_DECL_TAG
	FeatureBTFTypeTag                        // BTF_KIND_TYPE_TAG
	FeatureBTFEnum64                         // BTF_KIND_ENUM64
	featureCount
)

// String gives the feature in words.
func (f Feature) String() string {
	if f < featureCount {
		return featureTable[f].name
	}
	return "unknown feature"
}

// Since returns the first release that has the feature.
func (f Feature) Since() Version {
	if f < featureCount {
		return featureTable[f].since
	}
	return Version{}
}

// Features returns all features.
func Features() []Feature {
	all := make([]Feature, featureCount)
	for i := range all {
		all[i] = Feature(i)
	}
	return all
}

// featureTable says when each feature arrived: the first release whose
// kernel/bpf/verifier.c, btf.c or syscall.c takes it.
var featureTable = [featureCount]struct {
	name  string
	since Version
}{
	FeatureJumpLess:           {"jumps on less-than", Version{4, 14}},
	FeatureArsh32:             {"32-bit arithmetic shift right", Version{5, 0}},
	FeatureJump32:             {"32-bit jumps", Version{5, 1}},
	FeatureAtomics:            {"fetching and bitwise atomics", Version{5, 12}},
	FeatureISAv4:              {"instruction set v4", Version{6, 6}},
	FeatureMayGoto:            {"may_goto", Version{6, 9}},
	FeatureAddrSpaceCast:      {"addr_space_cast", Version{6, 9}},
	FeatureLoadAcquire:        {"load_acquire and store_release", Version{6, 15}},
	FeatureCalls:              {"calls between functions", Version{4, 16}},
	FeatureFuncPointers:       {"function pointers", Version{5, 13}},
	FeatureKfuncs:             {"kernel function calls", Version{5, 13}},
	FeatureCommonKfuncs:       {"kernel functions for every program type", Version{6, 2}},
	FeatureModuleKfuncs:       {"calls of functions of modules", Version{5, 16}},
	FeatureKsyms:              {"kernel variables", Version{5, 10}},
	FeatureModuleKsyms:        {"variables of modules", Version{5, 12}},
	FeatureGlobalData:         {"global variables", Version{5, 2}},
	FeatureLoops:              {"bounded loops", Version{5, 3}},
	FeatureLargePrograms:      {"more than 4096 instructions", Version{5, 2}},
	FeatureTailCallsWithCalls: {"tail calls beside calls between functions", Version{5, 10}},
	FeatureLoadAbsWithCalls:   {"legacy packet loads beside calls between functions", Version{5, 10}},
	FeaturePrivateStack:       {"private stack", Version{6, 13}},
	FeatureGlobalFuncs:        {"global functions", Version{5, 6}},
	FeatureGlobalFuncPointers: {"pointers to memory as arguments of global functions", Version{5, 12}},
	FeatureArgTags:            {"argument tags", Version{6, 8}},
	FeatureArgTagTrusted:      {"argument tags trusted and nullable", Version{6, 9}},
	FeatureArgTagArena:        {"argument tag arena", Version{6, 9}},
	FeatureArgTagUntrusted:    {"argument tag untrusted", Version{6, 17}},
	FeatureExceptionCallback:  {"exception callback", Version{6, 7}},
	FeatureMapExtra:           {"map_extra", Version{5, 16}},
	FeatureNestedFields:       {"special fields in nested structs and arrays", Version{6, 11}},
	FeatureSleepable:          {"sleepable programs", Version{5, 10}},
	FeatureXDPFrags:           {"packets of several buffers", Version{5, 18}},
	FeatureKernelBTF:          {"type information of the kernel", Version{5, 4}},
	FeatureBTF:                {"BTF", Version{4, 18}},
	FeatureBTFFunc:            {"BTF of functions", Version{5, 0}},
	FeatureBTFDatasec:         {"BTF of variables", Version{5, 2}},
	FeatureBTFFloat:           {"BTF of floating-point types", Version{5, 13}},
	FeatureBTFDeclTag:         {"BTF declaration tags", Version{5, 16}},
	FeatureBTFTypeTag:         {"BTF type tags", Version{5, 17}},
	FeatureBTFEnum64:          {"BTF of 64-bit enumerations", Version{6, 0}},
}

// MapField is a type that the verifier knows in the values of maps, or a tag of
// the pointers there ("kptr").
type MapField struct {
	Name  string // of the struct, or the tag
	Tag   bool
	Since Version
}

// MapFieldByName returns the special field of that name.
func MapFieldByName(name string, tag bool) (MapField, bool) {
	for _, f := range mapFieldTable {
		if f.Name == name && f.Tag == tag {
			return f, true
		}
	}
	return MapField{}, false
}

// MapFields returns all special fields.
func MapFields() []MapField { return append([]MapField(nil), mapFieldTable[:]...) }

// mapFieldTable follows btf_get_field_type and btf_find_kptr of
// kernel/bpf/btf.c. From 5.19 to 6.3 the tag of pointers that hold
// a reference was kptr_ref, and kptr marked those that hold none.
var mapFieldTable = [...]MapField{
	{"bpf_spin_lock", false, Version{5, 1}},
	{"bpf_timer", false, Version{5, 15}},
	{"bpf_list_head", false, Version{6, 2}},
	{"bpf_list_node", false, Version{6, 2}},
	{"bpf_rb_root", false, Version{6, 3}},
	{"bpf_rb_node", false, Version{6, 3}},
	{"bpf_refcount", false, Version{6, 4}},
	{"bpf_wq", false, Version{6, 10}},
	{"bpf_res_spin_lock", false, Version{6, 15}},
	{"bpf_task_work", false, Version{6, 18}},
	{"kptr_ref", true, Version{5, 19}},
	{"kptr", true, Version{6, 4}},
	{"kptr_untrusted", true, Version{6, 4}},
	{"percpu_kptr", true, Version{6, 7}},
	{"uptr", true, Version{6, 13}},
}

// StructOpsSince returns the first release in which programs can implement the
// struct of the kernel called name, zero if that is not known.
func StructOpsSince(name string) Version { return structOpsTable[name] }

var structOpsTable = map[string]Version{
	"tcp_congestion_ops": {5, 6},
	"bpf_dummy_ops":      {5, 16}, // for the kernel's own tests
	"hid_bpf_ops":        {6, 11},
	"sched_ext_ops":      {6, 12},
	"Qdisc_ops":          {6, 16},
}

// IterSince returns the first release in which programs can iterate over target,
// as section names have it ("task_file"), zero if that is not known.
func IterSince(target string) Version { return iterTable[target] }

// iterTable has the targets that the kernel registers with bpf_iter_reg_target.
var iterTable = map[string]Version{
	"task":               {5, 8},
	"task_file":          {5, 8},
	"bpf_map":            {5, 8},
	"netlink":            {5, 8},
	"ipv6_route":         {5, 8},
	"tcp":                {5, 9},
	"udp":                {5, 9},
	"bpf_map_elem":       {5, 9},
	"bpf_sk_storage_map": {5, 9},
	"bpf_prog":           {5, 9},
	"sockmap":            {5, 10},
	"task_vma":           {5, 12},
	"unix":               {5, 15},
	"bpf_link":           {5, 19},
	"ksym":               {6, 0},
	"cgroup":             {6, 1},
	"kmem_cache":         {6, 13},
	"dmabuf":             {6, 16},
}
