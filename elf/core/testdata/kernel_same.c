// A kernel that has all that local.c has, elsewhere.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed long long s64;

enum colour { GREEN = 50, RED = 10, BLUE = 70, MORE };
enum wide { WIDE_MINUS = -2LL, WIDE_BIG = 0x56789abcdefLL };
enum mask { MASK_ALL = 0xfffffff0u, MASK_TOP = 0x40000000u };
enum signs { SIGN_PLUS = 6, SIGN_MINUS = -6 };
struct ahead;
struct inner {
	u64 first;
	u64 b[4];
	u32 a;
};
struct sample {
	u64 before;
	struct {
		u8 byte;
		union {
			u16 half;
			u32 word;
		};
	};
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
	struct inner inner, many[5];
	u32 grid[4][5];
	union {
		u32 as_word;
		struct {
			u16 high;
			u16 low;
		};
	};
	int (*call)(int, struct inner *);
	u32 qualified;
	u32 pad : 9;
	u32 bits_b : 10;
	u32 bits_a : 5;
	int bits_s : 9;
	u64 bits_w : 41;
	_Bool bits_f : 1;
	enum colour bits_c : 6;
	double real;
	u32 tail[];
};
struct sample___new {
	u32 renamed;
	u64 half;
};
struct twice {
	u32 x, y;
};
typedef struct {
	u32 more, n;
	struct inner in;
} anon_t;
typedef int (*func_t)(struct inner *, u32);
typedef u32 array_t[7];
typedef struct inner *pointer_t;
typedef u32 number_t;

struct all {
	struct sample___new n;
	struct twice t;
	anon_t a;
	func_t f;
	array_t r;
	pointer_t p;
	number_t m;
	enum mask k;
	enum signs g;
	long l;
	struct sample s;
} all;
