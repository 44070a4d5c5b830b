/* SPDX-License-Identifier: Apache-2.0 */
/* What some loaders refuse: a static map, a large number, a NUMA node. */
#include "bpf.h"

struct {
	NUMBER(type, 33);
	NUMBER(map_flags, 1024);
	NUMBER(max_entries, 10);
	LARGE(map_extra, 0x100000000000ull);
} arena SEC(".maps");

static struct {
	NUMBER(type, 2);
	NUMBER(max_entries, 4);
	NUMBER(numa_node, 1);
	TYPE(key, u32);
	TYPE(value, u64);
} hidden SEC(".maps");

static NOINLINE int helper(int a)
{
	return a + 1;
}

SEC("xdp") int visible(void *ctx)
{
	u32 key = 0;

	return helper(map_lookup(&hidden, &key) != 0);
}

/* Not a program: the function is static. */
static SEC("xdp") int invisible(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
