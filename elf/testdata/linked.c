/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several programs in a section, functions in .text that call one another,
 * a callback, and variables of every kind.
 */
#include "bpf.h"

struct {
	NUMBER(type, 1);
	NUMBER(max_entries, 16);
	TYPE(key, u32);
	TYPE(value, u64);
} counts SEC(".maps");

int level = 5;
u64 table[4] = { 1, 2, 3, 4 };
static int calls = 6;
static volatile int seen;
u64 total;
const volatile int limit = 7;
const volatile u16 odd SEC(".rodata.extra") = 3;
int tuned SEC(".data.tuning") = 9;

static NOINLINE int scale(int a)
{
	return a * limit + calls;
}

NOINLINE int weigh(int a)
{
	return scale(a) + level;
}

static NOINLINE int alone(int a)
{
	return a + odd;
}

NOINLINE int all(int a)
{
	return weigh(a) - alone(a) + tuned;
}

static int each(u32 i, void *ctx)
{
	seen += alone(i);
	return 0;
}

SEC("xdp") int first(void *ctx)
{
	u32 key = 0;
	u64 *value = map_lookup(&counts, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	calls += 3;
	return weigh(key) + table[2];
}

SEC("xdp") int second(void *ctx)
{
	loop(3, each, 0, 0);
	total++;
	return scale(3) & 3;
}

SEC("tc") int third(void *ctx)
{
	return all(4) + alone(7) + scale(1);
}

SEC("tp/sched/sched_switch") int fourth(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
