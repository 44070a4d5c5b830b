package bpf

// CORERelocation is what the compiler recorded of an instruction that depends on
// a type of the kernel ("compile once, run everywhere"): the immediate, the
// memory offset or the size of an access is to be that of the type as the
// running kernel has it.
type CORERelocation struct {
	PC   int
	Kind COREKind
	// Root is the type that the access starts from, as C writes it ("struct
	// task_struct"), Access what of it is meant (".mm", ".comm[2]", an
	// enumerator's name), empty when it is the type itself.
	Root, Access string
	// Local is the value with the types the program was compiled with, Target
	// that with the kernel's.
	Local, Target uint64
	Result        COREResult
	// Why says what a poisoned or failed relocation lacks, in words.
	Why string
}

// COREPoison is the number of a helper that no kernel has: what an instruction
// calls once its relocation has failed (libbpf; it reads 0xbad2310, "bad relo").
const COREPoison = 195896080

// COREKind is the kind of a CO-RE relocation: enum bpf_core_relo_kind of
// include/uapi/linux/bpf.h.
type COREKind uint32

// The kinds of CO-RE relocation.
const (
	COREFieldByteOffset COREKind = 0
	COREFieldByteSize   COREKind = 1
	COREFieldExists     COREKind = 2
	COREFieldSigned     COREKind = 3
	COREFieldLShift64   COREKind = 4
	COREFieldRShift64   COREKind = 5
	CORETypeIDLocal     COREKind = 6
	CORETypeIDTarget    COREKind = 7
	CORETypeExists      COREKind = 8
	CORETypeSize        COREKind = 9
	COREEnumvalExists   COREKind = 10
	COREEnumvalValue    COREKind = 11
	CORETypeMatches     COREKind = 12
)

var coreKindNames = [...]string{
	"byte_off", "byte_sz", "field_exists", "signed", "lshift_u64", "rshift_u64",
	"local_type_id", "target_type_id", "type_exists", "type_size",
	"enumval_exists", "enumval_value", "type_matches",
}

// String gives the name that libbpf prints.
func (k COREKind) String() string {
	if int(k) < len(coreKindNames) {
		return coreKindNames[k]
	}
	return "unknown"
}

// COREResult says what became of a CO-RE relocation.
type COREResult uint8

// The results.
const (
	COREUnresolved COREResult = iota // not looked at: the instruction is as compiled
	COREApplied                      // the instruction has Target
	COREPoisoned                     // the kernel has no such type, field or enumerator: the instruction calls a helper that does not exist, which is fatal only where it can be reached
)
