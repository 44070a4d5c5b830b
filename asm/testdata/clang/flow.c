// Jumps, calls and arithmetic of every width.
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

static u64 (*map_lookup)(void *map, const void *key) = (void *)1;
static long (*trace)(const char *fmt, u32 size, ...) = (void *)6;

extern int somewhere(u64 x);
extern int external_data;

u64 arithmetic(u64 a, u64 b, u32 c)
{
	u64 r = a * b + (a / (b | 1)) - (a % (b | 3));
	r ^= (a << (b & 63)) | (b >> 3);
	c = c * 7 + (c >> 5) - (c << 3) % 11;
	r += c & 0xff00ff00u;
	r -= (u64)(long long)(int)c >> 7;
	r += 0x123456789abcdef0ull;
	return r;
}

#if __BPF_CPU_VERSION__ >= 4
int signs(signed char a, short b, int c, long long d)
{
	if (d < -5 || c > 1000)
		return a + b;
	if (d / (c | 1) > 77)
		return b * a;
	return (int)(d % (a | 1));
}
#endif

u32 swaps(u32 a, u16 b, u64 c)
{
	return __builtin_bswap32(a) + __builtin_bswap16(b) + (u32)__builtin_bswap64(c);
}

#if __BPF_CPU_VERSION__ >= 3
u64 atomics(u64 *p, u32 *q)
{
	u64 old = __sync_fetch_and_add(p, 3);
	__sync_fetch_and_or(q, 1);
	old += __sync_fetch_and_xor(p, old);
	old += __sync_lock_test_and_set(p, old);
	old += __sync_val_compare_and_swap(p, old, 9);
	return old;
}
#endif

int loops(u8 *p, u64 n)
{
	int sum = 0;
#pragma clang loop unroll(disable)
	for (u64 i = 0; i < n; i++) {
		switch (p[i]) {
		case 'a': sum += 1; break;
		case 'b': sum += somewhere(i); break;
		case '\n': return sum;
		default: sum ^= p[i];
		}
	}
	char fmt[] = "sum %d\n";
	trace(fmt, sizeof(fmt), sum);
	asm volatile("r0 = 1; %0 = r0" : "=r"(sum) : : "r0");
	asm volatile("if %0 == 7 goto 1f; %0 += 1; goto +0; 1: %0 <<= 2" : "+r"(sum));
	return sum + external_data + (int)map_lookup(&external_data, fmt);
}
