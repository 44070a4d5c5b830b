/* SPDX-License-Identifier: Apache-2.0 */
/* Map definitions with all that they can say. */
#include "bpf.h"

struct pair {
	u32 a;
	u32 b;
};

struct {
	NUMBER(type, 1);
	NUMBER(key_size, 12);
	NUMBER(value_size, 20);
	NUMBER(max_entries, 100);
	NUMBER(map_flags, 1);
	NUMBER(pinning, 1);
} sizes SEC(".maps");

struct {
	NUMBER(type, 9);
	NUMBER(max_entries, 8);
	TYPE(key, struct pair);
	TYPE(value, struct { u64 packets; u64 bytes; });
} types SEC(".maps");

struct {
	NUMBER(type, 27);
	NUMBER(max_entries, 4096);
} events SEC(".maps");

struct {
	NUMBER(type, 30);
	NUMBER(value_size, 4);
	NUMBER(max_entries, 64);
	NUMBER(map_extra, 3);
} bloom SEC(".maps");

struct inner {
	NUMBER(type, 2);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct pair);
} one SEC(".maps"), two SEC(".maps");

struct {
	NUMBER(type, 12);
	NUMBER(max_entries, 3);
	TYPE(key, u32);
	struct inner *values[];
} outer SEC(".maps") = { .values = { &one, 0, &two } };

int next(void *ctx);

struct {
	NUMBER(type, 3);
	NUMBER(max_entries, 2);
	TYPE(key, u32);
	int (*values[])(void *);
} jumps SEC(".maps") = { .values = { [1] = next } };

SEC("socket") int next(void *ctx)
{
	return 1;
}

SEC("socket") int use(void *ctx)
{
	u32 key = 0;
	void *map = map_lookup(&outer, &key);
	struct pair *value;

	if (map && (value = map_lookup(map, &key)))
		return value->a;
	tail_call(ctx, &jumps, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
