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

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;
