/* SPDX-License-Identifier: Apache-2.0 */
/* What the test programs need, so that they build without any other header. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))

/* Members of a map's definition: a number is the length of an array, a large
 * one an enumeration. */
#define NUMBER(name, n) int(*name)[n]
#define LARGE(name, n) enum { name##_value = n } name
#define TYPE(name, t) t *name

/* A helper is called by its number: for clang that is the value of a pointer, for
 * gcc an attribute. */
#ifdef __clang__
#define HELPER(type, name, n, ...) static type (*name)(__VA_ARGS__) = (void *)n
#else
#define HELPER(type, name, n, ...) type name(__VA_ARGS__) __attribute__((kernel_helper(n)))
#endif
HELPER(void *, map_lookup, 1, void *map, const void *key);
HELPER(long, map_update, 2, void *map, const void *key, const void *value, u64 flags);
HELPER(long, tail_call, 12, void *ctx, void *map, u32 index);
HELPER(long, loop, 181, u32 n, void *callback, void *ctx, u64 flags);
