// Programs whose instructions depend on types of the kernel, each in its own
// way. The kernels are kernel_*.c.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed long long s64;

#define PROG(name) __attribute__((section("socket/" #name), used)) u64 name(void *ctx)
#define CORE __attribute__((preserve_access_index))

enum colour { RED, GREEN = 5, BLUE___later = 7 };
enum wide { WIDE_MINUS = -1LL, WIDE_BIG = 0x123456789abcLL };
enum mask { MASK_TOP = 0x80000000u, MASK_ALL = 0xffffffffu };
enum signs { SIGN_MINUS = -5, SIGN_PLUS = 5 };
enum gone { GONE_A, GONE_B };

struct ahead;
union ahead_union;

struct inner {
	u32 a;
	u64 b[3];
} CORE;

struct sample {
	u8 byte;
	u16 half;
	u32 word;
	u64 dword;
	signed char sbyte;
	short shalf;
	int sword;
	s64 sdword;
	_Bool flag;
	char text[16];
	void *pointer;
	struct inner *link;
	struct ahead *ahead;
	enum colour colour;
	enum wide wide;
	struct inner inner;
	struct inner many[4];
	u32 grid[3][5];
	union {
		u32 as_word;
		struct {
			u16 low;
			u16 high;
		};
	};
	int (*call)(int, struct inner *);
	const volatile u32 qualified;
	u32 bits_a : 3;
	u32 bits_b : 11;
	int bits_s : 7;
	u64 bits_w : 37;
	_Bool bits_f : 1;
	enum colour bits_c : 4;
	double real;
	u32 tail[];
} CORE;

struct sample___old {
	u32 renamed;
	u32 word;
	u64 half;
} CORE;

struct missing {
	u32 x;
} CORE;

struct twice {
	u32 x;
	u32 y;
} CORE;

typedef struct {
	u32 n;
	struct inner in;
} anon_t;
typedef int (*func_t)(struct inner *, u32);
typedef u32 array_t[7];
typedef struct inner *pointer_t;
typedef u32 number_t;

#define LOAD(field) PROG(load_##field) { struct sample *s = ctx; return s->field; }
LOAD(byte) LOAD(half) LOAD(word) LOAD(dword) LOAD(sbyte) LOAD(shalf) LOAD(sword) LOAD(sdword) LOAD(flag)
LOAD(colour) LOAD(wide) LOAD(as_word) LOAD(low) LOAD(high) LOAD(qualified)
LOAD(bits_a) LOAD(bits_b) LOAD(bits_s) LOAD(bits_w) LOAD(bits_f) LOAD(bits_c)
PROG(load_pointer) { return (u64)((struct sample *)ctx)->pointer; }
PROG(load_link) { return ((struct sample *)ctx)->link->b[1]; }
PROG(load_ahead) { return (u64)((struct sample *)ctx)->ahead; }
PROG(load_call) { return (u64)((struct sample *)ctx)->call; }
PROG(load_text) { return ((struct sample *)ctx)->text[9]; }
PROG(load_inner) { return ((struct sample *)ctx)->inner.b[2]; }
PROG(load_many) { return ((struct sample *)ctx)->many[3].a; }
PROG(load_grid) { return ((struct sample *)ctx)->grid[2][4]; }
PROG(load_tail) { return ((struct sample *)ctx)->tail[6]; }
PROG(load_second) { return ((struct sample *)ctx)[2].word; }
PROG(load_old) { struct sample___old *s = ctx; return s->renamed + s->half; }
PROG(load_old_word) { return ((struct sample___old *)ctx)->word; }
PROG(load_missing) { return ((struct missing *)ctx)->x; }
PROG(load_twice) { return ((struct twice *)ctx)->x; }
PROG(load_twice_other) { return ((struct twice *)ctx)->y; }
PROG(load_anon) { return __builtin_preserve_access_index(({ ((anon_t *)ctx)->in.a; })); }

#define STORE(field) PROG(store_##field) { struct sample *s = ctx; s->field = (u64)ctx; return 0; } \
	PROG(put_##field) { struct sample *s = ctx; s->field = 7; return 0; }
STORE(byte) STORE(half) STORE(word) STORE(dword) STORE(sword) STORE(sdword)
PROG(store_pointer) { ((struct sample *)ctx)->pointer = ctx; return 0; }

#define INFO(field) \
	PROG(offset_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 0); } \
	PROG(size_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 1); } \
	PROG(exists_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 2); }
#define NUMBER(field) INFO(field) \
	PROG(signed_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 3); } \
	PROG(left_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 4); } \
	PROG(right_##field) { struct sample *s = ctx; return __builtin_preserve_field_info(s->field, 5); }
INFO(pointer) INFO(text) INFO(inner) INFO(grid) INFO(call) INFO(real) INFO(ahead)
NUMBER(byte) NUMBER(sword) NUMBER(dword) NUMBER(colour) NUMBER(wide) NUMBER(high) NUMBER(flag)
NUMBER(bits_a) NUMBER(bits_b) NUMBER(bits_s) NUMBER(bits_w) NUMBER(bits_f) NUMBER(bits_c)
PROG(offset_element) { struct sample *s = ctx; return __builtin_preserve_field_info(s->many[2], 0); }
PROG(size_element) { struct sample *s = ctx; return __builtin_preserve_field_info(s->many[2], 1); }
PROG(exists_element) { struct sample *s = ctx; return __builtin_preserve_field_info(s->many[3], 2); }
PROG(exists_tail) { struct sample *s = ctx; return __builtin_preserve_field_info(s->tail[9], 2); }
PROG(address) { return (u64)&((struct sample *)ctx)->many[1].b[2]; }

#define TYPE(name, type) \
	PROG(type_size_##name) { return __builtin_preserve_type_info(*(type *)0, 1); } \
	PROG(type_exists_##name) { return __builtin_preserve_type_info(*(type *)0, 0); } \
	PROG(type_matches_##name) { return __builtin_preserve_type_info(*(type *)0, 2); } \
	PROG(type_local_##name) { return __builtin_btf_type_id(*(type *)0, 0); } \
	PROG(type_target_##name) { return __builtin_btf_type_id(*(type *)0, 1); }
TYPE(sample, struct sample) TYPE(old, struct sample___old) TYPE(inner, struct inner) TYPE(missing, struct missing)
TYPE(twice, struct twice) TYPE(colour, enum colour) TYPE(wide, enum wide) TYPE(gone, enum gone)
TYPE(anon, anon_t) TYPE(func, func_t) TYPE(array, array_t) TYPE(to, pointer_t) TYPE(number, number_t)

PROG(enum_red) { return __builtin_preserve_enum_value(*(enum colour *)RED, 1); }
PROG(enum_green) { return __builtin_preserve_enum_value(*(enum colour *)GREEN, 1); }
PROG(enum_blue) { return __builtin_preserve_enum_value(*(enum colour *)BLUE___later, 1); }
PROG(enum_has_blue) { return __builtin_preserve_enum_value(*(enum colour *)BLUE___later, 0); }
PROG(enum_minus) { return __builtin_preserve_enum_value(*(enum wide *)WIDE_MINUS, 1); }
PROG(enum_big) { return __builtin_preserve_enum_value(*(enum wide *)WIDE_BIG, 1); }
PROG(enum_top) { return __builtin_preserve_enum_value(*(enum mask *)MASK_TOP, 1); }
PROG(enum_all) { return __builtin_preserve_enum_value(*(enum mask *)MASK_ALL, 1); }
PROG(enum_sign) { return __builtin_preserve_enum_value(*(enum signs *)SIGN_MINUS, 1); }
PROG(enum_gone) { return __builtin_preserve_enum_value(*(enum gone *)GONE_B, 1); }
PROG(enum_has_gone) { return __builtin_preserve_enum_value(*(enum gone *)GONE_B, 0); }

char terms[] __attribute__((section("license"))) = "GPL";
