// A kernel whose fields are too far away for the offset of a load, and which has
// some of the names only as others use them.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct inner;
enum colour { GREEN___old = 3, BLUE___other = 4 };
struct sample {
	char far[40000];
	u8 byte;
	u32 word;
	struct inner *link;
	struct inner *inner;
	u32 many[9];
	u32 grid[1];
	u32 tail[0];
	struct {
		u32 tail_not[1];
	};
	const enum colour colour;
	u64 bits_b;
	long bits_w : 33;
};
typedef int (*func_t)(struct inner *);
typedef struct sample array_t[0];
typedef void *pointer_t;
typedef long number_t;

struct all {
	struct sample s;
	func_t f;
	array_t r;
	pointer_t p;
	number_t m;
} all;
