// Types whose layout or spelling a header must take care of. Everything is a member
// of struct everything, so that compilers describe it.

#ifdef __clang__
#define tag(x) __attribute__((btf_type_tag(x)))
#define note(x) __attribute__((btf_decl_tag(x)))
#define signed_enum(name) enum name : long long
#else
#define tag(x)
#define note(x)
#define signed_enum(name) enum name
#endif

struct later;
union later_union;
typedef struct later later_t;

enum small { SMALL_A, SMALL_B = 255 } __attribute__((packed));
enum small_signed { SS_A = -128, SS_B = 127 } __attribute__((packed));
enum medium { MEDIUM_A, MEDIUM_B = 65535 } __attribute__((packed));
enum medium_wide { MW_A, MW_B = 3 } __attribute__((mode(HI)));
enum wide { WIDE_A, WIDE_B = 3 } __attribute__((mode(DI)));
enum wide_signed { WS_A = -1, WS_B = 0x7fffffffffffffffLL };
enum wide_least { WL_A = (-0x7fffffffffffffffLL - 1) };
enum wide_unsigned { WU_A = 0xffffffffffffffffULL };
enum middle { MIDDLE_A = 0x80000000u };
enum negative { NEG_A = -0x7fffffff - 1, NEG_B = 0x7fffffff };
signed_enum(given) { GIVEN_A = 1 };

struct nothing {};
struct flexible { int n; struct { int a; } items[]; };
struct zero_length { int head[0]; char c; int n[0]; };

struct bits {
	unsigned a : 3;
	int b : 5;
	unsigned : 0;
	unsigned long long c : 40;
	unsigned long long d : 24;
	unsigned char e : 1;
	_Bool f : 1;
	short g : 9;
	enum small h : 2;
	enum wide i : 33;
	__int128 k : 100;
};

struct bits_far { char c; int : 24; long : 40; int x : 3; int : 29; char last; };
struct bits_packed { char c; int a : 31; long long b : 60; short s; } __attribute__((packed));
struct packed { char c; int n; long long l; } __attribute__((packed));
struct packed_aligned { char c; int n; } __attribute__((packed, aligned(8)));
struct packed_inside { char c; struct packed p; int n __attribute__((packed)); };
struct aligned { int n; } __attribute__((aligned(64)));
struct aligned_inside { char c; struct aligned a; char d; };
struct member_aligned { char c; int n __attribute__((aligned(32))); char d; };
struct big_gap { char c; char d __attribute__((aligned(4096))); };
union padded { char c[5]; int n __attribute__((aligned(16))); };
union packed_union { char c[5]; int n; } __attribute__((packed));
union bit_union { int a : 3; unsigned long long b : 60; };
union large_aligned { char c; } __attribute__((aligned(128)));

struct numbers {
	__int128 s;
	char c;
	unsigned __int128 u;
	float f;
	double d;
	_Bool b;
	long double ld;
	long l;
	unsigned long ul;
	signed char sc;
	unsigned char uc;
	__WCHAR_TYPE__ *w;
};

struct ring { struct ring *next; struct other_ring *other; };
struct other_ring { struct ring r; struct other_ring *back[2]; };
typedef struct node node;
struct node { node *left, *right; struct { node *up; union { int a; float b; }; } in; };
typedef struct { struct ring r; } anonymous_t;
typedef struct { anonymous_t a; int n; } *anonymous_pointer_t;
typedef union { int a; long b; } anonymous_union_t;
typedef enum { AE_A, AE_B } anonymous_enum_t;

typedef int array_t[3];
typedef int matrix_t[2][3];
typedef const array_t const_array_t;
typedef int function_t(const char *, ...);
typedef void (*handler_t)(int, struct later *, union later_union *);
typedef handler_t (*handlers_t)(handler_t, int (*)[4], function_t *);
typedef function_t *const const_function_t;

struct pointers {
	int *const a;
	const int *b;
	const volatile int *const volatile *c;
	int (*d)[4];
	int *e[4];
	int (*(*f)[3])(void);
	int (*(*g)(int))[5];
	void (*h)(void);
	const struct later *i;
	char *restrict j;
	int tag("user") *k;
	int tag("rcu") *tag("percpu") l;
	const int tag("user") *const m;
	later_t *n;
	function_t *o;
	const_array_t *p;
	matrix_t q;
	handlers_t r;
	struct { const struct { int x; } *y; } s;
	int (*const t[2])(int, char);
	void *(*u)(struct only_here *);
	const_function_t v;
	int (tag("fn") *w)(int);
};

struct tagged { int a note("first"); int b note("one") note("two"); } note("whole");
typedef int tagged_t note("typedef");

struct inner_names {
	struct { int a; };
	union { int b; struct { int c, d; }; };
	const struct { int e; };
	enum { IN_A = 5 } f;
	struct { enum { IN_B = 7 } x : 4; } g[2];
	int struct_;
	int __pad;
};
struct bad_pad { char c; int __pad[2] __attribute__((aligned(1024))); };

struct everything {
	enum small a0; enum small_signed a1; enum medium a2; enum medium_wide a3; enum wide a4; enum wide_signed a5;
	enum wide_least a6; enum wide_unsigned a7; enum middle a8; enum negative a9; enum given a10;
	struct nothing b0; struct zero_length b2; struct bits b3; struct bits_far b4;
	struct bits_packed b5; struct packed b6; struct packed_aligned b7; struct packed_inside b8; struct aligned b9;
	struct aligned_inside b10; struct member_aligned b11; struct big_gap b12; union padded b13; union packed_union b14;
	union bit_union b15; union large_aligned b16; struct numbers c0; struct ring c1; struct other_ring c2; struct node c3;
	anonymous_t c4; anonymous_pointer_t c5; anonymous_union_t c6; anonymous_enum_t c7; array_t d0; matrix_t d1; const_array_t d2;
	function_t *d3; handler_t d4; handlers_t d5; const_function_t d6; struct pointers e0; struct tagged e1; tagged_t e2;
	struct inner_names e3; struct bad_pad e4; const volatile struct packed e5[2]; struct flexible e6;
} everything;
