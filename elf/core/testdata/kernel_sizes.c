// A kernel whose fields have other sizes and signs, and in which some names are
// of other things.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

enum colour { RED = 1 };
enum wide { WIDE_MINUS = 9, WIDE_BIG = 8 };
enum mask { MASK_TOP = 0x123456789abLL };
enum signs { SIGN_MINUS = 0x7fffffff };
union inner {
	u32 a;
	u64 b[2];
};
struct sample {
	u64 byte;
	u32 half;
	u16 word;
	u32 dword;
	int sbyte;
	u32 shalf;
	signed char sword;
	u32 sdword;
	u32 flag;
	char *text;
	u32 pointer;
	u64 link;
	union ahead *ahead;
	u8 colour;
	enum wide wide;
	union inner inner;
	union inner many[3];
	u8 grid[3][5];
	u64 as_word;
	unsigned __int128 low;
	u8 high;
	u64 call;
	u8 qualified;
	u64 bits_a, bits_b;
	u8 bits_s : 7;
	u32 bits_w;
	enum colour bits_f : 3, bits_c;
	float real;
	u8 tail[2];
};
struct sample___two {
	u32 word;
};
struct twice {
	u32 y, x;
};
struct twice___b {
	u32 y, x, z;
};
struct twice___c {
	u64 x;
};
typedef union {
	u32 n;
	union inner in;
} anon_t;
typedef long (*func_t)(struct sample *, u64);
typedef u64 array_t[8];
typedef union inner *pointer_t;
typedef struct { u32 v; } number_t;

struct all {
	struct sample s;
	struct sample___two n;
	struct twice t;
	struct twice___b b;
	struct twice___c c;
	anon_t a;
	func_t f;
	array_t r;
	pointer_t p;
	number_t m;
	enum mask k;
	enum signs g;
	long l;
} all;
